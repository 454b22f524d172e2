"""Making blocks, and changing their element type."""

from functools import lru_cache

import numpy as np

from ..arithmetic import as_block
from ..block import Block, Dense
from ..dtypes import FLOATING, INTEGRAL, bfloat16, float32, int32, pointer_type
from ..dtypes import cast as cast_array
from ..dtypes import dtype as element_type
from ..errors import ShapeError, TypeMismatch, UnsupportedOperation
from ..index import Index, fitted
from ..pointer import Pointer
from ..state import run
from .constants import block_shape, plain, whole

__all__ = (  # the part of tl that lives here
    "arange", "cast", "full", "to_tensor", "zeros", "zeros_like",
)  # fmt: skip


def arange(start, end) -> Index:
    """Return start, start + 1, ..., end - 1 as int32. The length must be a power of two."""
    return _arange(whole(start, "tl.arange's start"), whole(end, "tl.arange's end"))


@lru_cache(256)
def _arange(start: int, end: int) -> Index:
    if end <= start:
        raise ShapeError(f"tl.arange({start}, {end}): the end must be greater than the start")
    if not (int32.min <= start and end <= int32.max):
        raise ShapeError(f"tl.arange({start}, {end}): the values must fit in int32")
    (size,) = block_shape((end - start,))
    return Index(start, (1,) if size > 1 else (0,), (size,), int32, start, end - 1)


def full(shape, value, dtype) -> Block:
    """Return a block filled with one value."""
    sizes, kind, value = block_shape(shape), as_dtype(dtype), plain(value)
    if isinstance(value, Block):
        if value.numel != 1:
            raise ShapeError(f"tl.full needs one value; came a block of shape {value.dims}")
        value = cast_array(value.data.reshape(()), value.dtype, kind)
    if kind.kind == INTEGRAL and kind.min <= int(value) <= kind.max:
        return Index(int(value), (0,) * len(sizes), sizes, kind, int(value), int(value))
    if type(value) is int and value == 0:
        data = np.zeros(sizes, kind.numpy)
    else:
        data = np.full(sizes, value, kind.numpy)
    return Dense(data if sizes else data[()], kind)


def zeros(shape, dtype) -> Block:
    """Return a block of zeros."""
    return full(shape, 0, dtype)


def zeros_like(input) -> Block:
    """Return zeros with the shape and type of a block."""
    return full(input.dims, 0, input.dtype)


def as_dtype(kind) -> element_type:
    """Return an element type, or explain what is wrong with it."""
    kind = plain(kind)
    if isinstance(kind, (element_type, pointer_type)):
        return kind
    raise TypeMismatch(f"expected an element type such as tl.float32; came {kind!r}")


def cast(input, dtype, fp_downcast_rounding=None, bitcast=False):
    """Return a block in another element type, or its bits read as another type."""
    kind, rounding = as_dtype(dtype), plain(fp_downcast_rounding)
    if isinstance(input, Pointer):
        return _cast_pointer(input, kind)
    block = as_block(input)
    if plain(bitcast):
        return _bits_as(block, kind)
    if rounding is not None:
        return _rounded(block, kind, rounding)
    if kind is block.dtype:
        return block
    if type(block) is Index and kind.kind == INTEGRAL:
        return fitted(Index(block.base, block.steps, block.dims, kind, block.low, block.high), quiet=True)
    data = cast_array(block.data, block.dtype, kind)
    if run.find_nonfinite and kind.kind == FLOATING and block.dtype.kind == FLOATING:
        from ..arithmetic import check_finite

        check_finite(f"to {kind}", data, block.data)
    return Dense(data, kind, block.undefined)


def _cast_pointer(pointer: Pointer, kind):
    if isinstance(kind, pointer_type) and kind.element_ty is pointer.buffer.kind:
        return pointer
    raise UnsupportedOperation(f"a pointer to {pointer.buffer.kind} cannot be cast to {kind}")


def _bits_as(block: Block, kind) -> Block:
    if block.dtype is kind:
        return block
    if block.dtype.bits != kind.bits:
        raise TypeMismatch(f"bitcast from {block.dtype} to {kind}: the sizes differ")
    data = np.ascontiguousarray(block.data).view(kind.numpy)
    return Dense(data.reshape(block.dims) if block.dims else data.reshape(())[()], kind, block.undefined)


def _rounded(block: Block, kind, rounding: str) -> Block:
    if rounding not in ("rtne", "rtz"):
        raise TypeMismatch(f"fp_downcast_rounding: expected 'rtne' or 'rtz'; came {rounding!r}")
    if not (kind.kind == block.dtype.kind == FLOATING and kind.bits < block.dtype.bits):
        raise TypeMismatch("fp_downcast_rounding is for casts to a smaller floating-point type only")
    nearest = Dense(cast_array(block.data, block.dtype, kind), kind, block.undefined)
    return nearest if rounding == "rtne" else _toward_zero(block, nearest)


def _toward_zero(block: Block, nearest: Dense) -> Dense:
    kind, unsigned = nearest.dtype, f"u{nearest.dtype.itemsize}"
    bits = np.array(nearest.data).view(unsigned)
    too_large = np.abs(np.array(nearest.data).astype(np.float64)) > np.abs(block.data.astype(np.float64))
    return Dense((bits - too_large.astype(unsigned)).view(kind.numpy), kind, block.undefined)


def to(self, dtype, fp_downcast_rounding=None, bitcast=False):
    """Return the block in another element type."""
    return cast(self, dtype, fp_downcast_rounding, bitcast)


def to_tensor(value) -> Block:
    """Return a number as a scalar block."""
    return as_block(value)


def widened(block: Block, *, integers: bool = False) -> Block:
    """Return bf16 as fp32 (and, with `integers`, every type below 32 bits as its 32-bit relative)."""
    if block.dtype is bfloat16 or (integers and block.dtype.kind == FLOATING and block.dtype.bits < 32):
        return cast(block, float32)
    if integers and block.dtype.kind != FLOATING and block.dtype.bits < 32:
        return cast(block, int32)
    return block
