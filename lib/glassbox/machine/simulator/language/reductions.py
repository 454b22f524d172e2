"""Combining the lanes along an axis into one."""

import numpy as np

from ..access import refuse_undefined, scalar_or_block
from ..block import Block, Dense
from ..dtypes import FLOATING, int32, integer_of
from ..errors import BlockCondition, NonFinite, TypeMismatch
from ..state import run
from .constants import axis_of, plain
from .creation import as_dtype, cast, widened

__all__ = (  # the part of tl that lives here
    "argmax", "argmin", "max", "min", "reduce", "reduce_or", "sum", "xor_sum",
)  # fmt: skip


def spoiled(block: Block, axis, what: str):
    """Return which results of a reduction an undefined lane has spoiled, or None.

    Raises: UndefinedLanes if that is all of them.
    """
    if block.undefined is None:
        return None
    undefined = np.broadcast_to(block.undefined, block.dims)
    out = undefined.any(axis=axis)
    if np.all(out):
        refuse_undefined(undefined, None, f"{what}: its input")
    return out if np.any(out) else None


def _finish(name, block, data, axis, keep_dims, kind=None):
    """Count a reduction's work and return its result as a block."""
    undefined = spoiled(block, axis, f"tl.{name}")
    if keep_dims:
        keep = (1,) * len(block.dims) if axis is None else tuple(np.expand_dims(data, axis).shape)
        data = np.reshape(data, keep)
        undefined = None if undefined is None else np.reshape(undefined, keep)
    kind = kind or block.dtype
    if kind.kind == FLOATING:
        run.elementwise += block.data.size - data.size
        if run.find_nonfinite:
            _check_finite(name, data, block.data, axis)
        return Dense(data, kind, undefined)
    return scalar_or_block(np.asarray(data), kind, undefined)


def _check_finite(name, data, source, axis) -> None:
    if not np.isfinite(data).all():
        lane = np.isfinite(source).all(axis=axis, keepdims=np.ndim(data) == np.ndim(source))
        if np.any(lane & ~np.isfinite(data)) or (np.isnan(data).any() and not np.isnan(source).any()):
            raise NonFinite(f"`{name}` of finite values gave {data[~np.isfinite(data)].ravel()[0]}")


def _axis(block, axis):
    axis = plain(axis)
    return None if axis is None else axis_of(axis, len(block.dims))


def _tree(data, axis, ufunc):
    """Reduce pairwise in the data's own type, half against half: every step rounds as the hardware's does."""
    data = data.reshape(-1) if axis is None else np.moveaxis(data, axis, -1)
    while data.shape[-1] > 1:
        half = data.shape[-1] // 2
        data = ufunc(data[..., :half], data[..., half:])
    return data[..., 0]


def sum(input, axis=None, keep_dims=False, dtype=None) -> Block:
    """Return the sum along an axis (of everything by default). Small integers add up as int32.

    Precision: fp32 and fp64 pairwise; fp16 and bf16 pairwise with every partial sum rounded to the block's
    type, as on the GPU.
    """
    block = _summable(input, dtype)
    axis, data = _axis(block, axis), block.data
    if block.dtype.small_float:
        out = _tree(data, axis, np.add)
    else:
        out = np.add.reduce(data, axis=axis, dtype=data.dtype)
    return _finish("sum", block, out, axis, keep_dims)


def _summable(block: Block, dtype) -> Block:
    if plain(dtype) is not None:
        return cast(block, as_dtype(dtype))
    if block.dtype.kind != FLOATING and block.dtype.bits < 32:
        return cast(block, integer_of(32, block.dtype.signed))
    return block


def _extreme(name, ufunc, integer_ufunc, position):
    def reduce_extreme(
        input, axis=None, return_indices=False, return_indices_tie_break_left=True, keep_dims=False
    ):
        block = input
        if plain(return_indices):
            return _with_index(name, widened(block), axis, keep_dims, position)
        block = widened(block, integers=True)
        axis = _axis(block, axis)
        reduce_by = ufunc if block.dtype.kind == FLOATING else integer_ufunc
        return _finish(name, block, reduce_by.reduce(block.data, axis=axis), axis, keep_dims)

    reduce_extreme.__name__ = name
    reduce_extreme.__doc__ = (
        f"Return the {name} along an axis (of everything by default), and its index if asked for."
    )
    return reduce_extreme


