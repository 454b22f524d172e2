"""Blocks that are known by formula: index arithmetic costs nothing until somebody needs the numbers.

Nearly all integers in a kernel are arithmetic progressions: `row * stride + tl.arange(0, BLOCK)`. Kept as a
base and one step per axis, an address block of any size is a handful of Python integers; a load can check its
bounds from the two ends and copy one rectangle.
"""

from functools import lru_cache
from math import prod

import numpy as np

from .block import Block, Dense, new_axes
from .dtypes import dtype, promote
from .errors import ShapeError, kernel_line
from .state import run

_ROW, _COLUMN = (None, slice(None)), (slice(None), None)


class Index(Block):
    """Integers base + Σₖ step[k]·i[k]; a size-1 axis has step 0. Without axes: an integer scalar.

    All values lie in [low, high]; the bounds need not be reached.
    """

    __slots__ = ("_data", "base", "dims", "dtype", "high", "low", "steps")

    def __init__(self, base: int, steps: tuple, dims: tuple, kind: dtype, low: int, high: int):
        self.base, self.steps, self.dims, self.dtype, self.low, self.high = base, steps, dims, kind, low, high
        self._data = None

    @property
    def data(self):
        if self._data is None:
            self._data = _values(self.base, self.steps, self.dims, self.dtype.numpy)
        return self._data

    def __getitem__(self, key):
        if len(self.dims) == 1 and type(key) is tuple:  # the two that every kernel uses
            if key == _COLUMN:
                return Index(self.base, (*self.steps, 0), (*self.dims, 1), self.dtype, self.low, self.high)
            if key == _ROW:
                return Index(self.base, (0, *self.steps), (1, *self.dims), self.dtype, self.low, self.high)
        key = new_axes(self, key)
        axes = iter(zip(self.steps, self.dims, strict=True))
        pairs = [(0, 1) if k is None else next(axes) for k in key] + list(axes)
        steps, dims = zip(*pairs, strict=True)
        return Index(self.base, steps, dims, self.dtype, self.low, self.high)

    def _holds(self, other) -> bool:
        return type(other) is int and self.dtype.min <= other <= self.dtype.max

    def __add__(self, other):
        if type(other) is Index:
            kind = self.dtype if self.dtype is other.dtype else promote(self.dtype, other.dtype)
            return fitted(combine(self, other, kind))
        if self._holds(other):
            return fitted(moved(self, other))
        return Block.__add__(self, other)

    def __radd__(self, other):
        return self + other if type(other) is int else Block.__radd__(self, other)

    def __sub__(self, other):
        if self._holds(other):
            return fitted(moved(self, -other))
        if type(other) is Index:
            kind = self.dtype if self.dtype is other.dtype else promote(self.dtype, other.dtype)
            return fitted(combine(self, scaled(other, -1, other.dtype), kind))
        return Block.__sub__(self, other)

    def __rsub__(self, other):
        if self._holds(other):
            return fitted(moved(scaled(self, -1, self.dtype), other))
        return Block.__rsub__(self, other)

    def __mul__(self, other):
        if self._holds(other):
            return fitted(scaled(self, other, self.dtype))
        if type(other) is Index and not (self.dims and other.dims):
            kind = self.dtype if self.dtype is other.dtype else promote(self.dtype, other.dtype)
            block, factor = (other, self.base) if other.dims else (self, other.base)
            return fitted(scaled(block, factor, kind))
        return Block.__mul__(self, other)

    def __rmul__(self, other):
        return self * other if type(other) is int else Block.__rmul__(self, other)

    def __floordiv__(self, other):
        out = divide(self, other, False)
        return Block.__floordiv__(self, other) if out is None else out

    def __mod__(self, other):
        out = divide(self, other, True)
        return Block.__mod__(self, other) if out is None else out

    def __rfloordiv__(self, other):
        return scalar(other, self.dtype) // self if self._holds(other) else Block.__rfloordiv__(self, other)

    def __rmod__(self, other):
        return scalar(other, self.dtype) % self if self._holds(other) else Block.__rmod__(self, other)

    def __neg__(self):
        return fitted(scaled(self, -1, self.dtype))

    def broadcast(self, dims: tuple) -> "Index":
        """Return the block repeated to `dims`, which it must fit."""
        steps = (0,) * (len(dims) - len(self.dims)) + self.steps
        return Index(self.base, steps, dims, self.dtype, self.low, self.high)

    def __bool__(self) -> bool:
        return Block.__bool__(self) if self.dims else self.base != 0

    def __index__(self) -> int:
        return Block.__index__(self) if self.dims else self.base


def scalar(value: int, kind: dtype) -> Index:
    """Return an integer scalar; the value must fit the type."""
    return Index(value, (), (), kind, value, value)


