"""Loads and stores of whole rectangles: tensor descriptors (TMA) and block pointers."""

import numpy as np

from ..access import active_place, filled, read, refuse_undefined, write
from ..arithmetic import as_block
from ..block import Block
from ..box import Box
from ..dtypes import FLOATING, block_type, int64
from ..dtypes import cast as cast_array
from ..errors import ShapeError, TypeMismatch, UndefinedLanes
from ..index import Index, ends
from ..pointer import Pointer
from .atomics import _sum, update
from .constants import block_shape as checked_shape
from .constants import plain

__all__ = (  # the part of tl that lives here
    "advance", "load_tensor_descriptor", "make_block_ptr", "make_tensor_descriptor",
    "store_tensor_descriptor",
)  # fmt: skip


def _integers(values, what: str) -> tuple[int, ...]:
    out = []
    for value in plain(values):
        block = as_block(plain(value))
        if block.dtype.is_floating() or block.numel != 1:
            raise TypeMismatch(f"{what}: expected integer scalars; came {block!r}")
        if block.undefined is not None:
            raise UndefinedLanes(f"{what} was computed from undefined lanes")
        out.append(int(block))
    return tuple(out)


class Rectangle:
    """A tensor in memory (pointer, shape, strides), cut into blocks of one shape at any offset."""

    def __init__(self, base: Pointer, shape, strides, block_shape):
        if not isinstance(base, Pointer) or base.dims:
            raise TypeMismatch(f"expected a scalar pointer as base; came {base!r}")
        self.base, self.dims = base, checked_shape(block_shape)
        self.sizes, self.strides = _integers(shape, "shape"), _integers(strides, "strides")
        if not len(self.sizes) == len(self.strides) == len(self.dims):
            raise ShapeError(
                f"shape {self.sizes}, strides {self.strides} and block_shape {self.dims} differ in length"
            )

    block_shape = property(lambda self: list(self.dims))
    shape = property(lambda self: list(self.sizes))
    dtype = property(lambda self: self.base.buffer.kind)
    block_type = property(lambda self: block_type(self.dtype, self.dims))

    def at(self, offsets: tuple[int, ...], checked):
        """Return place and selector of one block; on `checked` axes, lanes beyond the shape are inactive."""
        if len(offsets) != len(self.dims):
            raise ShapeError(f"expected {len(self.dims)} offsets; came {len(offsets)}")
        start = sum(o * s for o, s in zip(offsets, self.strides, strict=True)) + self.base.offset.base
        steps = tuple(s if n > 1 else 0 for s, n in zip(self.strides, self.dims, strict=True))
        ranges = []
        for axis, (offset, size, limit) in enumerate(zip(offsets, self.dims, self.sizes, strict=True)):
            low = min(size, max(0, -offset)) if axis in checked else 0
            ranges.append((low, max(low, min(size, limit - offset)) if axis in checked else size))
        pointer = Pointer(
            self.base.buffer, Index(start, steps, self.dims, int64, *ends(start, steps, self.dims))
        )
        inside = Box(
            self.dims, tuple(ranges), all(r == (0, n) for r, n in zip(ranges, self.dims, strict=True))
        )
        return active_place(pointer, None if inside.full else inside, self.dims)

    def read(self, offsets, checked, padding) -> Block:
        place, selector = self.at(offsets, checked)
        return filled(read(self.base.buffer, place), place, selector, self.dims, self.dtype, padding)

    def value_at(self, value, offsets, checked):
        """Return where a block goes and the part of it that does."""
        block = as_block(value)
        if block.dims and tuple(block.dims) != self.dims:
            raise ShapeError(f"the stored block has shape {tuple(block.dims)}; expected {self.dims}")
        place, selector = self.at(offsets, checked)
        if block.undefined is not None:
            refuse_undefined(np.broadcast_to(block.undefined, self.dims), selector, "the stored value")
        data = np.broadcast_to(cast_array(block.data, block.dtype, self.dtype), self.dims)
        return place, data if selector is None else data[selector]


