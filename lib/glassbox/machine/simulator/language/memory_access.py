"""`load` and `store`."""

from .. import access
from ..access import write
from ..block import Block
from ..errors import TypeMismatch
from .constants import plain
from .descriptors import BlockPointer

__all__ = (  # the part of tl that lives here
    "load", "store",
)  # fmt: skip

_PADDING = {"": None, None: None, "zero": 0, "nan": float("nan")}


def load(
    pointer,
    mask=None,
    other=None,
    boundary_check=(),
    padding_option="",
    cache_modifier="",
    eviction_policy="",
    volatile=False,
) -> Block:
    """Return the values at the pointers.

    Lanes whose mask is false read nothing and hold `other`; without `other` they are undefined, and using
    them is an error here. Cache hints are accepted and ignored; volatile loads take no part in the race
    checks.
    """
    if isinstance(pointer, BlockPointer):
        if mask is not None or other is not None:
            raise TypeMismatch(
                "a block pointer takes boundary_check= and padding_option=, not mask= and other="
            )
        return pointer.read(pointer.offsets, _axes(boundary_check), _PADDING[plain(padding_option)])
    if boundary_check or padding_option:
        raise TypeMismatch(
            "boundary_check= and padding_option= belong to block pointers: use mask= and other="
        )
    return access.load(pointer, plain(mask), plain(other), volatile)


def store(pointer, value, mask=None, boundary_check=(), cache_modifier="", eviction_policy="") -> None:
    """Write values at the pointers where the mask is true, cast to the tensor's type."""
    if isinstance(pointer, BlockPointer):
        if mask is not None:
            raise TypeMismatch("a block pointer takes boundary_check=, not mask=")
        write(pointer.base.buffer, *pointer.value_at(value, pointer.offsets, _axes(boundary_check)))
        return
    access.store(pointer, value, plain(mask))


def _axes(boundary_check) -> tuple[int, ...]:
    checked = plain(boundary_check)
    return tuple(plain(axis) for axis in checked) if isinstance(checked, (tuple, list)) else (checked,)
