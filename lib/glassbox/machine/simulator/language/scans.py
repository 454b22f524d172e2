"""Running totals, sorting, counting, and picking lanes by index."""

import numpy as np

from ..access import as_mask, refuse_undefined, scalar_or_block
from ..arithmetic import as_block, check_finite, lanes_undefined
from ..block import Block, Dense
from ..dtypes import FLOATING, int32
from ..errors import OutOfBounds, ShapeError
from ..state import run
from .constants import axis_of, plain, whole
from .creation import widened
from .reductions import _summable, call_on_arrays, spoiled

__all__ = (  # the part of tl that lives here
    "associative_scan", "cumprod", "cumsum", "gather", "histogram", "map_elementwise", "sort",
    "topk",
)  # fmt: skip


def _running(name, ufunc):
    def scan(input, axis=0, reverse=False, dtype=None):
        block = _summable(widened(input), dtype)
        axis, data = axis_of(axis, len(block.dims)), block.data
        data = np.flip(data, axis) if plain(reverse) else data
        out = ufunc.accumulate(data, axis=axis, dtype=data.dtype)
        if block.dtype.kind == FLOATING:
            run.elementwise += out.size - out.size // out.shape[axis]
            if run.find_nonfinite and np.isfinite(data).all():
                check_finite(name, out, data)
        out = np.flip(out, axis) if plain(reverse) else out
        return Dense(out, block.dtype, _spoiled_from(block, axis, plain(reverse)))

    scan.__name__ = name
    scan.__doc__ = f"Return the running {'sum' if name == 'cumsum' else 'product'} along an axis."
    return scan


def _spoiled_from(block: Block, axis: int, reverse: bool):
    """Return where a running combination is undefined: from the first undefined lane on."""
    if block.undefined is None:
        return None
    undefined = np.broadcast_to(block.undefined, block.dims)
    undefined = np.flip(undefined, axis) if reverse else undefined
    undefined = np.logical_or.accumulate(undefined, axis=axis)
    return np.flip(undefined, axis) if reverse else undefined


cumsum, cumprod = _running("cumsum", np.add), _running("cumprod", np.multiply)


def associative_scan(input, axis, combine_fn, reverse=False):
    """Return the running combination along an axis with a jit function of two groups of values."""
    blocks = tuple(input) if isinstance(input, (tuple, list)) else (input,)
    axis, kinds = axis_of(axis, len(blocks[0].dims)), [b.dtype for b in blocks]
    arrays = [np.moveaxis(np.flip(b.data, axis) if plain(reverse) else b.data, axis, -1) for b in blocks]
    steps = [[array[..., 0] for array in arrays]]
    for k in range(1, arrays[0].shape[-1]):
        steps.append(call_on_arrays(combine_fn, steps[-1], [array[..., k] for array in arrays], kinds))
    out = []
    for place, kind in enumerate(kinds):
        whole_axis = np.moveaxis(np.stack([step[place] for step in steps], -1), -1, axis)
        undefined = _spoiled_from(blocks[place], axis, plain(reverse))
        out.append(Dense(np.flip(whole_axis, axis) if plain(reverse) else whole_axis, kind, undefined))
    return tuple(out) if isinstance(input, (tuple, list)) else out[0]


def _last_axis(block: Block, dim, what: str) -> None:
    if dim is not None and axis_of(dim, len(block.dims)) != len(block.dims) - 1:
        raise ShapeError(f"{what} works along the last axis only; came dim={dim}")


def _sorted(x, dim, what: str):
    """Return a block with its values in rising order, and which rows undefined lanes have spoiled."""
    block = as_block(x)
    _last_axis(block, dim, what)
    rows = spoiled(block, len(block.dims) - 1, what)
    return np.sort(block.data, axis=-1), None if rows is None else rows[..., None]


