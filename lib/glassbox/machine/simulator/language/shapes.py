"""Rearranging lanes: nothing here computes."""

import numpy as np

from ..arithmetic import as_block
from ..block import Block, Dense, reshaped
from ..block import view as view_of
from ..box import Box
from ..errors import ShapeError
from ..index import Index, joint_dims
from ..pointer import Pointer
from .constants import axis_of, block_shape, plain, spread, whole

__all__ = (  # the part of tl that lives here
    "broadcast", "broadcast_to", "cat", "expand_dims", "flip", "interleave", "item", "join",
    "permute", "ravel", "reshape", "split", "squeeze", "trans", "unsqueeze", "view",
)  # fmt: skip


def reshape(input, *shape, can_reorder=False) -> Block:
    """Return the same values, in the same order, under another shape."""
    sizes = block_shape(spread(shape))
    if int(np.prod(sizes, dtype=np.int64)) != int(np.prod(input.dims, dtype=np.int64)):
        raise ShapeError(
            f"a block of shape {tuple(input.dims)} cannot become {sizes}: the number of values differs"
        )
    if isinstance(input, Pointer):
        return Pointer(input.buffer, reshape(input.offset, sizes))
    return reshaped(input, lambda array: array.reshape(sizes))


def view(input, *shape) -> Block:
    """Return `reshape`; Triton leaves the order open here, so do not rely on it."""
    return reshape(input, *shape)


def ravel(x, can_reorder=False) -> Block:
    """Return the values in one axis."""
    return reshape(x, (int(np.prod(x.dims, dtype=np.int64)),))


def item(input) -> Block:
    """Return the only value of a block as a scalar."""
    return reshape(input, ())


def permute(input, *dims) -> Block:
    """Return a block with its axes in another order."""
    order = tuple(whole(d, "an axis") for d in spread(dims))
    if sorted(order) != list(range(len(input.dims))):
        raise ShapeError(f"permute: {order} is no order of the {len(input.dims)} axes")
    if type(input) is Index:
        steps, dims = (tuple(p[k] for k in order) for p in (input.steps, input.dims))
        return Index(input.base, steps, dims, input.dtype, input.low, input.high)
    if isinstance(input, Pointer):
        return Pointer(input.buffer, permute(input.offset, order))
    return reshaped(input, lambda array: array.transpose(order))


def trans(input, *dims) -> Block:
    """Return a block with its last two axes exchanged, or with its axes in the order `dims`."""
    dims, rank = spread(dims), len(input.dims)
    if not dims and rank == 2 and type(input) is Dense:
        return reshaped(input, np.transpose)
    if not dims:
        if rank < 2:
            raise ShapeError(f"tl.trans needs at least two axes; came shape {tuple(input.dims)}")
        dims = (*range(rank - 2), rank - 1, rank - 2)
    return permute(input, dims)


def expand_dims(input, axis) -> Block:
    """Return a block with new axes of size one at the given places of the result."""
    axis = plain(axis)
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    block = input if isinstance(input, Pointer) else as_block(input)
    rank = len(block.dims) + len(axes)
    places = [axis_of(one, rank) for one in axes]
    if len(set(places)) != len(places):
        raise ShapeError(f"expand_dims: axis given twice in {axes}")
    return block[tuple(None if k in places else slice(None) for k in range(rank))]


def squeeze(x, dim) -> Block:
    """Return a block without one axis of size one."""
    dim = axis_of(dim, len(x.dims))
    if x.dims[dim] != 1:
        raise ShapeError(f"squeeze: axis {dim} of shape {tuple(x.dims)} is not of size one")
    return reshape(x, x.dims[:dim] + x.dims[dim + 1 :])


def unsqueeze(x, dim) -> Block:
    """Return a block with one new axis of size one."""
    return expand_dims(x, dim)


def broadcast_to(input, *shape) -> Block:
    """Return a block repeated along its axes of size one."""
    sizes = block_shape(spread(shape))
    block = input if isinstance(input, Pointer) else as_block(input)
    fits = not block.dims or len(block.dims) == len(sizes)
    if not fits or any(m != n and m != 1 for m, n in zip(block.dims, sizes, strict=False)):
        raise ShapeError(f"a block of shape {tuple(block.dims)} cannot be broadcast to {sizes}")
    return _repeated(block, sizes)


def _repeated(block, sizes: tuple):
    if block.dims == sizes:
        return block
    if isinstance(block, Pointer):
        return Pointer(block.buffer, _repeated(block.offset, sizes))
    if isinstance(block, (Index, Box)):
        return block.broadcast(sizes)
    undefined = block.undefined
    if undefined is not None:
        undefined = np.broadcast_to(undefined, sizes)
    return view_of(block, np.broadcast_to(block.data, sizes), undefined)


def broadcast(input, other):
    """Return two blocks repeated to their common shape."""
    first, second = as_block(input), as_block(other)
    dims = joint_dims(first.dims, second.dims)
    return _repeated(first, dims), _repeated(second, dims)


def join(a, b) -> Block:
    """Return two blocks side by side in a new last axis of size two."""
    a, b = broadcast(a, b)
    if a.dtype is not b.dtype:
        raise ShapeError(f"join needs one element type; came {a.dtype} and {b.dtype}")
    undefined = None
    if a.undefined is not None or b.undefined is not None:
        none = np.zeros(a.dims, np.bool_)
        pair = [none if x.undefined is None else np.broadcast_to(x.undefined, a.dims) for x in (a, b)]
        undefined = np.stack(pair, -1)
    return Dense(np.stack([a.data, b.data], -1), a.dtype, undefined)


def split(a):
    """Return the two halves of a block whose last axis has size two."""
    if not a.dims or a.dims[-1] != 2:
        raise ShapeError(f"split needs a last axis of size two; came shape {tuple(a.dims)}")
    return tuple(reshaped(a, lambda array, k=k: array[..., k]) for k in range(2))


def interleave(a, b) -> Block:
    """Return a0, b0, a1, b1, ... along the last axis."""
    pair = join(a, b)
    return pair if len(pair.dims) == 1 else reshape(pair, (*pair.dims[:-2], 2 * pair.dims[-2]))


def cat(input, other, can_reorder=False, dim=0) -> Block:
    """Return two blocks one after the other along an axis."""
    if len(input.dims) != len(other.dims) or input.dtype is not other.dtype:
        raise ShapeError(f"cat of {input.type} and {other.type}: ranks and types must agree")
    dim = axis_of(dim, len(input.dims))
    data = np.concatenate([input.data, other.data], dim)
    block_shape(data.shape)
    undefined = None
    if input.undefined is not None or other.undefined is not None:
        both = [np.zeros(x.dims, np.bool_) if x.undefined is None else x.undefined for x in (input, other)]
        undefined = np.concatenate(
            [np.broadcast_to(u, x.dims) for u, x in zip(both, (input, other), strict=True)], dim
        )
    return Dense(data, input.dtype, undefined)


def flip(x, dim=None) -> Block:
    """Return a block in reverse order along an axis (the last by default)."""
    dim = axis_of(-1 if dim is None else dim, len(x.dims))
    return reshaped(x, lambda array: np.flip(array, dim))


def transposed(self) -> Block:
    """Return a two-dimensional block with its axes exchanged."""
    return trans(self)
