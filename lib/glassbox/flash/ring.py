"""Ring attention: each device keeps its queries, the keys travel round, partial results are merged."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_value, expect_whole
from glassbox.attention.masks import Mask
from glassbox.attention.reference.core import Attended
from glassbox.flash.api import checked_rules
from glassbox.flash.reference.scoring import Rules, Score
from glassbox.flash.reference.softmax import finish, merge
from glassbox.flash.reference.tiled import Keys, Queries, forward_start, forward_step, grouped, joined
from glassbox.norms.reference import wide


class Device(NamedTuple):
    """One device of the ring: queries that stay, keys that pass through, and the result so far."""

    queries: Queries
    keys: Keys
    result: Attended


def place(q, k, v, devices: int) -> list[Device]:
    """Cut queries, keys and values into one shard per device, in order; nothing has been seen yet."""
    t, n, g = q.shape[2], k.shape[2], k.shape[1]
    at = torch.arange(n, device=q.device)
    where = torch.arange(n - t, n, device=q.device)
    rows = zip(grouped(q, g).tensor_split(devices, 3), where.tensor_split(devices), strict=True)
    keys = [x[:, :, None].tensor_split(devices, 3) for x in (wide(k), wide(v))]
    ring = zip(rows, zip(*keys, at.tensor_split(devices), strict=True), strict=True)
    return [empty(Queries(*row), Keys(*held)) for row, held in ring]


def empty(queries, keys) -> Device:
    return Device(queries, keys, finish(forward_start(queries, keys.v.shape[-1])))


def attend(device: Device, rules: Rules) -> Device:
    """Attend to the keys that are here, and merge what was found into the result."""
    start = forward_start(device.queries, device.keys.v.shape[-1])
    found = finish(forward_step(start, device.queries, device.keys, rules))
    return device._replace(result=merge(device.result, found))


def step(ring: list[Device], rules: Rules) -> list[Device]:
    """Every device attends, then hands its keys and values to the next; the last hands them to the first."""
    ring = [attend(device, rules) for device in ring]
    return [device._replace(keys=ring[place - 1].keys) for place, device in enumerate(ring)]


def ring_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    devices: int,
    mask: Mask | None = None,
    score: Score | None = None,
    scale: float | None = None,
) -> Attended:
    """Return attention as a ring of devices computes it: as many steps as devices, one shard of keys each.

    Convention: simulated one device after the other, in one process. Shards are runs of neighbours, the first
        ones a row longer where the length does not divide. The rest as `tiled_attention`.
    Precision: partial results stay in float32 or wider; the output is cast back once.
    Raises: TypeError, ValueError as `tiled_attention`, or for more devices than keys.
    Source: Liu et al. 2023, algorithm 1 (arXiv:2310.01889).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, score, scale)
    expect_whole("devices", devices, 1)
    if devices > k.shape[2]:
        raise bad_value("devices", f"at most {k.shape[2]}, one key for each", devices)
    ring = place(q, k, v, devices)
    for _ in range(devices):
        ring = step(ring, rules)
    return joined([device.result for device in ring], q)
