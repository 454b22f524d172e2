"""Element types, and Triton's rules for which type an operation computes in."""

from functools import cache, lru_cache

import ml_dtypes
import numpy as np
import torch

__all__ = (  # the part of tl that lives here
    "bfloat16", "block_type", "dtype", "float8e4b8", "float8e4nv", "float8e5", "float8e5b16", "float16",
    "float32", "float64", "int1", "int8", "int16", "int32", "int64", "pointer_type", "uint8", "uint16",
    "uint32", "uint64",
)  # fmt: skip
BOOLEAN, INTEGRAL, FLOATING = 0, 1, 2


class dtype:
    """An element type, under the name that Triton gives it (`fp32`, `bf16`, `int32`, `int1`)."""

    __slots__ = ("bits", "itemsize", "kind", "max", "min", "name", "numpy", "signed", "small_float")

    def __init__(self, name: str, bits: int, kind: int, numpy_type, signed: bool = True):
        self.name, self.bits, self.kind, self.signed = name, bits, kind, signed
        self.itemsize = max(1, bits // 8)
        self.numpy = np.dtype(numpy_type)
        self.small_float = kind == FLOATING and bits < 32
        self.min, self.max = _integer_range(bits, signed) if kind != FLOATING else (None, None)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self):
        return _named, (self.name,)

    scalar = property(lambda self: self)
    primitive_bitwidth = property(lambda self: self.bits)
    int_bitwidth = property(lambda self: self.bits)

    def is_floating(self):
        return self.kind == FLOATING

    def is_standard_floating(self):
        return self.kind == FLOATING and self.bits >= 16

    def is_int(self):
        return self.kind != FLOATING

    def is_int_signed(self):
        return self.kind == INTEGRAL and self.signed

    def is_int_unsigned(self):
        return self.kind != FLOATING and not self.signed

    def is_bool(self):
        return self.kind == BOOLEAN

    is_int1 = is_bool

    def is_fp8(self):
        return self.name.startswith("fp8")

    def is_fp16(self):
        return self.name == "fp16"

    def is_bf16(self):
        return self.name == "bf16"

    def is_fp32(self):
        return self.name == "fp32"

    def is_fp64(self):
        return self.name == "fp64"

    def is_block(self):
        return False

    def is_ptr(self):
        return False


class pointer_type:
    """The type of an address of `element_ty`: what `ptr.dtype` and `ptr.type` give for a scalar pointer."""

    def __init__(self, element_ty: dtype, address_space: int = 1, const: bool = False):
        self.element_ty, self.address_space, self.const = element_ty, address_space, const
        self.name = f"pointer<{element_ty}>"

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other) -> bool:
        return isinstance(other, pointer_type) and self.element_ty is other.element_ty

    def __hash__(self):
        return hash(self.name)

    scalar = property(lambda self: self)
    is_ptr = staticmethod(lambda: True)
    is_block = is_floating = is_int = staticmethod(lambda: False)


class block_type:
    """The type of a block: an element type and a shape."""

    def __init__(self, element_ty, shape):
        self.element_ty, self.shape = element_ty, tuple(shape)
        self.name = f"<{list(self.shape)}, {element_ty}>"

    def __repr__(self) -> str:
        return self.name

    scalar = property(lambda self: self.element_ty)
    is_block = staticmethod(lambda: True)
    is_ptr = staticmethod(lambda: False)


def _integer_range(bits: int, signed: bool) -> tuple[int, int]:
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


int1 = dtype("int1", 1, BOOLEAN, np.bool_, signed=False)
int8 = dtype("int8", 8, INTEGRAL, np.int8)
int16 = dtype("int16", 16, INTEGRAL, np.int16)
int32 = dtype("int32", 32, INTEGRAL, np.int32)
int64 = dtype("int64", 64, INTEGRAL, np.int64)
uint8 = dtype("uint8", 8, INTEGRAL, np.uint8, signed=False)
uint16 = dtype("uint16", 16, INTEGRAL, np.uint16, signed=False)
uint32 = dtype("uint32", 32, INTEGRAL, np.uint32, signed=False)
uint64 = dtype("uint64", 64, INTEGRAL, np.uint64, signed=False)
float8e5 = dtype("fp8e5", 8, FLOATING, ml_dtypes.float8_e5m2)
float8e4nv = dtype("fp8e4nv", 8, FLOATING, ml_dtypes.float8_e4m3fn)
float8e5b16 = dtype("fp8e5b16", 8, FLOATING, ml_dtypes.float8_e5m2fnuz)
float8e4b8 = dtype("fp8e4b8", 8, FLOATING, ml_dtypes.float8_e4m3fnuz)
float16 = dtype("fp16", 16, FLOATING, np.float16)
bfloat16 = dtype("bf16", 16, FLOATING, ml_dtypes.bfloat16)
float32 = dtype("fp32", 32, FLOATING, np.float32)
float64 = dtype("fp64", 64, FLOATING, np.float64)

