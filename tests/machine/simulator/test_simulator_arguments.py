"""What a kernel may be given and refer to, and what a launch says about the rest."""

import math

import pytest
import torch
from glassbox.machine import TensorDescriptor, empty, launch, simulate, tl, triton
from glassbox.machine import simulator as sim

WIDTH = tl.constexpr(16)


SCALE = tl.constexpr(3.0)


PLAIN = 3.0


@triton.jit
def uses_globals(x_ptr, y_ptr, factor: tl.constexpr = 2.0):
    i = tl.arange(0, WIDTH)
    y = tl.load(x_ptr + i) * SCALE * factor + math.pi + WIDTH
    tl.store(y_ptr + i, y)


def make_kernel(number):
    offset = tl.constexpr(number)

    @triton.jit
    def adds_the_offset(x_ptr, y_ptr):
        i = tl.arange(0, 16)
        tl.store(y_ptr + i, tl.load(x_ptr + i) + offset)

    return adds_the_offset


def test_globals_defaults_and_closures():
    x, y = torch.randn(16), empty(16)
    launch(uses_globals, (1,), x, y)
    assert torch.allclose(y, x * 6 + math.pi + 16)
    launch(uses_globals, (1,), x, y, factor=1.0)
    assert torch.allclose(y, x * 3 + math.pi + 16)
    for offset in (1.0, 2.0):
        launch(make_kernel(offset), (1,), x, y)
        assert torch.equal(y, x + offset)


@triton.jit
def uses_a_variable(y_ptr):
    i = tl.arange(0, 16)
    tl.store(y_ptr + i, i * PLAIN)


def test_outside_variables_are_refused_as_by_the_compiler():
    with pytest.raises(sim.UnsupportedOperation, match="uses the outside variable `PLAIN`") as info:
        launch(uses_a_variable, (1,), empty(16))
    assert info.value.source == "tl.store(y_ptr + i, i * PLAIN)" and "tl.constexpr" in info.value.look


@triton.jit
def where_am_i(out_ptr, BLOCK: tl.constexpr):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    number = x + tl.num_programs(0) * (y + tl.num_programs(1) * z)
    tl.store(out_ptr + number, x + 10 * y + 100 * z)


def test_grids_have_up_to_three_axes_and_may_be_functions():
    out = empty(24, dtype=torch.int32)
    report = launch(where_am_i, (2, 3, 4), out, BLOCK=1)
    assert report.grid == (2, 3, 4) and len(report.programs) == 24
    assert sorted(out.tolist()) == sorted(
        x + 10 * y + 100 * z for x in range(2) for y in range(3) for z in range(4)
    )
    report = launch(where_am_i, lambda arguments: (arguments["BLOCK"] * 2,), out, BLOCK=2)
    assert report.grid == (4, 1, 1)
    assert launch(where_am_i, 3, out, BLOCK=2).grid == (3, 1, 1)
    nothing = launch(where_am_i, (0, 5), out, BLOCK=2)
    assert nothing.programs == () and nothing.bytes_moved == 0
    for bad in ((1, 2, 3, 4), (-1,), ()):
        with pytest.raises(ValueError, match="grid: expected"):
            launch(where_am_i, bad, out, BLOCK=2)


@triton.jit
def all_kinds_of_arguments(x_ptr, flag, big, ratio, nothing, pair, out_ptr):
    offset, weight = pair
    if flag:
        tl.store(out_ptr, tl.load(x_ptr + offset) * ratio + weight)
    if nothing is None:
        tl.store(out_ptr + 1, (big >> 33).to(tl.float32))


def test_arguments_of_every_kind():
    out = empty(2)
    launch(all_kinds_of_arguments, (1,), torch.tensor([1.0, 2.0]), True, 2**34 + 1, 0.5, None, (1, 7.0), out)
    assert out.tolist() == [8.0, 2.0]