def _with_index(name, block, axis, keep_dims, position):
    axis = _axis(block, axis)
    where = position(block.data, axis=axis)
    picked = np.take_along_axis(block.data, np.expand_dims(where, axis), axis).squeeze(axis)
    value = _finish(name, block, picked, axis, keep_dims)
    return value, _finish(name, block, where.astype(np.int32), axis, keep_dims, int32)


max = _extreme("max", np.fmax, np.maximum, np.argmax)
min = _extreme("min", np.fmin, np.minimum, np.argmin)


def argmax(input, axis, tie_break_left=True, keep_dims=False) -> Block:
    """Return the index of the largest value; the first of equals."""
    return max(input, axis, return_indices=True, keep_dims=keep_dims)[1]


def argmin(input, axis, tie_break_left=True, keep_dims=False) -> Block:
    """Return the index of the smallest value; the first of equals."""
    return min(input, axis, return_indices=True, keep_dims=keep_dims)[1]


def _bits(name, ufunc):
    def reduce_bits(input, axis=None, keep_dims=False):
        block = input
        if block.dtype.is_floating():
            raise TypeMismatch(f"tl.{name} needs integers; came {block.dtype}")
        axis = _axis(block, axis)
        return _finish(name, block, ufunc.reduce(block.data, axis=axis), axis, keep_dims)

    reduce_bits.__name__ = name
    reduce_bits.__doc__ = f"Return the bitwise {name} along an axis."
    return reduce_bits


xor_sum, reduce_or = _bits("xor_sum", np.bitwise_xor), _bits("reduce_or", np.bitwise_or)


def reduce(input, axis, combine_fn, keep_dims=False):
    """Combine the lanes along an axis with a jit function of two groups of values, pairwise from the left.

    The function sees whole blocks at once; if it branches on a value, it is called once per pair of values.
    """
    blocks = tuple(input) if isinstance(input, (tuple, list)) else (input,)
    place = _axis(blocks[0], axis)
    arrays = [b.data.reshape(-1) if place is None else np.moveaxis(b.data, place, -1) for b in blocks]
    kinds = [b.dtype for b in blocks]
    while arrays[0].shape[-1] > 1:
        left, right = ([array[..., k::2] for array in arrays] for k in range(2))
        arrays = call_on_arrays(combine_fn, left, right, kinds)
    keep = plain(keep_dims)
    out = tuple(_finish("reduce", b, a[..., 0], place, keep) for a, b in zip(arrays, blocks, strict=True))
    return out if isinstance(input, (tuple, list)) else out[0]


def call_on_arrays(combine_fn, left, right, kinds):
    """Return combine_fn(*left, *right) as arrays; value by value if it cannot work on whole blocks."""
    try:
        return _called(combine_fn, left, right, kinds)
    except BlockCondition:
        shape = left[0].shape
        out = [np.empty(shape, kind.numpy) for kind in kinds]
        for lane in np.ndindex(shape):
            values = _called(combine_fn, [a[lane] for a in left], [a[lane] for a in right], kinds)
            for array, value in zip(out, values, strict=True):
                array[lane] = value
        return out


def _called(combine_fn, left, right, kinds):
    blocks = [
        scalar_or_block(np.asarray(a), kind, None) for a, kind in zip([*left, *right], kinds * 2, strict=True)
    ]
    got = combine_fn(*blocks)
    got = got if isinstance(got, (tuple, list)) else (got,)
    if len(got) != len(kinds):
        raise TypeMismatch(f"the combine function returned {len(got)} values; expected {len(kinds)}")
    shape = np.shape(left[0])
    return [np.broadcast_to(cast(b, kind).data, shape) for b, kind in zip(got, kinds, strict=True)]
