"""The values a kernel computes with: blocks of numbers, held in NumPy arrays."""

import numpy as np

from .dtypes import block_type, dtype, int1, of_number
from .errors import BlockCondition, ShapeError, UndefinedLanes, UnsupportedOperation
from .state import run


class Shape(tuple):
    """A block's shape; as in a kernel, a list can be added to it."""

    def __add__(self, other):
        return Shape((*self, *other))

    def __radd__(self, other):
        return Shape((*other, *self))

    def __getitem__(self, item):
        got = tuple.__getitem__(self, item)
        return Shape(got) if isinstance(item, slice) else got


class Block:
    """A block of numbers with an element type; a scalar is a block without axes.

    Three kinds share this interface: `Dense` holds an array, `Index` an arithmetic progression, `Box` a mask
    that is a rectangle. The last two cost nothing until somebody needs their `data`. Operators are attached
    by `arithmetic` and `logic`, the functions that are also methods (`x.to`, `x.sum`, ...) by `language`.
    """

    __slots__ = ()
    undefined = None  # where a masked load left lanes undefined: a bool array that broadcasts to `dims`

    @property
    def shape(self) -> Shape:
        return Shape(self.dims)

    @property
    def numel(self) -> int:
        return int(np.prod(self.dims, dtype=np.int64))

    @property
    def type(self):
        return block_type(self.dtype, self.dims) if self.dims else self.dtype

    def _only(self, why: str):
        if self.numel != 1:
            raise BlockCondition(
                f"{why} on a block of shape {tuple(self.dims)}, which holds {self.numel} values"
            )
        if self.undefined is not None and np.any(self.undefined):
            raise UndefinedLanes(f"{why} on a value that a masked load left undefined")
        return self.data.reshape(()) if self.dims else self.data

    def __bool__(self) -> bool:
        return bool(self._only("a true-or-false decision"))

    def __index__(self) -> int:
        if self.dtype.is_floating():
            raise TypeError(f"a {self.dtype} value cannot be an integer: use .to(tl.int32)")
        return int(self._only("an integer was needed"))

    def __float__(self) -> float:
        return float(self._only("one number was needed"))

    def __iter__(self):
        raise UnsupportedOperation("a block cannot be iterated over: a program works on all lanes at once")

    def __setitem__(self, key, value):
        raise UnsupportedOperation("a block's elements cannot be assigned: use tl.where(mask, new, old)")

    def __getitem__(self, key):
        key = new_axes(self, key)
        if self.undefined is not None:
            return reshaped(self, lambda array: array[key])
        return view(self, self.data[key])

    def __repr__(self) -> str:
        return f"{self.type}\n{self.data}" if self.dims else f"{self.dtype}({self.data})"

    __hash__ = None


class Dense(Block):
    """A block whose values are in an array. While it lives, its bytes count as on-chip memory."""

    __slots__ = ("account", "data", "dtype", "keep", "nbytes", "undefined")

    def __init__(self, data, kind: dtype, undefined=None):
        self.data, self.dtype, self.undefined = data, kind, undefined
        self.nbytes = size = data.nbytes if data.ndim and kind is not int1 else 0
        account = self.account = run.account
        account.live = live = account.live + size
        if live > account.peak:
            account.peak = live

    def __del__(self):
        if self.nbytes:
            self.account.live -= self.nbytes

    @property
    def dims(self):
        return self.data.shape


def view(block: Block, data, undefined=None) -> Dense:
    """Return the same values under another shape: no new memory; `block` lives as long as the view."""
    out = Dense.__new__(Dense)
    out.data, out.dtype, out.keep, out.nbytes, out.undefined = data, block.dtype, block, 0, undefined
    return out


def uncounted(data, kind: dtype, undefined=None) -> Dense:
    """Return a block whose bytes are nobody's on-chip memory: an address."""
    out = Dense.__new__(Dense)
    out.data, out.dtype, out.keep, out.nbytes, out.undefined = data, kind, None, 0, undefined
    return out


def reshaped(block: Block, change) -> Dense:
    """Apply `change`, which moves lanes but does not compute, to a block's values and undefined lanes."""
    undefined = block.undefined
    if undefined is not None:
        undefined = change(np.broadcast_to(undefined, block.dims))
    return view(block, change(block.data), undefined)


def new_axes(block, key) -> tuple:
    """Return the index in `block[:, None]` and the like, the only indexing that Triton has, as a tuple."""
    key = key if type(key) is tuple else (key,)
    kept = 0
    for k in key:
        if k is not None:
            if type(k) is not slice or k.start is not None or k.stop is not None or k.step is not None:
                raise UnsupportedOperation(
                    f"a block can be indexed with ':' and None only, not {k!r}",
                    look="tl.sum(tl.where(index == i, x, 0)) for one element, tl.gather for many",
                )
            kept += 1
    if kept > len(block.dims):
        raise ShapeError(f"too many ':' for a block of shape {tuple(block.dims)}")
    return key


def constant(number) -> Block:
    """Return a Python number as the scalar that Triton makes of it."""
    from .index import scalar

    kind = of_number(type(number), number)
    return scalar(number, kind) if type(number) is int else Dense(kind.numpy.type(number), kind)