def _values(base, steps, dims, numpy_type):
    if not dims:
        return numpy_type.type(base)
    moving = [k for k, step in enumerate(steps) if step]
    if len(moving) == 1:
        step, size = steps[moving[0]], dims[moving[0]]
        line = np.arange(base, base + step * size, step, dtype=numpy_type)
        line = line.reshape((-1,) + (1,) * (len(dims) - moving[0] - 1))
        return line.reshape(dims) if size == prod(dims) else np.broadcast_to(line, dims)
    out = base
    for axis in moving:
        line = np.arange(0, steps[axis] * dims[axis], steps[axis], dtype=np.int64)
        out = out + line.reshape((-1,) + (1,) * (len(dims) - axis - 1))
    if not moving:
        return np.broadcast_to(numpy_type.type(base), dims)
    out = out.astype(numpy_type)
    if out.size == prod(dims):
        return out.reshape(dims)
    return np.broadcast_to(out, dims)


def ends(base: int, steps: tuple, dims: tuple) -> tuple[int, int]:
    """Return the smallest and the largest value of a progression."""
    low = high = base
    for step, size in zip(steps, dims, strict=True):
        if step > 0:
            high += step * (size - 1)
        elif step < 0:
            low += step * (size - 1)
    return low, high


def fitted(block: Index, *, quiet: bool = False) -> Block:
    """Return `block`, wrapped around as the hardware does if a value left its integer type."""
    kind = block.dtype
    if kind.min <= block.low and block.high <= kind.max:
        return block
    block.low, block.high = ends(block.base, block.steps, block.dims)
    if kind.min <= block.low and block.high <= kind.max:
        return block
    if not quiet:
        line, value = kernel_line(), block.high if block.high > kind.max else block.low
        run.note(
            f"wrap {line}", f"line {line}: {kind} arithmetic wrapped around (the value would be {value})"
        )
    if not block.dims:
        return scalar((block.base - kind.min) % (1 << kind.bits) + kind.min, kind)
    return Dense(_values(block.base, block.steps, block.dims, np.dtype(np.int64)).astype(kind.numpy), kind)


@lru_cache(4096)
def joint_dims(a: tuple, b: tuple) -> tuple:
    """Return the shape that two shapes broadcast to; missing axes are added in front."""
    lead = len(a) - len(b)
    long_a, long_b = (1,) * -lead + a, (1,) * lead + b
    for m, n in zip(long_a, long_b, strict=True):
        if m != n and m != 1 and n != 1:
            raise ShapeError(f"blocks of shape {a} and {b} do not fit together: {m} against {n}")
    return tuple(n if m == 1 else m for m, n in zip(long_a, long_b, strict=True))


def combine(a: Index, b: Index, kind: dtype) -> Index:
    """Return a + b as a progression."""
    dims, s, t = a.dims, a.steps, b.steps
    if not t:
        steps = s
    elif not s:
        dims, steps = b.dims, t
    else:
        if dims != b.dims:
            dims = joint_dims(dims, b.dims)
            s, t = (0,) * (len(dims) - len(s)) + s, (0,) * (len(dims) - len(t)) + t
        if len(dims) == 2:
            steps = (s[0] + t[0], s[1] + t[1])
        else:
            steps = tuple([x + y for x, y in zip(s, t, strict=True)])
    return Index(a.base + b.base, steps, dims, kind, a.low + b.low, a.high + b.high)


def moved(a: Index, by: int) -> Index:
    """Return a + by."""
    return Index(a.base + by, a.steps, a.dims, a.dtype, a.low + by, a.high + by)


def scaled(a: Index, factor: int, kind: dtype) -> Index:
    """Return a·factor."""
    low, high = a.low * factor, a.high * factor
    if factor < 0:
        low, high = high, low
    return Index(a.base * factor, tuple([step * factor for step in a.steps]), a.dims, kind, low, high)


def truncated_division(a: int, b: int) -> tuple[int, int]:
    """Return quotient and remainder as the hardware does: toward zero, the remainder has the sign of `a`."""
    quotient = abs(a) // abs(b)
    quotient = quotient if (a >= 0) == (b >= 0) else -quotient
    return quotient, a - quotient * b


def divide(a: Index, b, remainder: bool) -> Block | None:
    """Return a // b or a % b if it stays a progression, otherwise None."""
    if type(b) is not int and (type(b) is not Index or b.dims):
        return None
    divisor, kind = (b, a.dtype) if type(b) is int else (b.base, promote(a.dtype, b.dtype, True))
    if not a.dims:
        return fitted(scalar(truncated_division(a.base, divisor)[remainder], kind))
    if remainder and a.low >= 0 and a.high < divisor:
        return Index(a.base, a.steps, a.dims, kind, a.low, a.high)
    return None
