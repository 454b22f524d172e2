"""The meters are exact: every byte and FLOP equals the formula worked out by hand."""

import inspect
import math

import kernels_under_test as kernels
import numpy as np
import pytest
import torch
from glassbox.machine import launch, tl, triton
from hypothesis import given, settings
from hypothesis import strategies as some


def flash_bytes(heads, t, n, d, block_t, block_n, causal, size=4):
    """Return bytes (loaded, stored) of the flash forward kernel.

    Each query tile loads its own rows once, and every key and value row of the blocks it visits:

        loaded = h · (t·d + Σᵢ 2·d·min(n, ⌈endᵢ / block_n⌉·block_n)) elements
        endᵢ = n, or if causal min(n, (i + 1)·block_t)
        stored = h · t·d elements, and h · t fp32 log-sum-exps
    """
    rows = 0
    for i in range(math.ceil(t / block_t)):
        end = min(n, (i + 1) * block_t) if causal else n
        rows += min(n, math.ceil(end / block_n) * block_n)
    return heads * (t * d + 2 * d * rows) * size, heads * (t * d * size + t * 4)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "t, n, block", [(64, 64, (16, 16)), (40, 50, (16, 32)), (64, 64, (32, 16)), (7, 3, (16, 16))]
)
def test_flash_forward_moves_what_the_formula_says(t, n, block, causal):
    if causal and t != n:
        n = t
    q, k, v = torch.randn(3, t, 16), torch.randn(3, n, 16), torch.randn(3, n, 16)
    _, _, report = kernels.attention(q, k, v, causal=causal, block=block)
    loaded, stored = flash_bytes(3, t, n, 16, *block, causal)
    assert (report.bytes_loaded, report.bytes_stored) == (loaded, stored)
    unique = {name: traffic.loaded_unique for name, traffic in report.arguments.items()}
    assert unique["q_ptr"] == q.numel() * 4
    assert unique["k_ptr"] == unique["v_ptr"] == k.numel() * 4
    assert report.arguments["out_ptr"].stored_unique == q.numel() * 4
    pairs = sum(
        math.ceil((min(n, (i + 1) * block[0]) if causal else n) / block[1])
        for i in range(math.ceil(t / block[0]))
    )
    assert report.flops.matrix == 3 * pairs * 2 * (2 * block[0] * block[1] * 16)


def test_half_precision_moves_half_the_bytes():
    q = torch.randn(2, 32, 16)
    wide = kernels.attention(q, q, q)[2]
    narrow = kernels.attention(*(q.half(),) * 3)[2]
    assert 2 * narrow.bytes_loaded == wide.bytes_loaded
    assert flash_bytes(2, 32, 32, 16, 16, 16, False, size=2) == (narrow.bytes_loaded, narrow.bytes_stored)


def test_matmul_traffic_and_flops():
    a, b = torch.randn(40, 50), torch.randn(50, 30)
    _, report = kernels.matmul(a, b, block=(16, 16, 32))
    traffic = report.arguments
    assert traffic["a_ptr"].loaded == 2 * a.numel() * 4 and traffic["a_ptr"].loaded_unique == a.numel() * 4
    assert traffic["b_ptr"].loaded == 3 * b.numel() * 4 and traffic["b_ptr"].loaded_unique == b.numel() * 4
    assert traffic["c_ptr"].stored == traffic["c_ptr"].stored_unique == 40 * 30 * 4
    assert report.flops == (2 * 48 * 32 * 64, 0, 0)
    assert report.bytes_compulsory == (a.numel() + b.numel() + 40 * 30) * 4
    assert report.intensity == report.flops.total / report.bytes_moved


def test_softmax_flops_and_live_bytes():
    _, report = kernels.softmax(torch.randn(3, 50))
    block = 64
    elementwise = (block - 1) + block + (block - 1)  # maximum, difference, sum
    assert report.flops == (0, 3 * elementwise, 3 * 2 * block)  # exp and division
    assert report.peak_live_bytes == 3 * block * 4  # x, x - max, exp(x - max)
    assert [p.program for p in report.programs] == [(0, 0, 0), (1, 0, 0), (2, 0, 0)]
    assert all(p.loaded == p.stored == 200 and p.peak_live_bytes == 768 for p in report.programs)


def test_live_bytes_of_a_matmul_tile():
    """acc, a and b live; the product is one block more, before the old accumulator goes."""
    _, report = kernels.matmul(torch.randn(32, 64), torch.randn(64, 32), block=(32, 32, 16))
    tile, panel = 32 * 32 * 4, 32 * 16 * 4
    assert report.peak_live_bytes == 2 * tile + 2 * panel


def test_masked_lanes_move_nothing():
    _, report = kernels.add(torch.randn(100), torch.randn(100), block=64)
    assert report.bytes_loaded == 800 and report.bytes_stored == 400
    assert report.flops.elementwise == 128


@triton.jit
def count(x_ptr, bins_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0)
    tl.atomic_add(bins_ptr + x, 1, mask=i < n)


