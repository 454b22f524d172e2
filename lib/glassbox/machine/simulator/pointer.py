"""Pointers: a tensor argument and the element offsets into it."""

import numpy as np

from .arithmetic import lanes_undefined
from .block import Block, new_axes, uncounted
from .dtypes import block_type, int64, pointer_type
from .errors import TypeMismatch, UnsupportedOperation
from .index import Index, combine, joint_dims, scalar, scaled


class Pointer:
    """Addresses in one buffer; `offset` is a block of int64, an Index wherever that is possible."""

    __slots__ = ("buffer", "offset")

    def __init__(self, buffer, offset: Block):
        self.buffer, self.offset = buffer, offset

    @property
    def dims(self) -> tuple:
        return self.offset.dims

    shape = property(lambda self: self.offset.shape)
    dtype = property(lambda self: pointer_type(self.buffer.kind))
    type = property(lambda self: block_type(self.dtype, self.dims) if self.dims else self.dtype)

    def _moved(self, by, sign: int):
        if type(by) is int:
            by = scalar(by, int64)
        if not isinstance(by, Block):
            return NotImplemented
        if by.dtype.is_floating():
            raise TypeMismatch(f"an address moves by whole elements; came {by.dtype}: use .to(tl.int32)")
        if not by.dims and type(by) is not Index and by.undefined is None:
            by = scalar(int(by), int64)
        if type(by) is Index and type(self.offset) is Index:
            by = by if sign > 0 else scaled(by, -1, int64)
            return Pointer(self.buffer, combine(self.offset, by, int64))
        joint_dims(self.dims, by.dims)
        moved = self.offset.data + sign * by.data.astype(np.int64)
        undefined = lanes_undefined(self.offset.undefined, by.undefined)
        return Pointer(self.buffer, uncounted(moved, int64, undefined))

    def __add__(self, other):
        return self._moved(getattr(other, "value", other), 1)

    __radd__ = __add__

    def __sub__(self, other):
        return self._moved(getattr(other, "value", other), -1)

    def __getitem__(self, key):
        return Pointer(self.buffer, self.offset[new_axes(self, key)])

    def __repr__(self) -> str:
        return f"pointer into {self.buffer.name}, shape {self.dims}"

    def _refuse(self, other):
        raise UnsupportedOperation("pointers cannot be compared or combined with each other")

    __lt__ = __le__ = __gt__ = __ge__ = __mul__ = __truediv__ = __mod__ = _refuse
