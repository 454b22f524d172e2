"""Atomic operations: read, change and write one address as a single step."""

import numpy as np

from ..access import active_place, as_mask, check_bounds, filled, refuse_undefined, remember
from ..arithmetic import as_block
from ..block import Block
from ..dtypes import FLOATING, bfloat16, float16
from ..dtypes import cast as cast_array
from ..errors import ShapeError, TypeMismatch
from ..index import joint_dims
from ..meter import ATOMIC
from ..pointer import Pointer
from ..state import run
from .constants import plain

__all__ = (  # the part of tl that lives here
    "atomic_add", "atomic_and", "atomic_cas", "atomic_max", "atomic_min", "atomic_or",
    "atomic_xchg", "atomic_xor",
)  # fmt: skip

_ORDERS = {
    None: "acq_rel",
    "acquire": "acquire",
    "release": "release",
    "acq_rel": "acq_rel",
    "relaxed": "relaxed",
}


_LOCKS = 32  # an atomic on more lanes than this adds something up; it is no lock


class Fetched(Block):
    """What an atomic returned. A program that looks at it is ordered after the programs it came from."""

    __slots__ = ("_block", "_visible")

    def __init__(self, block: Block, visible: int):
        self._block, self._visible = block, visible

    @property
    def data(self):
        run.synced |= self._visible
        return self._block.data

    dtype = property(lambda self: self._block.dtype)
    dims = property(lambda self: self._block.dims)
    undefined = property(lambda self: self._block.undefined)


def update(place, buffer, values, act):
    """Do one atomic step at every lane of `place` and return what was there before."""
    if place.size == 0:
        return np.empty(place.dims, buffer.kind.numpy)
    check_bounds(buffer, place, "atomic")
    old = np.array(place.memory(buffer))
    buffer.shadow.reading(buffer, place, old, quiet=True)
    buffer.shadow.writing(buffer, place, old, atomic=True)
    for tiles, kind in ((buffer.read_tiles, "read"), (buffer.write_tiles, "write")):
        remember(buffer, place, tiles, kind)
    if run.meter is not None:
        run.meter.access(ATOMIC, buffer, place)
    if place.overlaps_itself():
        return _one_by_one(place, buffer, values, act, old)
    place.put(buffer, act(old, *values))
    return old


def _one_by_one(place, buffer, values, act, old):
    """Lanes may share an address: act in lane order."""
    flat, offsets = buffer.flat(), np.ravel(place.offsets())
    columns = [np.ravel(np.broadcast_to(v, old.shape)) for v in values]
    out = np.empty(offsets.size, old.dtype)
    for lane, offset in enumerate(offsets):
        out[lane] = flat[offset]
        flat[offset] = act(out[lane], *(column[lane] for column in columns))
    return out.reshape(old.shape)


def _atomic(name: str, pointer, values, mask, sem, act) -> Block:
    if not isinstance(pointer, Pointer):
        raise TypeMismatch(f"tl.{name} needs a pointer; came {pointer!r}")
    sem = plain(sem)
    if sem not in _ORDERS:
        raise TypeMismatch(f"sem: expected one of 'acquire', 'release', 'acq_rel', 'relaxed'; came {sem!r}")
    buffer, mask, dims = pointer.buffer, as_mask(mask), pointer.dims
    for other in (*values, *([] if mask is None else [mask])):
        if joint_dims(dims, other.dims) != dims:
            raise ShapeError(
                f"tl.{name}: pointers of shape {dims}, but another argument of shape {other.dims}"
            )
    place, selector = active_place(pointer, mask, dims)
    arrays = []
    for value in values:
        if value.undefined is not None:
            refuse_undefined(np.broadcast_to(value.undefined, dims), selector, f"tl.{name}: the value")
        data = np.broadcast_to(cast_array(value.data, value.dtype, buffer.kind), dims)
        data = data if selector is None else data[selector]
        arrays.append(data.reshape(place.dims))
    old = filled(update(place, buffer, arrays, act), place, selector, dims, buffer.kind, None)
    if not run.races or not 0 < place.size <= _LOCKS:
        return old
    visible = buffer.shadow.synchronise(buffer, place, _ORDERS[sem])
    return Fetched(old, visible) if visible else old


def _check_type(name: str, kind) -> None:
    halves = kind in (float16, bfloat16)
    if kind.bits < 16 or (kind.kind != FLOATING and kind.bits == 16) or (halves and name != "atomic_add"):
        raise TypeMismatch(f"tl.{name} does not support {kind}")


def _read_modify_write(name: str, act, *, floats: bool = True):
    def operate(pointer, val, mask=None, sem=None, scope=None):
        if isinstance(pointer, Pointer):
            _check_type(name, pointer.buffer.kind)
            if not floats and pointer.buffer.kind.kind == FLOATING:
                raise TypeMismatch(f"tl.{name} needs integers; came {pointer.buffer.kind}")
        return _atomic(name, pointer, (as_block(val),), mask, sem, act)

    operate.__name__ = name
    operate.__doc__ = f"Apply {name[7:]} to memory as one step, and return what was there before."
    return operate


def _sum(old, value):
    if run.find_nonfinite:
        from ..arithmetic import check_finite

        check_finite("atomic_add", np.asarray(old + value), old, value)
    return old + value


atomic_add = _read_modify_write("atomic_add", _sum)
atomic_max, atomic_min = (
    _read_modify_write("atomic_max", np.maximum),
    _read_modify_write("atomic_min", np.minimum),
)
atomic_and = _read_modify_write("atomic_and", np.bitwise_and, floats=False)
atomic_or = _read_modify_write("atomic_or", np.bitwise_or, floats=False)
atomic_xor = _read_modify_write("atomic_xor", np.bitwise_xor, floats=False)
atomic_xchg = _read_modify_write("atomic_xchg", lambda old, value: value)


def atomic_cas(pointer, cmp, val, sem=None, scope=None) -> Block:
    """Write `val` where memory holds `cmp`, as one step, and return what was there before."""
    if isinstance(pointer, Pointer) and pointer.buffer.kind.bits not in (16, 32, 64):
        raise TypeMismatch(f"tl.atomic_cas needs 16, 32 or 64 bits; came {pointer.buffer.kind}")
    return _atomic("atomic_cas", pointer, (as_block(cmp), as_block(val)), None, sem, _swap)


def _swap(old, expected, new):
    return np.where(old == expected, new, old).astype(old.dtype)