class Descriptor(Rectangle):
    """What `tl.make_tensor_descriptor` returns: lanes outside the shape load as zero and do not store."""

    def __init__(self, base, shape, strides, block_shape, padding_option="zero"):
        super().__init__(base, shape, strides, block_shape)
        self.padding = {"zero": 0, "nan": float("nan")}[plain(padding_option)]
        self._check_alignment()

    def _check_alignment(self) -> None:
        size, buffer = self.dtype.itemsize, self.base.buffer
        start = (self.base.offset.base + buffer.tensor.storage_offset()) * size
        if self.strides[-1] != 1 or any(s * size % 16 for s in self.strides[:-1]) or start % 16:
            raise ShapeError(
                f"{buffer.name}: a tensor descriptor needs a last stride of 1, every other stride and the "
                f"start at a multiple of 16 bytes; came strides {self.strides} of {size} bytes, start {start}"
            )
        if self.dims[-1] * size < 16:
            raise ShapeError(
                f"a descriptor's block needs 16 bytes along its last axis; came {self.dims[-1]} x {size}"
            )
        if self.padding != 0 and self.dtype.kind != FLOATING:
            raise TypeMismatch(f"padding with NaN needs floating point; came {self.dtype}")

    def _place(self, offsets):
        offsets = _integers(offsets, "offsets")
        return offsets, range(len(self.dims))

    def load(self, offsets) -> Block:
        """Return the block that starts at `offsets`."""
        return self.read(*self._place(offsets), self.padding)

    def store(self, offsets, value) -> None:
        """Write a block at `offsets`; lanes outside the shape are dropped."""
        place, data = self.value_at(value, *self._place(offsets))
        write(self.base.buffer, place, data)

    def _atomic(self, offsets, value, act) -> None:
        place, data = self.value_at(value, *self._place(offsets))
        update(place, self.base.buffer, (data,), act)

    def atomic_add(self, offsets, value) -> None:
        """Add a block to memory, each lane as one step."""
        self._atomic(offsets, value, _sum)

    def atomic_max(self, offsets, value) -> None:
        """Raise memory to a block's values, each lane as one step."""
        self._atomic(offsets, value, np.maximum)

    def atomic_min(self, offsets, value) -> None:
        """Lower memory to a block's values, each lane as one step."""
        self._atomic(offsets, value, np.minimum)


class BlockPointer(Rectangle):
    """What `tl.make_block_ptr` returns: a rectangle with a current offset."""

    def __init__(self, base, shape, strides, offsets, block_shape, order):
        super().__init__(base, shape, strides, block_shape)
        self.offsets, self.order = _integers(offsets, "offsets"), _integers(order, "order")

    type = dtype = property(lambda self: self.base.buffer.kind)

    def advance(self, by) -> "BlockPointer":
        """Return the same rectangle further on."""
        offsets = tuple(o + d for o, d in zip(self.offsets, _integers(by, "offsets"), strict=True))
        return BlockPointer(self.base, self.sizes, self.strides, offsets, self.dims, self.order)


def make_tensor_descriptor(base, shape, strides, block_shape, padding_option="zero") -> Descriptor:
    """Return a descriptor of a tensor in memory, for loads and stores of whole rectangles."""
    return Descriptor(base, shape, strides, block_shape, padding_option)


def load_tensor_descriptor(desc, offsets) -> Block:
    """Return the block that starts at `offsets`."""
    return desc.load(offsets)


def store_tensor_descriptor(desc, offsets, value) -> None:
    """Write a block at `offsets`."""
    desc.store(offsets, value)


def make_block_ptr(base, shape, strides, offsets, block_shape, order) -> BlockPointer:
    """Return a pointer to a block of a tensor in memory."""
    return BlockPointer(base, shape, strides, offsets, block_shape, order)


def advance(base, offsets) -> BlockPointer:
    """Return a block pointer further on."""
    return base.advance(offsets)
