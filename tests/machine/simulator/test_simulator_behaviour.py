"""Shared memory, printing, wrapping integers, notes, and patterns that many kernels share."""

import pytest
import torch
from glassbox.machine import empty, launch, tl, triton
from glassbox.machine import simulator as sim
from test_simulator_numerics import low_precision_product


@triton.jit
def writes_a_byte_of_it(word_ptr, byte_ptr):
    if tl.program_id(0) == 0:
        tl.store(word_ptr + tl.arange(0, 4), 7)
    else:
        tl.store(byte_ptr + 9, 1)


@triton.jit
def reads_bytes(byte_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(byte_ptr + i, mask=i < n, other=0))


def test_two_views_of_one_memory_share_their_bookkeeping():
    words = empty(4, dtype=torch.int32)
    with pytest.raises(sim.WriteRace, match=r"byte_ptr: this program stored another value to element \(9,\)"):
        launch(writes_a_byte_of_it, (2,), words, words.view(torch.uint8))
    fresh, out = empty(4, dtype=torch.int32), empty(16, dtype=torch.uint8)
    launch(writes_a_byte_of_it, (1,), fresh[:4], fresh.view(torch.uint8))
    launch(reads_bytes, (1,), fresh.view(torch.uint8), out, 16, BLOCK=16)
    assert out.tolist() == [7, 0, 0, 0] * 4
    half = empty(4, dtype=torch.int32)
    launch(reads_bytes, (1,), words.view(torch.uint8), half[:2].view(torch.uint8), 8, BLOCK=8)
    with pytest.raises(sim.UninitializedRead):
        launch(reads_bytes, (1,), half[1:3], empty(2, dtype=torch.int32), 2, BLOCK=2)


@triton.jit
def _grouped_tile(pid, rows, columns, GROUP: tl.constexpr):
    per_group = GROUP * columns
    first = (pid // per_group) * GROUP
    height = min(rows - first, GROUP)
    return first + (pid % per_group) % height, (pid % per_group) // height


@triton.jit
def grouped_matmul(
    a_ptr, b_ptr, c_ptr, M, N, K, BLOCK: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr
):
    row, column = _grouped_tile(tl.program_id(0), tl.cdiv(M, BLOCK), tl.cdiv(N, BLOCK), GROUP)
    m = (row * BLOCK + tl.arange(0, BLOCK)) % M
    n = (column * BLOCK + tl.arange(0, BLOCK)) % N
    k = tl.arange(0, DEPTH)
    a_at = a_ptr + m[:, None] * K + k[None, :]
    b_at = b_ptr + k[:, None] * N + n[None, :]
    acc = tl.zeros((BLOCK, BLOCK), tl.float32)
    for step in tl.range(0, tl.cdiv(K, DEPTH), num_stages=3):
        inside = k < K - step * DEPTH
        a = tl.load(a_at, mask=inside[None, :], other=0.0)
        b = tl.load(b_at, mask=inside[:, None], other=0.0)
        acc = tl.dot(a, b, acc)
        a_at += DEPTH
        b_at += DEPTH * N
    rows, columns = row * BLOCK + tl.arange(0, BLOCK), column * BLOCK + tl.arange(0, BLOCK)
    at = c_ptr + rows[:, None] * N + columns[None, :]
    tl.store(at, acc, mask=(rows[:, None] < M) & (columns[None, :] < N))


@triton.jit
def persistent_softmax(x_ptr, y_ptr, rows, columns, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=2):
        x = tl.load(x_ptr + row * columns + i, mask=i < columns, other=-float("inf"))
        tl.store(y_ptr + row * columns + i, tl.softmax(x), mask=i < columns)


@triton.jit
def dropout(x_ptr, y_ptr, n, p, seed, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    y = tl.where(tl.rand(seed, i) > p, x / (1 - p), 0.0)
    tl.store(y_ptr + i, y, mask=i < n)


def test_patterns_that_many_kernels_share():
    a, b, c = torch.randn(50, 40), torch.randn(40, 70), empty(50, 70)
    launch(grouped_matmul, (4 * 5,), a, b, c, 50, 70, 40, BLOCK=16, DEPTH=16, GROUP=3)
    assert torch.allclose(c, a @ b, atol=1e-5)
    x, y = torch.randn(11, 20), empty(11, 20)
    report = launch(persistent_softmax, (4,), x, y, 11, 20, BLOCK=32)
    assert torch.allclose(y, x.softmax(1)) and report.bytes_moved == 2 * 11 * 20 * 4
    ones, kept = torch.ones(2000), empty(2000)
    launch(dropout, (16,), ones, kept, 2000, 0.25, 7, BLOCK=128)
    assert abs((kept == 0).float().mean() - 0.25) < 0.04 and set(kept.unique().tolist()) == {
        0.0,
        kept.max().item(),
    }


@triton.jit
def talks(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.device_print("values", tl.load(x_ptr + i))
    tl.static_print("BLOCK is", BLOCK)
    print("plain", tl.program_id(0))


def test_printing(capsys):
    launch(talks, (1,), torch.tensor([1.0, 2.0]), BLOCK=2)
    shown = capsys.readouterr().out
    assert "pid (0, 0, 0) values [1. 2.]" in shown and "BLOCK is 2" in shown and "plain 0" in shown


@triton.jit
def overflows_silently(out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0) + n
    offset = row * 65536 + tl.arange(0, BLOCK)
    tl.store(out_ptr + tl.arange(0, BLOCK), offset)


def test_32_bit_arithmetic_wraps_and_the_report_says_so():
    out = empty(4, dtype=torch.int64)
    report = launch(overflows_silently, (1,), out, 40000, BLOCK=4)
    wrapped = (40000 * 65536 + 2**31) % 2**32 - 2**31
    assert out.tolist() == [wrapped + k for k in range(4)]
    assert any("wrapped around" in note for note in report.notes)
    quiet = launch(overflows_silently, (1,), out, 400, BLOCK=4)
    assert quiet.notes == ()


def test_notes_on_what_a_gpu_does_otherwise():
    a, out = torch.randn(8, 8), empty(8, 8)
    notes = launch(low_precision_product, (1,), a, a, out, N=8).notes
    assert any("TF32" in note for note in notes) and any("K >= 16" in note for note in notes)


def test_a_float_tensor_starts_as_nan_and_an_integer_one_as_no_plausible_number():
    for kind in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        assert empty(5, dtype=kind).isnan().all()
    assert (empty(5, dtype=torch.int32) == -262149).all()