def sort(x, dim=None, descending=False) -> Block:
    """Return the values in order along the last axis."""
    out, undefined = _sorted(x, dim, "tl.sort")
    return Dense(np.ascontiguousarray(out[..., ::-1]) if plain(descending) else out, x.dtype, undefined)


def topk(x, k, dim=None) -> Block:
    """Return the k largest values along the last axis, largest first; k must be a power of two.

    As in Triton, types below 32 bits come back as fp32 or int32 when values are dropped.
    """
    block, k = as_block(x), whole(k, "k")
    if k < 1 or k & (k - 1) or k > block.dims[-1]:
        raise ShapeError(f"tl.topk: k must be a power of two of at most {block.dims[-1]}; came {k}")
    if k < block.dims[-1]:
        block = widened(block, integers=True)
    out, undefined = _sorted(block, dim, "tl.topk")
    return Dense(np.ascontiguousarray(out[..., ::-1][..., :k]), block.dtype, undefined)


def histogram(input, num_bins, mask=None) -> Block:
    """Return how often each of 0 ... num_bins - 1 occurs among the lanes whose mask is true."""
    block, bins = as_block(input), whole(num_bins, "num_bins")
    if len(block.dims) != 1 or block.dtype.is_floating():
        raise ShapeError(f"tl.histogram needs integers along one axis; came {block.type}")
    mask = as_mask(plain(mask))
    counted = np.ones(block.dims, np.bool_) if mask is None else np.broadcast_to(mask.data, block.dims)
    if block.undefined is not None:
        refuse_undefined(np.broadcast_to(block.undefined, block.dims), counted, "tl.histogram: its input")
    values = block.data[counted].astype(np.int64)
    values = values[(values >= 0) & (values < bins)]
    return Dense(np.bincount(values, minlength=bins).astype(np.int32), int32)


def gather(src, index, axis) -> Block:
    """Return src's lanes chosen by an index block along an axis."""
    source, index = as_block(src), as_block(index)
    if index.dtype.is_floating() or len(source.dims) != len(index.dims):
        raise ShapeError(f"tl.gather needs an integer index of the source's rank; came {index.type}")
    axis = axis_of(axis, len(source.dims))
    for k, (m, n) in enumerate(zip(source.dims, index.dims, strict=True)):
        if k != axis and m != n:
            raise ShapeError(f"tl.gather along axis {axis}: {source.dims} and {index.dims} differ elsewhere")
    where = index.data.astype(np.int64)
    bad = (where < 0) | (where >= source.dims[axis])
    if bad.any():
        lane, size = tuple(int(i) for i in np.argwhere(bad)[0]), source.dims[axis]
        what = f"tl.gather: index {int(where[lane])} in lane {lane}, but axis {axis} has {size} lanes"
        raise OutOfBounds(what, index=lane, look="the values of the index block")
    undefined = source.undefined
    if undefined is not None:
        undefined = np.take_along_axis(np.broadcast_to(undefined, source.dims), where, axis)
    undefined = lanes_undefined(undefined, index.undefined)
    return Dense(np.take_along_axis(source.data, where, axis), source.dtype, undefined)


def map_elementwise(scalar_fn, *args, pack=1):
    """Call a jit function once per lane, with scalars; it may branch."""
    if plain(pack) != 1:
        raise NotImplementedError("tl.map_elementwise with pack > 1")
    blocks = [as_block(a) for a in args]
    arrays = np.broadcast_arrays(*(b.data for b in blocks))
    results = []
    for lane in np.ndindex(arrays[0].shape):
        got = scalar_fn(
            *(
                scalar_or_block(np.asarray(a[lane]), b.dtype, None)
                for a, b in zip(arrays, blocks, strict=True)
            )
        )
        results.append(got if isinstance(got, tuple) else (got,))
    out = []
    for column in zip(*results, strict=True):
        values = np.array([as_block(v).data for v in column]).reshape(arrays[0].shape)
        out.append(scalar_or_block(values, as_block(column[0]).dtype, None))
    return out[0] if len(out) == 1 else tuple(out)