@triton.jit
def booleans(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(y_ptr + i, ~x & (i > 0))


def test_boolean_tensors():
    y = empty(4, dtype=torch.bool)
    launch(booleans, (1,), torch.tensor([False, True, False, True]), y, BLOCK=4)
    assert y.tolist() == [False, False, True, False]


def test_expanded_inputs_and_views_with_offsets():
    x = torch.randn(1, 8).expand(4, 8)
    out = empty(4, 8)

    @triton.jit
    def copy_rows(x_ptr, y_ptr, x_row, BLOCK: tl.constexpr):
        row, i = tl.program_id(0), tl.arange(0, BLOCK)
        tl.store(y_ptr + row * BLOCK + i, tl.load(x_ptr + row * x_row + i))

    report = launch(copy_rows, (4,), x, out, x.stride(0), BLOCK=8)
    assert torch.equal(out, x)
    assert report.arguments["x_ptr"].loaded == 4 * 32 and report.arguments["x_ptr"].loaded_unique == 32
    launch(copy_rows, (2,), torch.arange(64.0).view(4, 16)[1:3, 4:12], out[:2], 16, BLOCK=8)
    assert out[1].tolist() == list(range(36, 44))


@triton.jit
def copy_tile(x, y, B: tl.constexpr):
    at = [tl.program_id(0) * B, tl.program_id(1) * B]
    block = x.load(at)
    y.store(at, block)


def test_descriptors_made_by_the_host():
    x, y = torch.randn(20, 12), empty(20, 12)
    described = [TensorDescriptor.from_tensor(tensor, [8, 8]) for tensor in (x, y)]
    report = launch(copy_tile, (3, 2), *described, B=8)
    assert torch.equal(x, y)
    assert report.bytes_loaded == report.bytes_stored == 20 * 12 * 4
    described[0].strides = [13, 1]
    with pytest.raises(sim.ShapeError, match="16 bytes"):
        launch(copy_tile, (1, 1), *described, B=8)


@triton.jit
def plain_copy(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i))


def test_launch_explains_bad_arguments():
    x = torch.randn(4)
    for arguments, error, match in [
        ((x,), TypeError, "missing a required argument: 'y_ptr'"),
        ((x.numpy(), x), TypeError, "x_ptr: expected a torch tensor"),
        ((x.to(torch.complex64), x), TypeError, "complex64 has no counterpart"),
        ((x.to("meta"), x), TypeError, "x_ptr: the simulator works on dense CPU tensors"),
        ((2**70, x), ValueError, "does not fit in 64 bits"),
    ]:
        with pytest.raises(error, match=match):
            launch(plain_copy, (1,), *arguments, BLOCK=4)
    with pytest.raises(TypeError, match="unexpected keyword argument 'BLOK'"):
        launch(plain_copy, (1,), x, x, BLOCK=4, BLOK=4)
    with pytest.raises(TypeError, match="kernel: expected a @triton"):
        launch("plain_copy", (1,), x, x, BLOCK=4)
    with pytest.raises(ValueError, match="backend: expected one of"):
        launch(plain_copy, (1,), x, x, BLOCK=4, backend="gpu")
    launch(plain_copy, (1,), x, empty(4), BLOCK=4, num_warps=8, num_stages=3)


def test_other_backends_say_what_they_need():
    x = torch.randn(4)
    with pytest.raises(RuntimeError, match="backend='interpreted'"):
        launch(plain_copy, (1,), x, empty(4), BLOCK=4, backend="interpreted")
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="NVIDIA GPU; use backend='simulated'"):
            launch(plain_copy, (1,), x, empty(4), BLOCK=4, backend="compiled")


def test_the_simulators_own_entry_is_the_same():
    x, y = torch.randn(4), empty(4)
    report = simulate(plain_copy, (1,), x, y, BLOCK=4)
    assert torch.equal(x, y) and report.bytes_moved == 32


def test_empty_tensors_need_no_program():
    assert launch(plain_copy, (0,), torch.empty(0), empty(0), BLOCK=4).bytes_moved == 0
    with pytest.raises(sim.OutOfBounds):
        launch(plain_copy, (1,), torch.empty(0), empty(4), BLOCK=4)
