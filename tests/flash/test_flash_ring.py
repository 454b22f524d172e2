"""Ring attention: shards that travel, partial results that are merged, the whole as the result."""

import pytest
import torch
from glassbox import flash
from glassbox.attention.masks import causal, sinks, sliding_window
from glassbox.flash import ring
from glassbox.tiny.seeds import normal


def inputs(t=9, n=9):
    return normal((2, 4, t, 3), 0), normal((2, 2, n, 3), 1), normal((2, 2, n, 5), 2)


def close(got, expected):
    return all(torch.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(got, expected, strict=True))


CASES = {
    "plain": (9, 9, None, None),
    "causal": (9, 9, causal(), None),
    "window and sinks, capped": (9, 9, causal() & (sinks(1) | sliding_window(2)), flash.soft_cap(0.5)),
    "fewer queries than devices": (2, 9, causal(), None),
    "empty rows": (9, 5, causal(), None),
}


@pytest.mark.parametrize("devices", [1, 2, 4])
@pytest.mark.parametrize("name", CASES)
def test_a_ring_equals_the_whole(name, devices):
    t, n, mask, score = CASES[name]
    case = inputs(t, n)
    assert close(flash.ring_attention(*case, devices, mask, score), flash.tiled_attention(*case, mask, score))


def test_every_device_meets_every_key_once():
    rules = flash.api.checked_rules(*inputs(), None, None, None)
    devices, met = ring.place(*inputs(), 4), [[], [], [], []]
    for _ in range(4):
        for seen, device in zip(met, devices, strict=True):
            seen.extend(device.keys.at.tolist())
        devices = ring.step(devices, rules)
    assert [sorted(seen) for seen in met] == [list(range(9))] * 4
    assert met[0][:3] == [0, 1, 2] and met[1][:5] == [3, 4, 0, 1, 2]


def test_after_half_the_steps_half_is_missing():
    rules = flash.api.checked_rules(*inputs(), None, None, None)
    devices = ring.place(*inputs(), 4)
    for _ in range(2):
        devices = ring.step(devices, rules)
    halfway = ring.joined([device.result for device in devices], inputs()[0])
    assert not close(halfway, flash.tiled_attention(*inputs()))


@pytest.mark.parametrize("devices, error", [(0, ValueError), (10, ValueError), (2.0, TypeError)])
def test_bad_numbers_of_devices_are_named(devices, error):
    with pytest.raises(error, match="devices"):
        flash.ring_attention(*inputs(), devices)
