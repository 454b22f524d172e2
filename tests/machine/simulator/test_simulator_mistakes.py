"""Decisions on blocks, values that are no numbers, what does not compile, and ordinary slips."""

import kernels_under_test as kernels
import pytest
import torch
from glassbox.machine import empty, launch, tl, triton
from glassbox.machine import simulator as sim
from planted_mistakes import caught, line_of


@triton.jit
def if_on_a_block(x_ptr, BLOCK: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, BLOCK))
    if x > 0:
        tl.store(x_ptr, 0.0)


@triton.jit
def and_on_blocks(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    inside = (i < n) and (i > 2)
    tl.store(x_ptr + i, 0.0, mask=inside)


@pytest.mark.parametrize(
    "kernel, at, args", [(if_on_a_block, "if x > 0", ()), (and_on_blocks, "and (i", (3,))]
)
def test_a_decision_on_a_block_stops(kernel, at, args):
    error = caught(sim.BlockCondition, kernel, (1,), torch.ones(4), *args, BLOCK=4, at=at)
    assert "4 values" in str(error) and "tl.where" in str(error)


@triton.jit
def softmax_of_nothing(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=float("-inf"))
    z = x - tl.max(x, axis=0)
    p = tl.exp(z)
    tl.store(y_ptr + i, p / tl.sum(p, axis=0))


@triton.jit
def overflows(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    y = (x * 300.0).to(tl.float16)
    tl.store(y_ptr + i, y)


@triton.jit
def divides(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    y = 1.0 / tl.load(x_ptr + i)
    tl.store(y_ptr + i, y)


def test_the_first_operation_that_makes_a_nan_is_named():
    error = caught(
        sim.NonFinite,
        softmax_of_nothing,
        (1,),
        torch.ones(4),
        empty(4),
        0,
        BLOCK=4,
        find_nonfinite=True,
        at="z = x -",
    )
    assert "gave nan in lane (0,)" in str(error)
    x = torch.tensor([1.0, 250.0])
    caught(
        sim.NonFinite,
        overflows,
        (1,),
        x,
        empty(2, dtype=torch.float16),
        BLOCK=2,
        find_nonfinite=True,
        at="y = (x",
    )
    zero = torch.tensor([1.0, 0.0])
    error = caught(sim.NonFinite, divides, (1,), zero, empty(2), BLOCK=2, find_nonfinite=True, at="y = 1.0 /")
    assert "inf in lane (1,)" in str(error)


def test_masking_with_minus_infinity_is_no_alarm():
    x, y = torch.randn(3), empty(4)
    launch(softmax_of_nothing, (1,), x, y, 3, BLOCK=4, find_nonfinite=True)
    assert torch.allclose(y[:3], x.softmax(0)) and y[3] == 0
    q, k, v = (torch.randn(1, 20, 16) for _ in range(3))
    kernels.attention(q, k, v, causal=True, find_nonfinite=True)
    launch(softmax_of_nothing, (1,), x, y, 0, BLOCK=4)
    assert y.isnan().all()


@triton.jit
def uses_inline_assembly(x_ptr):
    i = tl.arange(0, 8)
    y = tl.inline_asm_elementwise("mov.b32 $0, $1;", "=r,r", [i], dtype=tl.int32, is_pure=True, pack=1)
    tl.store(x_ptr + i, y)


@triton.jit
def leaves_early(x_ptr, n):
    for i in range(n):
        if i == 2:
            break
        tl.store(x_ptr + i, 1.0)


@triton.jit
def returns_from_a_loop(x_ptr, n):
    for i in range(n):
        if i == 2:
            return
        tl.store(x_ptr + i, 1.0)


@triton.jit
def returns_from_an_unrolled_loop(x_ptr, n):
    for i in tl.static_range(4):
        if i == n:
            return
        tl.store(x_ptr + i, 1.0)


def test_an_unrolled_loop_may_return():
    x = torch.zeros(8)
    launch(returns_from_an_unrolled_loop, (1,), x, 2)
    assert x.tolist() == [1.0, 1.0] + 6 * [0.0]


@triton.jit
def chains(x_ptr, n):
    i = tl.arange(0, 8)
    inside = 0 <= i < n
    tl.store(x_ptr + i, 1.0, mask=inside)


@pytest.mark.parametrize(
    "kernel, at, word, args",
    [
        (uses_inline_assembly, "tl.inline_asm", "inline_asm_elementwise", ()),
        (leaves_early, "break", "break", (4,)),
        (returns_from_a_loop, "return\n", "return inside a loop", (4,)),
        (chains, "0 <= i", "chain of comparisons", (4,)),
    ],
)
def test_what_is_not_supported_says_so(kernel, at, word, args):
    with pytest.raises(NotImplementedError, match=word) as info:
        launch(kernel, (1,), torch.zeros(8), *args)
    assert info.value.line == line_of(kernel, at)


@triton.jit
def not_a_power_of_two(x_ptr):
    i = tl.arange(0, 48)
    tl.store(x_ptr + i, 1.0)


@triton.jit
def shapes_do_not_fit(x_ptr):
    y = tl.zeros((8,), tl.float32) + tl.zeros((4,), tl.float32)
    tl.store(x_ptr + tl.arange(0, 8), y)


@triton.jit
def size_is_no_constant(x_ptr, n):
    i = tl.arange(0, n)
    tl.store(x_ptr + i, 1.0)


@triton.jit
def types_do_not_fit(x_ptr):
    a = tl.zeros((16, 16), tl.float32)
    b = tl.dot(a, a.to(tl.float16))
    tl.store(x_ptr + tl.arange(0, 16), tl.sum(b, 0))


@triton.jit
def exponent_of_a_half(x_ptr):
    y = tl.exp(tl.zeros((8,), tl.float16))
    tl.store(x_ptr + tl.arange(0, 8), y)


@triton.jit
def loop_changes_the_type(x_ptr, n):
    total = 0.0
    for _ in range(n):
        total += tl.load(x_ptr + tl.arange(0, 8))
    tl.store(x_ptr + tl.arange(0, 8), total)


@triton.jit
def misspelt(x_ptr):
    tl.store(x_ptr, tl.zeroes((1,), tl.float32))


@triton.jit
def assertion_fails(x_ptr, n):
    i = tl.arange(0, 8)
    assert i < n, "too short"


@triton.jit
def divides_by_zero(x_ptr, n):
    tl.store(x_ptr + 4 // n, 1.0)


@pytest.mark.parametrize(
    "kernel, error, at, args",
    [
        (not_a_power_of_two, sim.ShapeError, "tl.arange(0, 48)", ()),
        (shapes_do_not_fit, sim.ShapeError, "tl.zeros((4,)", ()),
        (size_is_no_constant, sim.ShapeError, "tl.arange(0, n)", (8,)),
        (types_do_not_fit, sim.TypeMismatch, "tl.dot(", ()),
        (exponent_of_a_half, sim.TypeMismatch, "tl.exp(", ()),
        (loop_changes_the_type, sim.TypeMismatch, "for _ in range", (3,)),
        (misspelt, sim.UnsupportedOperation, "tl.zeroes", ()),
        (assertion_fails, sim.StaticAssertion, "assert i < n", (5,)),
        (divides_by_zero, sim.KernelError, "4 // n", (0,)),
    ],
)
def test_ordinary_mistakes_name_the_line(kernel, error, at, args):
    caught(error, kernel, (1,), torch.zeros(16), *args, at=at)


def test_a_misspelling_is_corrected():
    with pytest.raises(sim.UnsupportedOperation, match="did you mean"):
        launch(misspelt, (1,), torch.zeros(16))


@triton.jit
def _helper(p):
    return tl.load(p + 5)


@triton.jit
def calls_a_helper(x_ptr):
    tl.store(x_ptr, _helper(x_ptr))


def test_a_mistake_in_a_helper_names_the_helpers_line():
    with pytest.raises(sim.OutOfBounds) as info:
        launch(calls_a_helper, (1,), torch.zeros(4))
    assert info.value.line == line_of(_helper, "tl.load(p + 5)")
    assert [frame.name for frame in info.traceback][-2:] == ["calls_a_helper", "_helper"]
    assert "return tl.load(p + 5)" in str(info.traceback[-1].statement)
