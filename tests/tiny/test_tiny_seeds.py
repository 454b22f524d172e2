"""Random numbers that do not depend on torch, on threads or on what was drawn before."""

import numpy as np
import pytest
import torch
from glassbox.tiny import seeds

TEXT = bytes(range(256)) * 4


def test_the_stream_is_the_frozen_one_of_randomstate():
    assert seeds.normal((3,), 0).numpy().round(6).tolist() == [1.764052, 0.400157, 0.978738]
    assert seeds.uniform((2,), 0).numpy().round(6).tolist() == [0.548814, 0.715189]


def test_a_draw_depends_on_its_seed_alone():
    torch.manual_seed(1)
    np.random.seed(1)
    first = seeds.normal((4, 5), 3)
    torch.randn(7), np.random.rand(7)
    assert torch.equal(first, seeds.normal((4, 5), 3))
    assert not torch.equal(first, seeds.normal((4, 5), 4))
    assert torch.equal(first.float(), seeds.normal((4, 5), 3, torch.float32))


def test_drawing_leaves_the_global_generators_alone():
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    seeds.normal((9,), 0), next(seeds.batches(TEXT, 2, 8, 0))
    assert (torch.rand(1).item(), np.random.rand()) == expected


def test_shapes_may_be_empty_or_scalar():
    assert seeds.normal((0, 3), 0).shape == (0, 3)
    assert seeds.uniform((), 0).shape == ()


def test_normal_and_uniform_have_their_moments():
    x, u = seeds.normal((200, 500), 0), seeds.uniform((200, 500), 0, -1.0, 3.0)
    assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.02


@pytest.mark.parametrize("shape, gain", [((200, 600), 1.0), ((600, 200), 2.0)])
def test_xavier_has_the_variance_of_its_equation(shape, gain):
    weight = seeds.xavier(shape, 0, gain)
    assert weight.shape == shape and weight.dtype == torch.float64
    assert abs(weight.var() / (gain**2 * 2 / sum(shape)) - 1) < 0.02


def test_batches_are_windows_of_the_text_and_repeat_with_the_seed():
    source = seeds.batches(TEXT, 4, 16, 0)
    drawn = [next(source) for _ in range(20)]
    assert all(x.shape == (4, 17) and x.dtype == torch.int64 for x in drawn)
    assert all(bytes(row.tolist()) in TEXT for x in drawn for row in x)
    again = seeds.batches(TEXT, 4, 16, 0)
    assert all(torch.equal(x, next(again)) for x in drawn)
    assert not torch.equal(drawn[0], next(seeds.batches(TEXT, 4, 16, 1)))


def test_the_last_window_of_the_text_can_be_drawn():
    source = seeds.batches(b"abcd", 8, 2, 0)
    seen = {bytes(row.tolist()) for _ in range(10) for row in next(source)}
    assert seen == {b"abc", b"bcd"}


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: seeds.normal((2,), -1), ValueError, r"seed: expected an integer in \[0, 2\^32\)"),
        (lambda: seeds.normal((2,), 1.5), TypeError, "seed: expected an integer"),
        (lambda: seeds.normal((2,), True), TypeError, "seed: expected an integer"),
        (lambda: seeds.normal((2,), 0, torch.int64), TypeError, "dtype: expected a floating-point"),
        (lambda: seeds.uniform((2,), 0, 1.0, 1.0), ValueError, "high: expected a number above low"),
        (lambda: seeds.xavier((2, 3, 4), 0), ValueError, "shape: expected two sizes"),
        (lambda: seeds.xavier((2, 3), 0, gain=0.0), ValueError, "gain: expected a finite number > 0"),
        (lambda: seeds.batches("text", 1, 2, 0), TypeError, "text: expected bytes"),
        (lambda: seeds.batches(b"abc", 1, 3, 0), ValueError, "text: expected more than length"),
        (lambda: seeds.batches(b"abc", 0, 1, 0), ValueError, "batch: expected a whole number >= 1"),
        (lambda: seeds.batches(b"abc", 1, 1.5, 0), TypeError, "length: expected a whole number"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
