"""Running totals, sorting, counting, and picking lanes by index."""

import numpy as np

from ..access import scalar_or_block
from ..arithmetic import as_block, check_finite
from ..block import Block, Dense
from ..dtypes import FLOATING, int1, int32
from ..errors import OutOfBounds, ShapeError, TypeMismatch
from ..state import run
from .constants import axis_of, plain, whole
from .creation import widened
from .reductions import _summable, call_on_arrays, defined

__all__ = (  # the part of tl that lives here
    "associative_scan", "cumprod", "cumsum", "gather", "histogram", "map_elementwise", "sort",
    "topk",
)  # fmt: skip


def _running(name, ufunc):
    def scan(input, axis=0, reverse=False, dtype=None):
        block = _summable(widened(defined(input, f"tl.{name}")), dtype)
        axis, data = axis_of(axis, len(block.dims)), block.data
        data = np.flip(data, axis) if plain(reverse) else data
        out = ufunc.accumulate(data, axis=axis, dtype=data.dtype)
        if block.dtype.kind == FLOATING:
            run.elementwise += out.size - out.size // out.shape[axis]
            if run.find_nonfinite and np.isfinite(data).all():
                check_finite(name, out, data)
        return Dense(np.flip(out, axis) if plain(reverse) else out, block.dtype)

    scan.__name__ = name
    scan.__doc__ = f"Return the running {'sum' if name == 'cumsum' else 'product'} along an axis."
    return scan


cumsum, cumprod = _running("cumsum", np.add), _running("cumprod", np.multiply)


def associative_scan(input, axis, combine_fn, reverse=False):
    """Return the running combination along an axis with a jit function of two groups of values."""
    blocks = tuple(input) if isinstance(input, (tuple, list)) else (input,)
    for block in blocks:
        defined(block, "tl.associative_scan")
    axis, kinds = axis_of(axis, len(blocks[0].dims)), [b.dtype for b in blocks]
    arrays = [np.moveaxis(np.flip(b.data, axis) if plain(reverse) else b.data, axis, -1) for b in blocks]
    steps = [[array[..., 0] for array in arrays]]
    for k in range(1, arrays[0].shape[-1]):
        steps.append(call_on_arrays(combine_fn, steps[-1], [array[..., k] for array in arrays], kinds))
    out = []
    for place, kind in enumerate(kinds):
        whole_axis = np.moveaxis(np.stack([step[place] for step in steps], -1), -1, axis)
        out.append(Dense(np.flip(whole_axis, axis) if plain(reverse) else whole_axis, kind))
    return tuple(out) if isinstance(input, (tuple, list)) else out[0]


def _last_axis(block: Block, dim, what: str) -> None:
    if dim is not None and axis_of(dim, len(block.dims)) != len(block.dims) - 1:
        raise ShapeError(f"{what} works along the last axis only; came dim={dim}")


def sort(x, dim=None, descending=False) -> Block:
    """Return the values in order along the last axis."""
    block = defined(as_block(x), "tl.sort")
    _last_axis(block, dim, "tl.sort")
    out = np.sort(block.data, axis=-1)
    return Dense(np.ascontiguousarray(out[..., ::-1]) if plain(descending) else out, block.dtype)


def topk(x, k, dim=None) -> Block:
    """Return the k largest values along the last axis, largest first; k must be a power of two.

    As in Triton, types below 32 bits come back as fp32 or int32 when values are dropped.
    """
    block, k = defined(as_block(x), "tl.topk"), whole(k, "k")
    _last_axis(block, dim, "tl.topk")
    if k < 1 or k & (k - 1) or k > block.dims[-1]:
        raise ShapeError(f"tl.topk: k must be a power of two of at most {block.dims[-1]}; came {k}")
    if k < block.dims[-1]:
        block = widened(block, integers=True)
    return Dense(np.ascontiguousarray(np.sort(block.data, axis=-1)[..., ::-1][..., :k]), block.dtype)


def histogram(input, num_bins, mask=None) -> Block:
    """Return how often each of 0 ... num_bins - 1 occurs among the lanes whose mask is true."""
    block, bins = defined(as_block(input), "tl.histogram"), whole(num_bins, "num_bins")
    if len(block.dims) != 1 or block.dtype.is_floating():
        raise ShapeError(f"tl.histogram needs integers along one axis; came {block.type}")
    values = block.data.astype(np.int64)
    if plain(mask) is not None:
        mask = as_block(mask)
        if mask.dtype is not int1:
            raise TypeMismatch(f"mask= needs true-or-false lanes (int1); came {mask.dtype}")
        values = values[np.broadcast_to(mask.data, block.dims)]
    values = values[(values >= 0) & (values < bins)]
    return Dense(np.bincount(values, minlength=bins).astype(np.int32), int32)


def gather(src, index, axis) -> Block:
    """Return src's lanes chosen by an index block along an axis."""
    source, index = defined(as_block(src), "tl.gather"), defined(as_block(index), "tl.gather: the index")
    if index.dtype.is_floating() or len(source.dims) != len(index.dims):
        raise ShapeError(f"tl.gather needs an integer index of the source's rank; came {index.type}")
    axis = axis_of(axis, len(source.dims))
    for k, (m, n) in enumerate(zip(source.dims, index.dims, strict=True)):
        if k != axis and m != n:
            raise ShapeError(
                f"tl.gather along axis {axis}: source {source.dims} and index {index.dims} differ elsewhere"
            )
    where = index.data.astype(np.int64)
    bad = (where < 0) | (where >= source.dims[axis])
    if bad.any():
        lane = tuple(int(i) for i in np.argwhere(bad)[0])
        size = source.dims[axis]
        what = f"tl.gather: index {int(where[lane])} in lane {lane}, but axis {axis} has {size} lanes"
        raise OutOfBounds(what, index=lane, look="the values of the index block")
    return Dense(np.take_along_axis(source.data, where, axis), source.dtype)


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
