"""Functions that act on every lane by itself."""

import builtins
import operator

import numpy as np
import torch

from ..arithmetic import NUMBERS, as_block, check_finite, fit, lanes_undefined, operands
from ..block import Block, Dense
from ..box import Box
from ..dtypes import FLOATING, float32, float64, int1, integer_of, promote, promote_number
from ..errors import TypeMismatch, UnsupportedOperation
from ..index import Index, joint_dims, scalar
from ..pointer import Pointer
from ..state import run
from .constants import plain
from .creation import cast, widened
from .reductions import max as block_max
from .reductions import sum as block_sum

__all__ = (  # the part of tl that lives here
    "PropagateNan", "abs", "add", "cdiv", "ceil", "clamp", "cos", "div_rn", "erf", "exp", "exp2",
    "fdiv", "floor", "fma", "log", "log2", "maximum", "minimum", "mul", "rsqrt", "sigmoid", "sin",
    "softmax", "sqrt", "sqrt_rn", "sub", "swizzle2d", "umulhi", "where",
)  # fmt: skip


class PropagateNan:
    """What a maximum or minimum makes of a NaN: NONE takes the number, ALL keeps the NaN."""

    NONE, ALL = 0, 0xFFFF


def _by_torch(function):
    """Return a function on arrays that PyTorch computes faster than NumPy."""

    def compute(array):
        if not array.shape:
            return function(torch.tensor(array.item(), dtype=getattr(torch, array.dtype.name))).numpy()[()]
        return function(torch.from_numpy(np.require(array, requirements=["C", "W"]))).numpy()

    return compute


def _unary(name: str, compute, cost: str = "special", kinds=(float32, float64)):
    def operate(x):
        x = as_block(x)
        if x.dtype not in kinds:
            names = " or ".join(str(kind) for kind in kinds)
            raise TypeMismatch(f"tl.{name} needs {names}; came {x.dtype}: use .to(tl.float32) first")
        data = compute(x.data)
        if cost == "special":
            run.special += data.size
        else:
            run.elementwise += data.size
        if run.find_nonfinite:
            check_finite(name, data, x.data)
        return Dense(data, x.dtype, x.undefined)

    operate.__name__ = name
    operate.__doc__ = f"Return {name} of every lane."
    return operate


exp, exp2 = _unary("exp", np.exp), _unary("exp2", _by_torch(torch.exp2))
log, log2 = _unary("log", np.log), _unary("log2", np.log2)
sin, cos = _unary("sin", np.sin), _unary("cos", np.cos)
sqrt, rsqrt = _unary("sqrt", np.sqrt), _unary("rsqrt", lambda x: 1 / np.sqrt(x))
sqrt_rn = _unary("sqrt_rn", np.sqrt, kinds=(float32,))
erf = _unary("erf", _by_torch(torch.erf))
floor, ceil = _unary("floor", np.floor, "plain"), _unary("ceil", np.ceil, "plain")


def abs(x) -> Block:
    """Return the absolute value of every lane."""
    x = as_block(x)
    if x.dtype.is_floating():
        run.elementwise += x.data.size
    return x if x.dtype.is_int_unsigned() else Dense(np.abs(x.data), x.dtype, x.undefined)


def _extreme(name, ufunc, propagating):
    def operate(x, y, propagate_nan=PropagateNan.NONE):
        x, y = widened(as_block(x)), widened(as_block(y))
        if type(x) is Index and type(y) is Index and not x.dims and not y.dims:
            pick = builtins.min if name == "minimum" else builtins.max
            return scalar(pick(x.base, y.base), promote(x.dtype, y.dtype))
        a, b, kind, undefined = operands(x, y)
        keep_nan = getattr(plain(propagate_nan), "name", plain(propagate_nan)) in ("ALL", PropagateNan.ALL)
        data = fit(a, b, propagating if keep_nan else ufunc)
        if kind.kind == FLOATING:
            run.elementwise += data.size
        return Dense(data, kind, undefined)

    operate.__name__ = name
    operate.__doc__ = (
        f"Return the {name} of two blocks lane by lane; a NaN loses unless propagate_nan says otherwise."
    )
    return operate


minimum = _extreme("minimum", np.fmin, np.minimum)
maximum = _extreme("maximum", np.fmax, np.maximum)


def clamp(x, min, max, propagate_nan=PropagateNan.NONE) -> Block:
    """Return x limited to [min, max]; floating point only."""
    low, high, block = (widened(as_block(v)) for v in (min, max, x))
    if not block.dtype.is_floating():
        raise TypeMismatch(f"tl.clamp needs floating point; came {block.dtype}")
    return minimum(maximum(block, low, propagate_nan), high, propagate_nan)


