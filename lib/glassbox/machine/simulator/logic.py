"""Comparisons, masks and bit operations."""

import numpy as np

from .arithmetic import NUMBERS, as_block, attach, fit, operands
from .block import Block, Dense, constant
from .box import Box, both, compare
from .dtypes import FLOATING, int1, promote, promote_number
from .errors import TypeMismatch
from .index import Index, fitted, joint_dims, scalar


def _comparison(relation: str, ufunc):
    def operate(a, b):
        if type(b) in NUMBERS:  # a literal becomes an int32 or fp32 value before it is compared
            b = constant(b)
        if type(a) is Index and type(b) is Index and a.dtype.signed == b.dtype.signed:
            out = compare(a, b, relation)
            if out is not None:
                return out
        got = operands(a, b)
        if got is None:
            return NotImplemented
        return Dense(fit(got[0], got[1], ufunc), int1, got[3])

    return operate


def _bitwise(name: str, ufunc, of_integers):
    def operate(a, b):
        if type(a) is Index and type(b) is Index and not a.dims and not b.dims:
            return fitted(scalar(of_integers(a.base, b.base), promote(a.dtype, b.dtype)))
        got = operands(a, b)
        if got is None:
            return NotImplemented
        x, y, kind, undefined = got
        if kind.kind == FLOATING:
            raise TypeMismatch(f"{name} needs integers or masks; came {kind}")
        if undefined is not None and kind is int1 and name in "&|":
            undefined = _still_undefined(a, b, x, y, name == "|")
        return Dense(fit(x, y, ufunc), kind, undefined)

    return operate


def _still_undefined(a: Block, b: Block, x, y, deciding: bool):
    """Return where a & b (or a | b) is undefined: not where one side alone decides."""
    p, q = (False if one.undefined is None else one.undefined for one in (a, b))
    decided = (~np.bool_(p) & (x == deciding)) | (~np.bool_(q) & (y == deciding))
    undefined = (p | q) & ~decided
    return undefined if undefined.any() else None


def _check_shift(by: int, bits: int) -> None:
    if not 0 <= by < bits:
        raise TypeMismatch(f"a shift by {by} of a {bits}-bit value is undefined")


def _shift(ufunc, of_integers):
    operate = _bitwise("a shift", ufunc, of_integers)

    def checked(a, b):
        if type(b) is int and isinstance(a, Block) and a.dtype.kind != FLOATING:
            _check_shift(b, promote_number(a.dtype, b).bits)
        return operate(a, b)

    return checked


_and = _bitwise("&", np.bitwise_and, lambda a, b: a & b)


def bitwise_and(a, b):
    """Return a & b; two rectangular masks stay a rectangle."""
    if type(a) is Box and type(b) is Box:
        return both(a, b)
    for one, other in ((a, b), (b, a)):
        whole = type(one) is Box and one.full and type(other) is Dense and other.dtype is int1
        if whole and joint_dims(one.dims, other.dims) == other.dims:
            return other
    return _and(a, b)


def invert(a):
    """Return ~a of integers or masks."""
    if a.dtype.is_floating():
        raise TypeMismatch(f"~ needs integers or masks; came {a.dtype}")
    return Dense(np.invert(a.data), a.dtype, a.undefined)


def _truth(value) -> Block:
    block = as_block(value)
    return block if block.dtype is int1 else not_equal(block, 0)


equal, not_equal = _comparison("==", np.equal), _comparison("!=", np.not_equal)
bitwise_or = _bitwise("|", np.bitwise_or, lambda a, b: a | b)
Block.__lt__, Block.__le__ = _comparison("<", np.less), _comparison("<=", np.less_equal)
Block.__gt__, Block.__ge__ = _comparison(">", np.greater), _comparison(">=", np.greater_equal)
Block.__eq__, Block.__ne__, Block.__invert__ = equal, not_equal, invert
Block.logical_and = lambda self, other: bitwise_and(_truth(self), _truth(other))
Block.logical_or = lambda self, other: bitwise_or(_truth(self), _truth(other))
attach({"and": bitwise_and, "or": bitwise_or, "xor": _bitwise("^", np.bitwise_xor, lambda a, b: a ^ b)})
attach(
    {
        "lshift": _shift(np.left_shift, lambda a, b: a << b),
        "rshift": _shift(np.right_shift, lambda a, b: a >> b),
    }
)
