"""Masks that are rectangles: `offset < n` and what `&` makes of several."""

from functools import lru_cache

import numpy as np

from .block import Block, Dense, new_axes
from .dtypes import int1
from .index import Index, combine, ends, joint_dims, moved, scaled


class Box(Block):
    """A mask that is true where ranges[k][0] <= i[k] < ranges[k][1] along every axis k."""

    __slots__ = ("_data", "dims", "full", "ranges")
    dtype = int1

    def __init__(self, dims: tuple, ranges: tuple, full: bool):
        self.dims, self.ranges, self.full, self._data = dims, ranges, full, None

    @property
    def data(self):
        if self._data is None:
            self._data = np.zeros(self.dims, np.bool_)
            self._data[tuple([slice(low, high) for low, high in self.ranges])] = True
        return self._data

    def __getitem__(self, key):
        key = new_axes(self, key)
        axes = iter(zip(self.dims, self.ranges, strict=True))
        pairs = [(1, (0, 1)) if k is None else next(axes) for k in key] + list(axes)
        dims, ranges = zip(*pairs, strict=True)
        return Box(dims, ranges, self.full)

    def broadcast(self, dims: tuple) -> "Box":
        """Return the mask repeated to `dims`, which it must fit."""
        lead = len(dims) - len(self.dims)
        ranges = [(0, size) for size in dims[:lead]]
        for (low, high), old, new in zip(self.ranges, self.dims, dims[lead:], strict=True):
            ranges.append((low, high) if old == new else (0, new if high > low else 0))
        return Box(dims, tuple(ranges), self.full)


@lru_cache(1024)
def constant_box(dims: tuple, value: bool) -> Box:
    """Return a mask that is true (or false) everywhere."""
    return Box(dims, tuple([(0, size if value else 0) for size in dims]), value)


def both(a: Box, b: Box) -> Box:
    """Return a & b: the rectangle that two rectangles share."""
    dims = joint_dims(a.dims, b.dims)
    if a.full and b.full:
        return constant_box(dims, True)
    ranges = []
    for (i, j), (k, l) in zip(a.broadcast(dims).ranges, b.broadcast(dims).ranges, strict=True):
        low = max(i, k)
        ranges.append((low, max(low, min(j, l))))
    return Box(dims, tuple(ranges), False)


def compare(a: Index, b: Index, relation: str) -> Block | None:
    """Return `a relation b` as a box or a scalar, or None if it is no rectangle."""
    if relation[0] in "=!":
        if a.dims or b.dims:
            return None
        return Dense(np.bool_((a.base == b.base) == (relation == "==")), int1)
    if relation[0] == ">":
        a, b = b, a
    slack = len(relation) - 1  # a <= b is a - 1 < b
    if not a.dims and not b.dims:
        return Dense(np.bool_(a.base - slack < b.base), int1)
    if a.high - slack < b.low or a.low - slack >= b.high:
        return constant_box(joint_dims(a.dims, b.dims), a.high - slack < b.low)
    return _negative(combine(moved(a, -slack), scaled(b, -1, b.dtype), a.dtype))


def _negative(difference: Index) -> Box | None:
    """Return `difference < 0` as a box, or None if it is no rectangle."""
    dims = difference.dims
    low, high = ends(difference.base, difference.steps, dims)
    if high < 0 or low >= 0:
        return constant_box(dims, high < 0)
    moving = [k for k, step in enumerate(difference.steps) if step]
    if len(moving) != 1:
        return None
    axis, base, step = moving[0], difference.base, difference.steps[moving[0]]
    inside = (0, -(base // step)) if step > 0 else (base // -step + 1, dims[axis])
    return Box(dims, tuple([inside if k == axis else (0, size) for k, size in enumerate(dims)]), False)