def where(condition, x, y) -> Block:
    """Return x where the condition is true and y elsewhere; both are computed."""
    condition, x, y = as_block(condition), plain(x), plain(y)
    if type(condition) is Box and condition.full and _is_all(condition.dims, x, y):
        return x
    if condition.dtype is not int1:
        condition = cast(condition, int1)
    if isinstance(x, Pointer) or isinstance(y, Pointer):
        return _where_pointers(condition, x, y)
    a, b, kind, _ = operands(x, y)
    dims = joint_dims(condition.dims, joint_dims(a.shape, b.shape))
    data = np.where(condition.data, a, b)
    undefined = condition.undefined
    for value, chosen in ((x, condition.data), (y, ~condition.data)):
        if isinstance(value, Block) and value.undefined is not None:
            undefined = lanes_undefined(undefined, value.undefined & chosen)
    return Dense(data if dims else data[()], kind, undefined)


def _is_all(dims: tuple, x, y) -> bool:
    """True if choosing x in every lane of a condition of shape `dims` gives x itself."""
    if not isinstance(x, Dense) or type(y) not in NUMBERS:
        return False
    return joint_dims(dims, x.dims) == x.dims and promote_number(x.dtype, y) is x.dtype


def _where_pointers(condition, x, y):
    if not (isinstance(x, Pointer) and isinstance(y, Pointer) and x.buffer is y.buffer):
        raise UnsupportedOperation("tl.where of pointers needs two pointers into the same tensor")
    return Pointer(x.buffer, where(condition, x.offset, y.offset))


def fma(x, y, z) -> Block:
    """Return x·y + z."""
    return as_block(x) * as_block(y) + as_block(z)


def fdiv(x, y, ieee_rounding=False) -> Block:
    """Return x / y of floating-point blocks of one type."""
    x, y = as_block(x), as_block(y)
    if not (x.dtype.is_floating() and x.dtype is y.dtype):
        raise TypeMismatch(
            f"tl.fdiv needs two floating-point blocks of one type; came {x.dtype} and {y.dtype}"
        )
    return cast(x / y, x.dtype)


def div_rn(x, y) -> Block:
    """Return x / y in fp32, rounded to nearest even."""
    return fdiv(x, y)


def umulhi(x, y) -> Block:
    """Return the upper half of the product of two 32- or 64-bit integers, taken as unsigned."""
    a, b, kind, undefined = operands(as_block(x), as_block(y))
    if kind.bits not in (32, 64) or kind.is_floating():
        raise TypeMismatch(f"tl.umulhi needs 32- or 64-bit integers; came {kind}")
    unsigned = integer_of(kind.bits, False).numpy
    return Dense(_high_half(a.astype(unsigned), b.astype(unsigned)).astype(kind.numpy), kind, undefined)


def _high_half(a, b):
    if a.dtype == np.uint32:
        return ((a.astype(np.uint64) * b.astype(np.uint64)) >> np.uint64(32)).astype(np.uint32)
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> half, a & low, b >> half, b & low
    middle = a1 * b0 + ((a0 * b0) >> half)
    return a1 * b1 + (middle >> half) + ((a0 * b1 + (middle & low)) >> half)


def sigmoid(x) -> Block:
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + exp(-as_block(x)))


def softmax(x, dim=None, keep_dims=False, ieee_rounding=False) -> Block:
    """Return exp(x - max) / sum, along the first axis unless `dim` says otherwise.

    As in Triton, a reduced axis is dropped unless keep_dims: for two axes pass keep_dims=True or dim=0.
    """
    axis = 0 if plain(dim) is None else dim
    numerator = exp(as_block(x) - block_max(x, axis, keep_dims=keep_dims))
    return fdiv(numerator, block_sum(numerator, axis, keep_dims=keep_dims), ieee_rounding)


def cdiv(x, div) -> Block:
    """Return ⌈x / div⌉ for positive integers."""
    x, div = plain(x), plain(div)
    if isinstance(x, Block) or isinstance(div, Block):
        return (x + (div - 1)) // div
    return -(-x // div)


def _operator(act, x, y):
    x, y = plain(x), plain(y)
    return act(x, y) if isinstance(x, Block) or isinstance(y, Block) else act(as_block(x), y)


def add(x, y, sanitize_overflow=True) -> Block:
    """Return x + y."""
    return _operator(operator.add, x, y)


def sub(x, y, sanitize_overflow=True) -> Block:
    """Return x - y."""
    return _operator(operator.sub, x, y)


def mul(x, y, sanitize_overflow=True) -> Block:
    """Return x · y."""
    return _operator(operator.mul, x, y)


def swizzle2d(i, j, size_i, size_j, size_g):
    """Return program indices regrouped so that `size_g` rows are walked column by column."""
    ij, group = i * size_j + j, size_g * size_j
    first = (ij // group) * size_g
    rows = minimum(size_i - first, size_g)
    ij = ij % group
    return first + ij % rows, ij // rows
