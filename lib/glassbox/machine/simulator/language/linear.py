"""Matrix products."""

from functools import lru_cache

import numpy as np

from ..arithmetic import lanes_undefined
from ..block import Block, Dense
from ..dtypes import bfloat16, cast, float16, float32, float64, int8, int32
from ..errors import NonFinite, ShapeError, TypeMismatch, UndefinedLanes, UnsupportedOperation
from ..state import run
from .constants import plain
from .creation import as_dtype

__all__ = (  # the part of tl that lives here
    "dot",
)  # fmt: skip

_PRECISIONS = (None, "tf32", "tf32x3", "ieee", "bf16x3", "bf16x6")


def dot(
    input,
    other,
    acc=None,
    input_precision=None,
    allow_tf32=None,
    max_num_imprecise_acc=None,
    out_dtype=float32,
) -> Block:
    """Return the matrix product of two blocks, plus `acc`.

    Precision: fp16, bf16 and fp8 products are exact and add up in fp32; int8 in int32; fp32 in fp32 whatever
    `input_precision` says (a GPU uses TF32 unless it says "ieee"; the report then carries a note).
    Raises: ShapeError, TypeMismatch.
    """
    a, b, acc = input, other, plain(acc)
    accumulator = None if acc is None else (tuple(acc.dims), acc.dtype)
    kind, wide, notes = _plan(
        tuple(a.dims),
        a.dtype,
        tuple(b.dims),
        b.dtype,
        accumulator,
        as_dtype(out_dtype),
        plain(input_precision),
    )
    for key, note in notes:
        run.note(key, note)
    out = np.matmul(cast(a.data, a.dtype, wide), cast(b.data, b.dtype, wide))
    run.matrix += 2 * out.size * a.dims[-1]
    if kind is int32:
        out = out.astype(np.int32)
    if acc is not None:
        out += acc.data
    if run.find_nonfinite:
        _check_finite(out, a, b, acc)
    undefined = _spoiled(a, b, acc)
    return Dense(out if out.dtype == kind.numpy else out.astype(kind.numpy), kind, undefined)


def _spoiled(a: Block, b: Block, acc):
    """Return which products undefined lanes have spoiled: whole rows, whole columns, or None."""
    undefined = None if acc is None else acc.undefined
    for block, axis in ((a, -1), (b, -2)):
        if block.undefined is not None:
            lines = np.broadcast_to(block.undefined, block.dims).any(axis, keepdims=True)
            undefined = lanes_undefined(undefined, lines)
    if undefined is not None and np.all(undefined):
        raise UndefinedLanes("tl.dot: undefined lanes of its inputs spoil every element of the product")
    return undefined


@lru_cache(1024)
def _plan(a_dims, a_type, b_dims, b_type, accumulator, out_dtype, precision):
    """Check everything about a product that does not depend on its values; return how to compute it."""
    _check_shapes(a_dims, b_dims)
    kind = _result_type(a_type, b_type, out_dtype)
    _check_accumulator(accumulator, (*a_dims[:-1], b_dims[-1]), out_dtype)
    wide = float64 if kind is int32 or a_type is float64 else float32
    return kind, wide, _what_differs(a_type, a_dims[-1], precision)


def _check_shapes(a: tuple, b: tuple) -> None:
    if len(a) != len(b) or len(a) < 2 or a[:-2] != b[:-2]:
        raise ShapeError(f"tl.dot needs two matrices, or two batches of them; came {a} and {b}")
    if a[-1] != b[-2]:
        raise ShapeError(
            f"tl.dot of {a} and {b}: {a[-1]} columns against {b[-2]} rows",
            look="tl.trans, or the order of the axes in the pointer block",
        )


def _result_type(a, b, out_dtype):
    if not (a.is_fp8() and b.is_fp8()) and (
        a is not b or a not in (int8, float16, bfloat16, float32, float64)
    ):
        raise TypeMismatch(
            f"tl.dot of {a} and {b}: both must be the same one of int8, fp16, bf16, fp32, fp64, or fp8",
            look="casting one of them with .to(...)",
        )
    if a is int8:
        return int32
    if out_dtype is bfloat16:
        raise TypeMismatch("tl.dot cannot give bf16: use out_dtype=tl.float32 and cast the result")
    if a in (float32, bfloat16):
        return float32
    return float64 if a is float64 else out_dtype


def _check_accumulator(accumulator, dims: tuple, out_dtype) -> None:
    if accumulator is None:
        return
    if accumulator[0] != dims:
        raise ShapeError(f"tl.dot: the product has shape {dims}, the accumulator {accumulator[0]}")
    if accumulator[1] is not out_dtype:
        raise TypeMismatch(
            f"tl.dot: the accumulator is {accumulator[1]}, out_dtype is {out_dtype}",
            look="an accumulator from tl.zeros(..., tl.float32); for int8, out_dtype=tl.int32",
        )


def _what_differs(kind, depth: int, precision) -> tuple[tuple[str, str], ...]:
    """Return notes on what a GPU would do otherwise."""
    if precision not in _PRECISIONS:
        raise UnsupportedOperation(f"input_precision={precision!r}; expected one of {_PRECISIONS[1:]}")
    notes, least = [], 32 if kind.bits == 8 else 16
    if depth < least:
        notes.append(("dot", f"tl.dot with K = {depth}: the compiler for NVIDIA GPUs needs K >= {least}"))
    if kind is float32 and precision in (None, "tf32"):
        notes.append(
            ("tf32", "tl.dot on fp32: a GPU rounds its inputs to TF32 unless input_precision='ieee'")
        )
    return tuple(notes)


def _check_finite(out, a: Block, b: Block, acc) -> None:
    inputs = [x.data for x in (a, b, acc) if x is not None]
    if not np.isfinite(out).all() and all(np.isfinite(x).all() for x in inputs):
        lane = tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])
        raise NonFinite(f"`dot` of finite matrices gave {out[lane]} in lane {lane}", index=lane)
