"""Pointers: a tensor argument and the element offsets into it."""

import numpy as np

from .block import Block, new_axes
from .dtypes import block_type, int64, pointer_type
from .errors import TypeMismatch, UndefinedLanes, UnsupportedOperation
from .index import Index, combine, joint_dims, scalar, scaled


class Pointer:
    """Addresses in one buffer; `offset` is an Index, or an int64 array where no formula holds."""

    __slots__ = ("buffer", "offset")

    def __init__(self, buffer, offset):
        self.buffer, self.offset = buffer, offset

    @property
    def dims(self) -> tuple:
        return self.offset.dims if type(self.offset) is Index else self.offset.shape

    shape = dims

    @property
    def dtype(self):
        return pointer_type(self.buffer.kind)

    @property
    def type(self):
        return block_type(self.dtype, self.dims) if self.dims else self.dtype

    def _moved(self, by, sign: int):
        if type(by) is int:
            by = scalar(by, int64)
        if not isinstance(by, Block):
            return NotImplemented
        if by.dtype.is_floating():
            raise TypeMismatch(f"an address moves by whole elements; came {by.dtype}: use .to(tl.int32)")
        if by.undefined is not None:
            raise UndefinedLanes("an address was computed from undefined lanes")
        if not by.dims and type(by) is not Index:
            by = scalar(int(by), int64)
        if type(by) is Index and type(self.offset) is Index:
            return Pointer(
                self.buffer, combine(self.offset, by if sign > 0 else scaled(by, -1, int64), int64)
            )
        joint_dims(self.dims, by.dims)
        mine = self.offset.data if type(self.offset) is Index else self.offset
        return Pointer(self.buffer, mine + sign * by.data.astype(np.int64))

    def __add__(self, other):
        return self._moved(getattr(other, "value", other), 1)

    __radd__ = __add__

    def __sub__(self, other):
        return self._moved(getattr(other, "value", other), -1)

    def __getitem__(self, key):
        return Pointer(self.buffer, self.offset[new_axes(self, key)])

    def broadcast(self, dims: tuple) -> "Pointer":
        """Return the pointers repeated to `dims`, which they must fit."""
        if type(self.offset) is Index:
            return Pointer(self.buffer, self.offset.broadcast(dims))
        return Pointer(self.buffer, np.broadcast_to(self.offset, dims))

    def __repr__(self) -> str:
        return f"pointer into {self.buffer.name}, shape {self.dims}"

    def _refuse(self, other):
        raise UnsupportedOperation("pointers cannot be compared or combined with each other")

    __lt__ = __le__ = __gt__ = __ge__ = __mul__ = __truediv__ = __mod__ = _refuse
