"""Stray addresses, unwritten memory, undefined lanes: each is caught, and the error names the line."""

import pytest
import torch
from glassbox.machine import empty, launch, tl, triton
from glassbox.machine import simulator as sim
from planted_mistakes import caught


@triton.jit
def forgot_the_mask(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(y_ptr + i, x, mask=i < n)


def test_a_load_past_the_end_stops():
    x = torch.randn(100)
    error = caught(sim.OutOfBounds, forgot_the_mask, (2,), x, empty(100), 100, BLOCK=64, at="tl.load(x_ptr")
    assert error.program == (1, 0, 0) and error.argument == "x_ptr" and error.index == (100,)
    assert "28 of 64 active lanes" in str(error) and "lane (36,)" in str(error) and "mask=" in str(error)


@triton.jit
def store_too_far(y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, i, mask=i <= n)


def test_a_store_one_past_the_end_stops_and_writes_nothing_there():
    memory = torch.zeros(11, dtype=torch.int32)
    error = caught(sim.OutOfBounds, store_too_far, (1,), memory[:10], 10, BLOCK=16, at="tl.store(")
    assert error.argument == "y_ptr" and error.index == (10,) and "1 of 11" in str(error)
    assert memory[10] == 0


@triton.jit
def wrong_row_stride(x_ptr, y_ptr, BLOCK: tl.constexpr):
    row, i = tl.program_id(0), tl.arange(0, BLOCK)
    tl.store(y_ptr + row * BLOCK + i, tl.load(x_ptr + row * BLOCK + i))


def test_a_load_between_the_rows_of_a_view_stops():
    view = torch.randn(4, 12)[:, :8]
    error = caught(sim.OutOfBounds, wrong_row_stride, (4,), view, empty(4, 8), BLOCK=8, at="tl.load(x_ptr")
    assert error.program == (1, 0, 0) and error.index == (0, 8)
    assert "strides (12, 1)" in str(error)


@triton.jit
def below_the_start(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i - 1))


def test_a_load_before_the_start_stops():
    error = caught(
        sim.OutOfBounds, below_the_start, (1,), torch.randn(9)[1:], empty(8), BLOCK=8, at="tl.load(x_ptr"
    )
    assert "1 elements before its start" in str(error) and error.index == (-1,)


@triton.jit
def gather_by_index(x_ptr, index_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + tl.load(index_ptr + i)))


def test_a_gather_with_a_bad_index_stops():
    index = torch.tensor([0, 3, 2, 99, 1, 1, 0, 2])
    error = caught(
        sim.OutOfBounds, gather_by_index, (1,), torch.randn(4), index, empty(8), BLOCK=8, at="tl.load(x_ptr"
    )
    assert error.index == (99,) and "lane (3,)" in str(error)


@triton.jit
def atomic_too_far(x_ptr, BLOCK: tl.constexpr):
    tl.atomic_add(x_ptr + tl.arange(0, BLOCK), 1.0)


def test_an_atomic_outside_stops():
    caught(sim.OutOfBounds, atomic_too_far, (1,), torch.zeros(6), BLOCK=8, at="tl.atomic_add")


@triton.jit
def descriptor_with_wrong_shape(x_ptr, y_ptr, rows, columns, B: tl.constexpr):
    x = tl.make_tensor_descriptor(x_ptr, [rows + 1, columns], [columns, 1], [B, B])
    y = tl.make_tensor_descriptor(y_ptr, [rows, columns], [columns, 1], [B, B])
    block = x.load([0, 0])
    y.store([0, 0], block)


def test_a_descriptor_larger_than_its_tensor_stops():
    x = torch.randn(6, 8)
    caught(sim.OutOfBounds, descriptor_with_wrong_shape, (1,), x, empty(6, 8), 6, 8, B=8, at="x.load(")


@triton.jit
def half_written(y_ptr, z_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, i * 1.0, mask=i < n)
    tl.store(z_ptr + i, tl.load(y_ptr + i))


def test_a_read_of_what_nothing_wrote_stops():
    y = empty(8)
    error = caught(sim.UninitializedRead, half_written, (1,), y, empty(8), 5, BLOCK=8, at="tl.load(y_ptr")
    assert error.argument == "y_ptr" and error.index == (5,) and "2 more lane(s)" in str(error)


def test_what_a_kernel_or_pytorch_wrote_may_be_read():
    y, z = empty(8), empty(8)
    launch(half_written, (1,), y, z, 8, BLOCK=8)
    launch(half_written, (1,), y, empty(8), 2, BLOCK=8)
    filled = empty(8).fill_(3.0)
    launch(half_written, (1,), filled, empty(8), 2, BLOCK=8)
    view = empty(2, 8)
    view[1] = 1.0
    launch(half_written, (1,), view[1], empty(8), 2, BLOCK=8)
    by_numpy = empty(8)
    by_numpy.numpy()[:] = 1.0
    launch(half_written, (1,), by_numpy, empty(8), 2, BLOCK=8)


