"""Loads and stores: where they go, whether they may, and what they move."""

import numpy as np

from .arithmetic import as_block
from .block import Block, Dense
from .box import Box
from .dtypes import cast, int1
from .errors import OutOfBounds, ShapeError, TypeMismatch, UndefinedLanes, WriteRace, in_lane
from .index import Index, joint_dims, scalar
from .meter import LOAD, STORE
from .place import Scatter, Tile
from .pointer import Pointer
from .shadow import MANY
from .state import run


def remember(buffer, place, tiles: dict, kind: str) -> None:
    """Note which elements an access touched, for unique traffic and for races."""
    if place.key is not None:
        if tiles.setdefault(place.key, run.me) != run.me:
            tiles[place.key] = MANY
        return
    name = f"{kind}_cells"
    if getattr(buffer, name) is None:
        setattr(buffer, name, np.zeros(buffer.span, np.bool_))
    place.set_cells(getattr(buffer, name), True)


def check_bounds(buffer, place, did: str) -> None:
    """Raise OutOfBounds if a lane of the access lies outside the tensor."""
    bad = buffer.outside(place)
    if bad is None or not bad.any():
        return
    lane, offset = place.lane(tuple(int(i) for i in np.argwhere(bad)[0]))
    shape, strides = tuple(buffer.tensor.shape), tuple(buffer.tensor.stride())
    where = f"{offset} elements after its start" if offset >= 0 else f"{-offset} elements before its start"
    index = buffer.index(offset)
    what = (
        f"{buffer.name}: {did} outside the tensor in {int(np.count_nonzero(bad))} of {place.size} active "
        f"lanes. The first{in_lane(lane)} is {where}: index {index} of shape {shape} with strides {strides}"
    )
    raise OutOfBounds(what, argument=buffer.name, index=index)


def read(buffer, place, inside: bool = False, quiet: bool = False):
    """Check and count one read; return the elements (a view of memory for a tile).

    `inside` says that the bounds are known to hold.
    """
    if not inside:
        if place.size == 0:
            return np.empty(place.dims, buffer.kind.numpy)
        check_bounds(buffer, place, "load")
    values = place.memory(buffer)
    shadow = buffer.shadow
    if shadow.written is not None or shadow.writer is not None or type(place) is Scatter:
        shadow.reading(buffer, place, values, quiet=quiet)
    remember(buffer, place, buffer.read_tiles, "read")
    if run.meter is not None:
        run.meter.access(LOAD, buffer, place)
    return values


def write(buffer, place, values) -> None:
    """Check and count one write, then do it."""
    if place.size == 0:
        return
    check_bounds(buffer, place, "store")
    buffer.shadow.writing(buffer, place, values)
    remember(buffer, place, buffer.write_tiles, "write")
    if run.meter is not None:
        run.meter.access(STORE, buffer, place)
    place.put(buffer, values)
    if run.races and place.overlaps_itself():
        _check_lanes_agree(buffer, place, values)


def _check_lanes_agree(buffer, place, values) -> None:
    now = np.ascontiguousarray(place.memory(buffer))
    wanted = np.ascontiguousarray(np.broadcast_to(values, now.shape))
    bad = now.view(f"u{buffer.itemsize}") != wanted.view(f"u{buffer.itemsize}")
    if bad.any():
        lane, offset = place.lane(tuple(int(i) for i in np.argwhere(bad)[0]))
        index = buffer.index(offset)
        what = f"{buffer.name}: lanes of one store put different values at element {index}{in_lane(lane)}"
        raise WriteRace(what, argument=buffer.name, index=index)


def active_place(pointer: Pointer, mask, dims: tuple):
    """Return the place of the lanes whose mask is true, and a selector for them in the block.

    The selector is None (all lanes), a tuple of slices (a rectangle) or a bool array.
    """
    offset = pointer.offset
    if type(mask) is Dense:
        if mask.data.all():
            mask = None
        elif not mask.dims:
            nobody = np.zeros(dims, np.bool_)
            return Scatter(np.zeros(0, np.int64), nobody, dims), nobody
    if type(offset) is Index and (mask is None or type(mask) is Box):
        full = offset if offset.dims == dims else offset.broadcast(dims)
        if mask is None:
            return Tile(full.base, dims, full.steps, (0,) * len(dims)), None
        ranges = mask.ranges if mask.dims == dims else mask.broadcast(dims).ranges
        corner = tuple([low for low, _ in ranges])
        size = tuple([high - low for low, high in ranges])
        base = full.base + sum([low * step for low, step in zip(corner, full.steps, strict=True)])
        selector = None if size == dims else tuple([slice(low, high) for low, high in ranges])
        return Tile(base, size, full.steps, corner), selector
    offsets = np.broadcast_to(offset.data, dims)
    active = None if mask is None else np.broadcast_to(mask.data, dims)
    if offset.undefined is not None:
        refuse_undefined(np.broadcast_to(offset.undefined, dims), active, "the address")
    return Scatter(offsets.ravel() if active is None else offsets[active], active, dims), active


