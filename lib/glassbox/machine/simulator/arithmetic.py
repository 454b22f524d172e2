"""Operators on blocks: +, -, *, /, //, %, with Triton's types and rounding."""

import numpy as np

from .block import Block, Dense, constant
from .dtypes import BOOLEAN, FLOATING, cast, dtype, float32, int1, promote, promote_number
from .errors import NonFinite, TypeMismatch
from .index import joint_dims
from .state import run

NUMBERS = frozenset((int, float, bool))


def as_block(value) -> Block:
    """Return a Python number or constexpr as a scalar block; blocks pass through."""
    if isinstance(value, Block):
        return value
    value = getattr(value, "value", value)
    if type(value) not in NUMBERS:
        raise TypeMismatch(f"expected a block or a number; came {value!r} ({type(value).__name__})")
    return constant(value)


def lanes_undefined(a, b):
    """Return where a result computed from lanes undefined as in `a` and `b` is undefined, or None."""
    if a is None or b is None:
        return a if b is None else b
    return np.logical_or(a, b)


def _literal(block: Block, number, kind: dtype):
    if kind.kind != FLOATING and not kind.min <= number <= kind.max:
        raise TypeMismatch(f"the literal {number} does not fit {block.dtype}: cast the block first")
    return kind.numpy.type(number)


def operands(a, b, division: bool = False):
    """Return the arrays of two operands in their common type, that type, and the undefined lanes.

    None if one of them is neither a block nor a number.
    """
    if not isinstance(a, Block):
        a = getattr(a, "value", a)
    if not isinstance(b, Block):
        b = getattr(b, "value", b)
    if type(b) in NUMBERS:
        if type(a) in NUMBERS:
            a = constant(a)
        elif not isinstance(a, Block):
            return None
        kind = promote_number(a.dtype, b, division)
        return cast(a.data, a.dtype, kind), _literal(a, b, kind), kind, a.undefined
    if type(a) in NUMBERS:
        if not isinstance(b, Block):
            return None
        kind = promote_number(b.dtype, a, division)
        return _literal(b, a, kind), cast(b.data, b.dtype, kind), kind, b.undefined
    if not (isinstance(a, Block) and isinstance(b, Block)):
        return None
    kind = a.dtype if a.dtype is b.dtype and not division else promote(a.dtype, b.dtype, division)
    undefined = lanes_undefined(a.undefined, b.undefined)
    return cast(a.data, a.dtype, kind), cast(b.data, b.dtype, kind), kind, undefined


def check_finite(name: str, data, *inputs) -> None:
    """Raise NonFinite if `data` holds a NaN or an infinity in a lane whose inputs were all ordinary."""
    if np.isfinite(data).all():
        return
    nan_in = inf_in = False
    for one in inputs:
        nan_in, inf_in = nan_in | np.isnan(one), inf_in | ~np.isfinite(one)
    fresh = (np.isnan(data) & ~np.bool_(nan_in)) | (np.isinf(data) & ~np.bool_(inf_in))
    fresh = np.broadcast_to(fresh, data.shape)
    if fresh.any():
        lane = tuple(int(i) for i in np.argwhere(fresh)[0])
        shown = ", ".join(str(np.broadcast_to(one, data.shape)[lane]) for one in inputs)
        what = (
            f"`{name}` of {shown} gave {data[lane]} in lane {lane}; {int(fresh.sum())} lane(s) are affected"
        )
        raise NonFinite(what, index=lane)


def fit(a, b, ufunc):
    """Apply `ufunc`, and turn NumPy's complaint about shapes into ours."""
    try:
        return ufunc(a, b)
    except ValueError:
        joint_dims(a.shape, b.shape)
        raise


def _elementary(name: str, ufunc):
    """Return the operator `name` on any two blocks or numbers."""

    def operate(a, b):
        if type(a) is Dense and type(b) is Dense and a.dtype is b.dtype:
            x, y, kind, undefined = a.data, b.data, a.dtype, a.undefined
            if b.undefined is not None:
                undefined = lanes_undefined(undefined, b.undefined)
        else:
            got = operands(a, b)
            if got is None:
                return NotImplemented
            x, y, kind, undefined = got
        if kind.kind == BOOLEAN:
            return of_booleans(name, x, y, undefined)
        data = fit(x, y, ufunc)
        if kind.kind == FLOATING:
            run.elementwise += data.size
            if run.find_nonfinite:
                check_finite(name, data, x, y)
        return Dense(data, kind, undefined)

    return operate


def of_booleans(name: str, x, y, undefined) -> Dense:
    """One-bit arithmetic: + and - are exclusive or, * is and."""
    return Dense(fit(x, y, np.logical_and if name == "*" else np.logical_xor), int1, undefined)


add, subtract, multiply = (_elementary(*p) for p in (("+", np.add), ("-", np.subtract), ("*", np.multiply)))


def _quotient(name: str, ufunc, x, y, kind, undefined) -> Dense:
    data = fit(x, y, ufunc)
    if kind.kind == FLOATING:
        run.special += data.size
        if run.find_nonfinite:
            check_finite(name, data, x, y)
    return Dense(data, kind, undefined)


def true_divide(a, b):
    """Return a / b: integers and halves divide in fp32."""
    got = operands(a, b, True)
    if got is None:
        return NotImplemented
    x, y, kind, undefined = got
    if kind.kind != FLOATING:
        x, y, kind = x.astype(np.float32), y.astype(np.float32), float32
    return _quotient("/", np.divide, x, y, kind, undefined)


def floor_divide(a, b):
    """Return a // b of integers, truncated toward zero as in C."""
    got = operands(a, b, True)
    if got is None:
        return NotImplemented
    x, y, kind, undefined = got
    if kind.kind == FLOATING:
        raise TypeMismatch(f"// needs integers; came {kind}: use / and tl.floor")
    return Dense(fit(x, y, lambda m, n: (m - np.fmod(m, n)) // n), kind, undefined)


def remainder(a, b):
    """Return a % b with the sign of `a`, as in C."""
    got = operands(a, b, True)
    return NotImplemented if got is None else _quotient("%", np.fmod, *got)


def negative(a):
    """Return 0 - a."""
    return of_booleans("-", np.False_, a.data, a.undefined) if a.dtype is int1 else subtract(0, a)


def reflected(operate):
    """Return the operator for `other ? self`."""
    return lambda self, other: operate(other, self)


def attach(operations: dict) -> None:
    """Make functions Block's operators."""
    for name, operate in operations.items():
        setattr(Block, f"__{name}__", operate)
        setattr(Block, f"__r{name}__", reflected(operate))


attach({"add": add, "sub": subtract, "mul": multiply, "mod": remainder})
attach({"truediv": true_divide, "floordiv": floor_divide})
Block.__neg__, Block.__pos__ = negative, lambda self: self