def test_atomics_read_and_write():
    x, bins = torch.randint(0, 4, (50,), dtype=torch.int32), torch.zeros(8, dtype=torch.int32)
    report = launch(count, (4,), x, bins, 50, BLOCK=16)
    assert torch.equal(bins, torch.bincount(x, minlength=8).int())
    traffic = report.arguments["bins_ptr"]
    assert traffic.loaded == traffic.stored == traffic.atomic == 50 * 4
    assert traffic.loaded_unique == traffic.stored_unique == 4 * len(x.unique())
    assert report.bytes_loaded == 2 * 50 * 4 and report.bytes_stored == 50 * 4
    assert sum(event.bytes for event in report.events) == report.bytes_moved


def test_events_replay_the_launch():
    a, b = torch.randn(40, 50), torch.randn(50, 30)
    _, report = kernels.matmul(a, b, block=(16, 16, 32))
    assert sum(event.bytes for event in report.events) == report.bytes_moved == sum(report.by_line().values())
    lines, start = inspect.getsourcelines(kernels.matmul_tile.fn)
    of_a = start + next(k for k, line in enumerate(lines) if "tl.load(a_at" in line)
    assert report.by_line()["matmul_tile", of_a] == report.arguments["a_ptr"].loaded
    loads = [e for e in report.events if e.argument == "a_ptr" and e.program == (2, 1, 0)]
    assert [e.tile for e in loads] == [((32, 40), (0, 32)), ((32, 40), (32, 50))]
    assert [e.bytes for e in loads] == [8 * 32 * 4, 8 * 18 * 4]
    (store,) = [e for e in report.events if e.operation == "store" and e.program == (2, 1, 0)]
    assert store.tile == ((32, 40), (16, 30))
    covered = torch.zeros(40, 30)
    for event in report.events:
        if event.operation == "store":
            (top, bottom), (left, right) = event.tile
            covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


def test_events_of_transposed_tensors_are_in_the_tensors_own_axes():
    _, report = kernels.matmul(torch.randn(50, 40).T, torch.randn(50, 30), block=(16, 16, 32))
    first = next(e for e in report.events if e.argument == "a_ptr" and e.program == (1, 0, 0))
    assert first.tile == ((16, 32), (0, 32))


def test_gathers_have_no_tile_but_count():
    report = launch(
        count, (4,), torch.zeros(50, dtype=torch.int32), torch.zeros(8, dtype=torch.int32), 50, BLOCK=16
    )
    assert all(e.tile is None for e in report.events if e.operation == "atomic")


def test_the_event_list_is_bounded():
    x = torch.randn(640)
    _, report = kernels.add(x, x, block=64, events=7)
    assert len(report.events) == 7 and report.events_dropped == 23
    assert report.bytes_moved == 3 * 640 * 4


def test_a_report_reads_well():
    _, report = kernels.add(torch.randn(100), torch.randn(100), block=64)
    shown = str(report)
    assert "vector_add, 2 programs" in shown and "x_ptr" in shown and "400" in shown
    assert repr(report) == "Report(vector_add, grid (2, 1, 1), 1200 bytes, 128 FLOPs)"


@triton.jit
def windows(x_ptr, y_ptr, step, stride, n, GATHER: tl.constexpr, BLOCK: tl.constexpr):
    pid, i = tl.program_id(0), tl.arange(0, BLOCK)
    at = (pid * step + i) * stride
    if GATHER:
        at = at + (at % 3 - at % 3)
    x = tl.load(x_ptr + at, mask=at < n, other=0.0)
    tl.store(y_ptr + pid * BLOCK + i, x, mask=(pid + i) % 2 == 0)


@settings(max_examples=150, deadline=None)
@given(
    programs=some.integers(1, 6),
    step=some.integers(0, 20),
    stride=some.integers(1, 4),
    n=some.integers(1, 120),
    block=some.sampled_from([1, 2, 8, 16]),
    gather=some.booleans(),
    half=some.booleans(),
)
def test_total_is_at_least_unique_and_unique_is_what_was_touched(
    programs, step, stride, n, block, gather, half
):
    x = torch.randn(n).to(torch.float16 if half else torch.float32)
    results = []
    for options in ({}, {"meter": False}, {"meter": False, "checks": False}, {"events": 0}):
        y = torch.zeros(programs * block)
        constants = {"GATHER": gather, "BLOCK": block}
        results.append((y, launch(windows, (programs,), x, y, step, stride, n, **constants, **options)))
    offsets = [(p * step + i) * stride for p in range(programs) for i in range(block)]
    touched = [o for o in offsets if o < n]
    report, size = results[0][1], x.element_size()
    loaded, stored = report.arguments["x_ptr"], report.arguments["y_ptr"]
    assert loaded.loaded == len(touched) * size
    assert loaded.loaded_unique == len(set(touched)) * size
    assert loaded.loaded >= loaded.loaded_unique
    written = sum((p + i) % 2 == 0 for p in range(programs) for i in range(block))
    assert stored.stored == stored.stored_unique == written * 4
    for y, other in results[1:]:
        assert np.array_equal(y.numpy(), results[0][0].numpy())
        assert other.bytes_moved in (0, report.bytes_moved)
    assert not results[1][1].metered and results[3][1].events_dropped == len(report.events)
