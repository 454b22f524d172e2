"""What Triton's interpreter cannot confirm: bf16 and fp8, ties, NaN, functions it lacks."""

import pytest
import torch
from glassbox.machine import empty, launch, tl, triton


@triton.jit
def convert(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i))


def random_bits(n: int) -> torch.Tensor:
    """Return fp32 numbers of every size, both signs, ties included."""
    bits = torch.randint(
        -(2**31), 2**31 - 1, (n,), generator=torch.Generator().manual_seed(0), dtype=torch.int32
    )
    bits[: n // 4] = (bits[: n // 4] & ~0xFFFF) | 0x8000  # exactly between two bf16 numbers
    values = bits.view(torch.float32)
    return torch.where(values.isfinite(), values, 1.0)


def test_bf16_rounds_to_nearest_even_bit_for_bit():
    x, y = random_bits(65536), empty(65536, dtype=torch.bfloat16)
    launch(convert, (1,), x, y, BLOCK=65536)
    assert torch.equal(y.view(torch.int16), x.to(torch.bfloat16).view(torch.int16))
    truncated = (x.view(torch.int32) >> 16).to(torch.int16)
    assert (y.view(torch.int16) != truncated).float().mean() > 0.4


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.float16, torch.float64])
def test_other_casts_agree_with_pytorch(kind):
    x = torch.randn(4096, generator=torch.Generator().manual_seed(1)) * 20
    y = empty(4096, dtype=kind)
    launch(convert, (1,), x, y, BLOCK=4096)
    assert torch.equal(y.double(), x.to(kind).double())


def test_fp8_saturates():
    x, y = torch.tensor([1e6, -1e6]), empty(2, dtype=torch.float8_e4m3fn)
    launch(convert, (1,), x, y, BLOCK=2)
    assert y.double().tolist() == [448.0, -448.0]


@triton.jit
def bf16_arithmetic(x_ptr, y_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + i), tl.load(y_ptr + i)
    tl.store(out_ptr + i, x + y)
    tl.store(out_ptr + BLOCK + i, x * y)
    tl.store(out_ptr + 2 * BLOCK + i, x - y * 0.5)
    tl.store(out_ptr + 3 * BLOCK + i, x / y)
    tl.store(out_ptr + 4 * BLOCK + i, tl.where(x > y, x, -y))


def test_bf16_arithmetic_is_pytorchs():
    generator = torch.Generator().manual_seed(2)
    x, y = (torch.randn(512, generator=generator).bfloat16() for _ in range(2))
    out = empty(5, 512, dtype=torch.bfloat16)
    launch(bf16_arithmetic, (1,), x, y, out, BLOCK=512)
    half = torch.tensor(0.5, dtype=torch.bfloat16)
    expected = [x + y, x * y, x - y * half, (x.float() / y.float()).bfloat16(), torch.where(x > y, x, -y)]
    for got, want in zip(out, expected, strict=True):
        assert torch.equal(got, want)


@triton.jit
def low_precision_product(a_ptr, b_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    tl.store(out_ptr + at, tl.dot(tl.load(a_ptr + at), tl.load(b_ptr + at)))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float8_e5m2])
def test_low_precision_products_accumulate_in_fp32(kind):
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.randn(32, 32, generator=generator).to(kind) for _ in range(2))
    out = empty(32, 32)
    launch(low_precision_product, (1,), a, b, out, N=32)
    assert (out - (a.double() @ b.double())).abs().max() < 2e-6 * 32


@triton.jit
def total(x_ptr, out_ptr, BLOCK: tl.constexpr):
    tl.store(out_ptr, tl.sum(tl.load(x_ptr + tl.arange(0, BLOCK)), axis=0))


def test_a_sum_in_bf16_rounds_every_partial_sum():
    """A tree: 512 ones add up exactly; 1 + 255 times 2⁻⁸ loses what a wider sum keeps."""
    out = empty(1, dtype=torch.bfloat16)
    launch(total, (1,), torch.ones(512, dtype=torch.bfloat16), out, BLOCK=512)
    assert out.item() == 512
    wide = empty(1)
    x = torch.cat([torch.ones(1), torch.full((255,), 2.0**-9)])
    launch(total, (1,), x, wide, BLOCK=256)
    launch(total, (1,), x.bfloat16(), out, BLOCK=256)
    assert wide.item() == x.sum() and out.item() != wide.item()


@triton.jit
def extremes(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr, tl.max(x))
    tl.store(out_ptr + 1, tl.argmax(x, 0))
    tl.store(out_ptr + 2, tl.argmin(x, 0))
    tl.store(out_ptr + 3, tl.max(tl.maximum(x, 0.0)))
    tl.store(out_ptr + 4, tl.sum(tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)))


def test_ties_go_left_and_nan_loses():
    out = empty(5)
    launch(extremes, (1,), torch.tensor([1.0, 4.0, -2.0, 4.0, -2.0, 0.0, 1.0, 1.0]), out, BLOCK=8)
    assert out.tolist() == [4.0, 1.0, 2.0, 4.0, 11.0]
    launch(extremes, (1,), torch.tensor([1.0, float("nan")]), out, BLOCK=2)
    assert out[0] == 1.0 and out[3] == 1.0 and out[4].isnan()


@triton.jit
def _first_of_equals(value, index, other, other_index):
    if value == other:
        best, where = value, min(index, other_index)
    elif value > other:
        best, where = value, index
    else:
        best, where = other, other_index
    return best, where


@triton.jit
def _clipped(x):
    if x > 0:
        return x * 2.0
    else:
        return x * 0.0


@triton.jit
def branching_functions(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    best, where = tl.reduce((x, i), 0, _first_of_equals)
    tl.store(out_ptr + i, tl.map_elementwise(_clipped, x))
    tl.store(out_ptr + BLOCK, best)
    tl.store(out_ptr + BLOCK + 1, where)


def test_combine_functions_may_branch():
    out = empty(10)
    launch(branching_functions, (1,), torch.tensor([1.0, 3.0, -2.0, 3.0, 0.0, -1.0, 2.0, 3.0]), out, BLOCK=8)
    assert out.tolist() == [2.0, 6.0, 0.0, 6.0, 0.0, 0.0, 4.0, 6.0, 3.0, 1.0]


@triton.jit
def rearranged(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, tl.flip(x))
    tl.store(out_ptr + BLOCK + i, tl.squeeze(tl.unsqueeze(x, 0), 0))
    tl.store(out_ptr + 2 * BLOCK + i, tl.reshape(tl.reshape(x, (2, BLOCK // 2)).T, (BLOCK,)))
    tl.store(out_ptr + 3 * BLOCK + i, tl.extra.libdevice.tanh(x))
    tl.store(
        out_ptr + 4 * BLOCK + i, tl.softmax(tl.reshape(x, (2, BLOCK // 2)), dim=1, keep_dims=True).ravel()
    )


def test_what_the_interpreter_lacks():
    x, out = torch.randn(16), empty(5, 16)
    launch(rearranged, (1,), x, out, BLOCK=16)
    rows = x.view(2, 8)
    expected = [x.flip(0), x, rows.T.reshape(16), x.tanh(), rows.softmax(1).view(16)]
    for got, want in zip(out, expected, strict=True):
        assert torch.allclose(got, want, rtol=1e-6)