INTEGERS = (int1, int8, int16, int32, int64, uint8, uint16, uint32, uint64)
FLOATS = (float8e5, float8e4nv, float8e5b16, float8e4b8, float16, bfloat16, float32, float64)
BY_NAME = {one.name: one for one in (*INTEGERS, *FLOATS)}
OF_TORCH = {
    torch.bool: int1,
    torch.int8: int8,
    torch.int16: int16,
    torch.int32: int32,
    torch.int64: int64,
    torch.uint8: uint8,
    torch.uint16: uint16,
    torch.uint32: uint32,
    torch.uint64: uint64,
    torch.float8_e5m2: float8e5,
    torch.float8_e4m3fn: float8e4nv,
    torch.float8_e5m2fnuz: float8e5b16,
    torch.float8_e4m3fnuz: float8e4b8,
    torch.float16: float16,
    torch.bfloat16: bfloat16,
    torch.float32: float32,
    torch.float64: float64,
}


def _named(name: str) -> dtype:
    return BY_NAME[name]


def integer_of(bits: int, signed: bool) -> dtype:
    """Return the integer type of `bits` bits."""
    return BY_NAME[f"{'' if signed else 'u'}int{bits}"]


@lru_cache(4096)
def of_number(value_type: type, value=None) -> dtype:
    """Return the type that a Python number has once it is a Triton value."""
    if value_type is bool:
        return int1
    if value_type is float:
        tiny_or_huge = value == value and value not in (0.0, float("inf"), float("-inf"))
        inside = 2.0**-126 <= abs(value) <= (2 - 2.0**-23) * 2.0**127
        return float64 if tiny_or_huge and not inside else float32
    for one in (int32, uint32, int64, uint64):
        if one.min <= value <= one.max:
            return one
    raise ValueError(f"the integer {value} does not fit in 64 bits")


@cache
def promote(a: dtype, b: dtype, division: bool = False) -> dtype:
    """Return the type in which two blocks (or block and scalar) meet.

    Convention: fp64, then fp32, then fp16 wins; bf16 survives only beside bf16; two different fp8 give fp16;
    `division` (also `%` and `//`) computes halves in fp32. Integers follow C; mixed signs do not divide.
    """
    if a.kind != FLOATING and b.kind != FLOATING:
        return _promote_integers(a, b, division)
    for wide in (float64, float32):
        if wide in (a, b):
            return wide
    if float16 in (a, b):
        return float32 if division else float16
    if bfloat16 in (a, b):
        return float32 if division or a is not b else bfloat16
    if a.kind == b.kind:
        return a if a is b else float16
    raise TypeError(f"{a} and {b} have no common type: cast one of them with .to(...)")


def _promote_integers(a: dtype, b: dtype, division: bool) -> dtype:
    if division and a.signed != b.signed:
        raise TypeError(f"cannot divide {a} and {b}, which differ in sign: cast one of them with .to(...)")
    if a.signed == b.signed:
        return a if a.bits > b.bits else b
    unsigned, signed = (b, a) if a.signed else (a, b)
    return unsigned if unsigned.bits >= signed.bits else signed


def promote_number(block: dtype, number, division: bool = False) -> dtype:
    """Return the type in which a block and a literal meet: a literal of no higher kind does not widen."""
    value_type = type(number)
    kind = FLOATING if value_type is float else INTEGRAL if value_type is int else BOOLEAN
    if kind <= block.kind:
        return float32 if division and block in (float16, bfloat16) else block
    return promote(block, of_number(value_type, number), division)


def cast(data, source: dtype, target: dtype):
    """Return `data` in another type: round to nearest even, integers wrap, floats truncate toward zero."""
    if source is target:
        return data
    if target.kind == BOOLEAN:
        return data != 0
    if target.bits == 8 and target.kind == FLOATING:
        limit = float(ml_dtypes.finfo(target.numpy).max)
        return np.clip(data.astype(np.float32), -limit, limit).astype(target.numpy)
    if target.kind == FLOATING and source.small_float and target.bits < 32:
        return data.astype(np.float32).astype(target.numpy)
    return data.astype(target.numpy)