def test_a_later_launch_still_knows_what_is_unwritten():
    y = empty(8)
    with pytest.raises(sim.UninitializedRead):
        launch(half_written, (1,), y, empty(8), 5, BLOCK=8)
    with pytest.raises(sim.UninitializedRead):
        launch(half_written, (1,), y[4:], empty(4), 0, BLOCK=4)
    launch(half_written, (1,), y[:4], empty(4), 0, BLOCK=4)


@triton.jit
def sums_undefined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(y_ptr, tl.sum(x * 2.0 + 1.0))


@triton.jit
def stores_undefined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(y_ptr + i, x[None, :].trans())


@triton.jit
def multiplies_undefined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    at = i[:, None] * BLOCK + i[None, :]
    x = tl.load(x_ptr + at, mask=i[None, :] < n)
    y = tl.dot(x, x)
    tl.store(y_ptr + at, y)


@triton.jit
def chooses_defined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    x = tl.where(i < n, x.to(tl.float32) + 1.0, 0.0)
    tl.store(y_ptr, tl.sum(tl.reshape(x, (2, BLOCK // 2))))


def test_lanes_without_other_may_not_matter():
    x = torch.ones(12)
    error = caught(sim.UndefinedLanes, sums_undefined_lanes, (1,), x, empty(1), 12, BLOCK=16, at="tl.sum(x")
    assert "4 undefined lane(s)" in str(error) and "other=" in str(error)
    two = empty(16, 1)
    with pytest.raises(sim.ShapeError):
        launch(stores_undefined_lanes, (1,), x, two, 12, BLOCK=16)
    matrix = torch.ones(16, 16)
    arguments = matrix, empty(16, 16), 12
    caught(sim.UndefinedLanes, multiplies_undefined_lanes, (1,), *arguments, BLOCK=16, at="tl.dot(")
    y = empty(1)
    launch(chooses_defined_lanes, (1,), x, y, 12, BLOCK=16)
    assert y.item() == 24.0


@triton.jit
def uses_only_defined_lanes(x_ptr, index_ptr, out_ptr, rows, n, BLOCK: tl.constexpr):
    i, j = tl.arange(0, BLOCK), tl.arange(0, 16)
    inside = i < n
    index = tl.load(index_ptr + i, mask=inside)
    valid = inside & (index >= 0)
    gathered = tl.load(x_ptr + index, mask=valid, other=0.0)
    tl.store(out_ptr + i, gathered, mask=inside)
    tl.store(out_ptr + BLOCK + i, tl.cumsum(tl.load(x_ptr + i, mask=inside), 0), mask=inside)
    counts = tl.histogram(index, 16, mask=inside)
    tl.store(out_ptr + 2 * BLOCK + j, counts)
    at = i[:, None] * 16 + j[None, :]
    tile = tl.load(x_ptr + at, mask=(i < rows)[:, None])
    sums = tl.sum(tile, 1)
    tl.store(out_ptr + 3 * BLOCK + i, sums, mask=i < rows)
    product = tl.dot(tile, tl.trans(tile), input_precision="ieee")
    tl.store(
        out_ptr + 4 * BLOCK + i[:, None] * BLOCK + i[None, :], product, mask=(i < rows)[:, None] & (i < rows)
    )


def test_undefined_lanes_that_no_one_uses_are_no_alarm():
    x, out = torch.randn(160), torch.zeros(4 * 16 + 256)
    index = torch.randint(0, 16, (11,), dtype=torch.int32)
    launch(uses_only_defined_lanes, (1,), x, index, out, 10, 11, BLOCK=16)
    tile = x.view(10, 16)
    assert torch.equal(out[:11], x[index.long()])
    assert torch.allclose(out[16:27], x[:11].cumsum(0), atol=1e-5)
    assert torch.equal(out[32:48], torch.bincount(index, minlength=16).float())
    assert torch.allclose(out[48:58], tile.sum(1), atol=1e-5)
    assert torch.allclose(out[64:].view(16, 16)[:10, :10], tile @ tile.T, atol=1e-5)


@triton.jit
def addresses_by_undefined_lanes(x_ptr, index_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    index = tl.load(index_ptr + i, mask=i < n)
    x = tl.load(x_ptr + index)
    tl.store(out_ptr + i, x, mask=i < n)


@triton.jit
def decides_by_an_undefined_value(x_ptr, out_ptr, n):
    x = tl.load(x_ptr, mask=n > 1)
    if x > 0:
        tl.store(out_ptr, x)


def test_undefined_addresses_and_decisions_stop():
    index, x = torch.zeros(5, dtype=torch.int32), torch.ones(8)
    arguments = x, index, empty(8), 5
    error = caught(
        sim.UndefinedLanes, addresses_by_undefined_lanes, (1,), *arguments, BLOCK=8, at="x = tl.load(x_ptr"
    )
    assert "the address has 3 undefined lane(s)" in str(error)
    caught(sim.UndefinedLanes, decides_by_an_undefined_value, (1,), x, empty(1), 1, at="if x > 0")
