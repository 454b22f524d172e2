"""Values known before a kernel runs: `constexpr`, literals, shapes."""

import operator
from functools import lru_cache
from math import prod

from ..errors import ShapeError
from ..index import Index

__all__ = (  # the part of tl that lives here
    "TRITON_MAX_TENSOR_NUMEL", "constexpr",
)  # fmt: skip

TRITON_MAX_TENSOR_NUMEL = 1048576


class constexpr:
    """A value fixed when a kernel is compiled: an annotation, or a module-level constant used in kernels."""

    def __init__(self, value):
        while is_constexpr(value):
            value = value.value
        self.value = value

    def __repr__(self) -> str:
        return f"constexpr[{self.value}]"

    def __hash__(self):
        return hash(self.value)

    def __bool__(self):
        return bool(self.value)

    def __index__(self):
        return operator.index(self.value)

    def __iter__(self):
        return iter(self.value)

    def __getitem__(self, key):
        return self.value[key]

    def __call__(self, *args, **kwargs):
        return self.value(*args, **kwargs)


def _binary(act):
    return lambda self, other: constexpr(act(self.value, plain(other)))


def _unary(act):
    return lambda self: constexpr(act(self.value))


def _reflected(act):
    return lambda self, other: constexpr(act(plain(other), self.value))


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):
    _act = getattr(operator, f"__{_name}__")
    setattr(constexpr, f"__{_name}__", _binary(_act))
    setattr(constexpr, f"__r{_name}__", _reflected(_act))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(constexpr, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("neg", "pos", "invert"):
    setattr(constexpr, f"__{_name}__", _unary(getattr(operator, _name)))


def plain(value):
    """Return what a constexpr holds; anything else unchanged."""
    while type(value) is constexpr:
        value = value.value
    return value


def whole(value, what: str) -> int:
    """Return a compile-time integer; a value that is known only while the kernel runs is refused."""
    if type(value) is int:
        return value
    value = plain(value)
    if isinstance(value, Index):
        raise ShapeError(
            f"{what} must be a compile-time constant; came the value {value!r}",
            look="annotate the kernel's parameter, or the variable it was assigned to, with tl.constexpr",
        )
    if isinstance(value, bool) or not isinstance(value, int):
        raise ShapeError(f"{what} must be an integer; came {value!r}")
    return value


def axis_of(axis, rank: int) -> int:
    """Return an axis counted from the front."""
    axis = axis if type(axis) is int else whole(axis, "the axis")
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} of a block with {rank} axes")
    return axis % rank


def block_shape(shape) -> tuple[int, ...]:
    """Return a block's shape; every size must be a power of two, as the compiler demands."""
    shape = plain(shape)
    if isinstance(shape, (int, Index)):
        shape = (shape,)
    return _checked_sizes(
        tuple([size if type(size) is int else whole(size, "a block's size") for size in shape])
    )


@lru_cache(1024)
def _checked_sizes(sizes: tuple) -> tuple[int, ...]:
    for size in sizes:
        if size < 1 or size & (size - 1):
            raise ShapeError(
                f"a block of shape {sizes}: {size} is not a power of two",
                look="triton.next_power_of_2(n) for the block size, and a mask for the lanes beyond n",
            )
    if prod(sizes) > TRITON_MAX_TENSOR_NUMEL:
        raise ShapeError(f"a block of shape {sizes} has more than {TRITON_MAX_TENSOR_NUMEL} elements")
    return sizes


def spread(shape: tuple):
    """Return a shape that was passed as one tuple or as separate arguments."""
    shape = tuple(plain(one) for one in shape)
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape


def is_constexpr(value) -> bool:
    """True for our constexpr and for Triton's."""
    return type(value).__name__ == "constexpr"