def _block_shape(pointer: Pointer, mask, what: str) -> tuple:
    if mask is None:
        return pointer.dims
    dims = pointer.dims
    if mask.dims and not dims:
        raise ShapeError(f"{what}: the mask is a block of shape {mask.dims}, but the pointer is a scalar")
    return dims if dims == mask.dims else joint_dims(dims, mask.dims)


def as_mask(mask):
    """Return the mask= argument as a block of int1, or None."""
    if mask is None or type(mask) is Box or mask is True:
        return None if mask is True else mask
    mask = as_block(mask)
    if mask.dtype is not int1:
        raise TypeMismatch(f"mask= needs true-or-false lanes (int1); came {mask.dtype}")
    if mask.undefined is not None:
        refuse_undefined(np.broadcast_to(mask.undefined, mask.dims), None, "the mask")
    return mask


def load(pointer, mask, other, quiet: bool) -> Block:
    """Return the block that `tl.load` returns."""
    if not isinstance(pointer, Pointer):
        raise TypeMismatch(f"tl.load needs a pointer; came {pointer!r}")
    if mask is None and other is not None:
        raise TypeMismatch("other= has no meaning without mask=")
    mask = as_mask(mask)
    buffer, offset, dims = pointer.buffer, pointer.offset, _block_shape(pointer, mask, "tl.load")
    if (mask is None or (type(mask) is Box and mask.full)) and type(offset) is Index and dims == offset.dims:
        place = Tile(offset.base, dims, offset.steps, (0,) * len(dims))
        inside = offset.low >= 0 and offset.high < buffer.span and buffer.holes is None
        return scalar_or_block(read(buffer, place, inside, quiet).copy(), buffer.kind, None)
    place, selector = active_place(pointer, mask, dims)
    return filled(read(buffer, place, False, quiet), place, selector, dims, buffer.kind, other)


def filled(found, place, selector, dims, kind, other):
    """Return the loaded elements as a block, with `other` (or nothing defined) in the inactive lanes."""
    if selector is None:
        data = found.reshape(dims)
        return scalar_or_block(data.copy() if found.base is not None else data, kind, None)
    if other is None:
        data, undefined = np.zeros(dims, kind.numpy), np.ones(dims, np.bool_) if run.undefined else None
        if undefined is not None:
            undefined[selector] = False
            undefined = undefined if undefined.any() else None
    else:
        other = as_block(other)
        joint_dims(other.dims, dims)
        data, undefined = np.empty(dims, kind.numpy), None
        data[...] = cast(other.data, other.dtype, kind)
        if other.undefined is not None:
            undefined = np.array(np.broadcast_to(other.undefined, dims))
            undefined[selector] = False
    data[selector] = found
    return scalar_or_block(data, kind, undefined)


def scalar_or_block(data, kind, undefined):
    """Return loaded data as a block; an integer scalar becomes one that index arithmetic can use."""
    if data.ndim == 0 and kind.is_int() and kind is not int1 and undefined is None:
        return scalar(int(data), kind)
    return Dense(data if data.ndim else data[()], kind, undefined)


def store(pointer, value, mask) -> None:
    """Do what `tl.store` does."""
    if not isinstance(pointer, Pointer):
        raise TypeMismatch(f"tl.store needs a pointer; came {pointer!r}")
    value, mask = as_block(value), as_mask(mask)
    dims = _block_shape(pointer, mask, "tl.store")
    if joint_dims(dims, value.dims) != pointer.dims:
        raise ShapeError(
            f"tl.store: pointers of shape {pointer.dims}, values of shape {value.dims}"
            + (f", a mask of shape {mask.dims}" if mask is not None else "")
        )
    place, selector = active_place(pointer, mask, dims)
    kind = pointer.buffer.kind
    data = np.broadcast_to(cast(value.data, value.dtype, kind), dims)
    if value.undefined is not None:
        refuse_undefined(np.broadcast_to(value.undefined, dims), selector, "tl.store: the stored value")
    chosen = data if selector is None else data[selector]
    write(pointer.buffer, place, chosen.ravel() if isinstance(place, Scatter) else chosen)


def refuse_undefined(undefined, selector, what: str) -> None:
    """Raise UndefinedLanes if an active lane is undefined."""
    bad = undefined if selector is None else undefined[selector]
    if bad.any():
        lane = tuple(int(i) for i in np.argwhere(bad)[0])
        raise UndefinedLanes(
            f"{what} has {int(bad.sum())} undefined lane(s), the first at {lane}", index=lane
        )
