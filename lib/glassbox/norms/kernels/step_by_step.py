"""A norm as an unfused program runs it: one launch per step, every result written out and read again.

For comparison only: nothing dispatches to these.
"""

import torch
from torch import Tensor

from glassbox.machine import launch, tl, triton


@triton.jit
def row_mean(x_ptr, mean_ptr, n, BLOCK: tl.constexpr):
    """Store the mean of one row per program. Bytes: x read once, 4 per row written."""
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    tl.store(mean_ptr + row, tl.sum(x, axis=0) / n)


@triton.jit
def row_step(x_ptr, row_ptr, feature_ptr, y_ptr, n, eps, STEP: tl.constexpr, BLOCK: tl.constexpr):
    """Store STEP(x, number of the row, number of the feature, eps). Bytes: x read once, y written once."""
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + column, mask=column < n, other=0.0).to(tl.float32)
    a, b = 0.0, 0.0
    if row_ptr is not None:
        a = tl.load(row_ptr + row)
    if feature_ptr is not None:
        b = tl.load(feature_ptr + column, mask=column < n, other=0.0).to(tl.float32)
    tl.store(y_ptr + row * n + column, STEP(x, a, b, eps), mask=column < n)


@triton.jit
def square(x, a, b, eps):
    """x^2"""
    return x * x


@triton.jit
def subtract(x, a, b, eps):
    """x - mean"""
    return x - a


@triton.jit
def divide(x, a, b, eps):
    """x / sqrt(mean square + eps)"""
    return x * tl.rsqrt(a + eps)


@triton.jit
def multiply(x, a, b, eps):
    """x gain"""
    return x * b


@triton.jit
def add(x, a, b, eps):
    """x + bias"""
    return x + b


def _step(
    x: Tensor, step, eps: float = 0.0, row: Tensor | None = None, feature: Tensor | None = None
) -> Tensor:
    (rows, n), y = x.shape, torch.empty_like(x)
    block = triton.next_power_of_2(n)
    launch(row_step, (rows,), x, row, feature, y, n, eps, STEP=step, BLOCK=block)
    return y


def _mean(x: Tensor) -> Tensor:
    (rows, n), mean = x.shape, x.new_empty(len(x), dtype=torch.float32)
    launch(row_mean, (rows,), x, mean, n, BLOCK=triton.next_power_of_2(n))
    return mean


def rms_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    """Return RMSNorm in four launches on the simulator: square, mean, divide, gain.

    Shapes: x (rows, n), contiguous; gain (n,).
    Precision: every step is computed in float32 and stored in the dtype of x.
    """
    unit = _step(x, divide, eps, row=_mean(_step(x, square)))
    return _step(unit, multiply, feature=gain)


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Return LayerNorm in seven launches on the simulator: mean, subtract, square, mean, divide, gain, bias.

    Shapes, precision: as in `rms_norm`.
    """
    centred = _step(x, subtract, row=_mean(x))
    unit = _step(centred, divide, eps, row=_mean(_step(centred, square)))
    return _step(_step(unit, multiply, feature=gain), add, feature=bias)
