"""Where an access goes: a rectangle of equal steps (`Tile`), or any list of elements (`Scatter`)."""

from math import prod

import numpy as np


class Tile:
    """The elements base + Σₖ step[k]·i[k] of a buffer; `corner` is the block's lane where the tile starts."""

    __slots__ = ("base", "corner", "dims", "steps")

    def __init__(self, base: int, dims: tuple, steps: tuple, corner: tuple):
        self.base, self.dims, self.steps, self.corner = base, dims, steps, corner

    @property
    def size(self) -> int:
        return prod(self.dims)

    @property
    def key(self) -> tuple:
        return self.base, self.dims, self.steps

    def ends(self) -> tuple[int, int]:
        low = high = self.base
        for step, size in zip(self.steps, self.dims, strict=True):
            if step > 0:
                high += step * (size - 1)
            elif step < 0:
                low += step * (size - 1)
        return low, high

    def memory(self, buffer):
        """Return a view of the tensor's own memory."""
        width = buffer.itemsize
        strides = tuple([step * width for step in self.steps])
        return np.ndarray(self.dims, buffer.kind.numpy, buffer.raw, self.base * width, strides)

    def cells(self, array, origin: int = 0, scale: int = 1):
        """Return a view of the elements' bookkeeping cells; with a last axis of `scale` if that is > 1."""
        width = array.itemsize * scale
        strides, dims = tuple([step * width for step in self.steps]), self.dims
        if scale > 1:
            strides, dims = (*strides, array.itemsize), (*dims, scale)
        return np.ndarray(dims, array.dtype, array, (origin + self.base * scale) * array.itemsize, strides)

    def set_cells(self, array, value, origin: int = 0, scale: int = 1) -> None:
        self.cells(array, origin, scale)[...] = value

    def put(self, buffer, values) -> None:
        self.memory(buffer)[...] = values

    def overlaps_itself(self) -> bool:
        """True if two lanes may share an address."""
        reach = 0
        for step, size in sorted((abs(s), n) for s, n in zip(self.steps, self.dims, strict=True) if n > 1):
            if step <= reach:
                return True
            reach += step * (size - 1)
        return False

    def lane(self, position: tuple) -> tuple[tuple, int]:
        """Return the block lane and the element offset of one position in the tile."""
        offset = self.base + sum(s * i for s, i in zip(self.steps, position, strict=True))
        return tuple(int(c + i) for c, i in zip(self.corner, position, strict=True)), int(offset)

    def offsets(self):
        """Return the element offset of every lane."""
        out = np.int64(self.base)
        for axis, (step, size) in enumerate(zip(self.steps, self.dims, strict=True)):
            line = np.arange(size, dtype=np.int64) * step
            out = out + line.reshape((-1,) + (1,) * (len(self.dims) - axis - 1))
        return np.broadcast_to(out, self.dims)


class Scatter:
    """Any elements of a buffer, one offset per active lane (in one dimension)."""

    __slots__ = ("_offsets", "active", "block_dims")
    key = base = steps = None

    def __init__(self, offsets, active, block_dims: tuple):
        self._offsets, self.active, self.block_dims = offsets, active, block_dims

    @property
    def size(self) -> int:
        return self._offsets.size

    @property
    def dims(self) -> tuple:
        return self._offsets.shape

    def ends(self) -> tuple[int, int]:
        return int(self._offsets.min()), int(self._offsets.max())

    def memory(self, buffer):
        """Return a copy of the elements."""
        return buffer.flat()[self._offsets]

    def _cells(self, origin: int, scale: int):
        cells = self._offsets * scale + origin
        return cells[:, None] + np.arange(scale) if scale > 1 else cells

    def cells(self, array, origin: int = 0, scale: int = 1):
        return array[self._cells(origin, scale)]

    def set_cells(self, array, value, origin: int = 0, scale: int = 1) -> None:
        array[self._cells(origin, scale)] = value

    def put(self, buffer, values) -> None:
        buffer.flat()[self._offsets] = values

    def overlaps_itself(self) -> bool:
        return True

    def lane(self, position: tuple) -> tuple[tuple, int]:
        flat = position[0] if self.active is None else np.flatnonzero(self.active)[position[0]]
        lane = np.unravel_index(int(flat), self.block_dims) if self.block_dims else ()
        return tuple(int(i) for i in lane), int(self._offsets[position[0]])

    def offsets(self):
        return self._offsets
