"""Kernels that the tests compile ahead of time: good ones, and one for each thing that can be wrong."""

import math
import types

import torch
from glassbox.machine import tl, triton
from glassbox.machine.launching import Launch

HALF = tl.constexpr(0.5)
parts = types.ModuleType("parts_of_kernels")


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    y = tl.load(y_ptr + i, mask=i < n)
    tl.store(out_ptr + i, x + y, mask=i < n)


@triton.jit
def narrow(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)  # one element per thread
    tl.store(x_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@triton.jit
def matmul(a_ptr, b_ptr, c_ptr, K, SIZE: tl.constexpr, PRECISION: tl.constexpr):
    m = tl.arange(0, SIZE)
    acc = tl.zeros((SIZE, SIZE), tl.float32)
    for k in range(0, K, SIZE):
        a = tl.load(a_ptr + m[:, None] * K + k + m[None, :])
        b = tl.load(b_ptr + (k + m[:, None]) * SIZE + m[None, :])
        acc = tl.dot(a, b, acc, input_precision=PRECISION)
    tl.store(c_ptr + m[:, None] * SIZE + m[None, :], acc)


@triton.jit
def spills(x_ptr, y_ptr, SIZE: tl.constexpr):
    i = tl.arange(0, SIZE)
    x = tl.load(x_ptr + i)
    tl.store(y_ptr + i, x - tl.sum(x, axis=0))


@triton.jit
def copies_a_block(source, target_ptr, SIZE: tl.constexpr):
    i = tl.arange(0, SIZE)
    tl.store(target_ptr + i[:, None] * SIZE + i[None, :], source.load([0, 0]))


@triton.jit
def roles(a, b, out_ptr, K, SIZE: tl.constexpr, ROLES: tl.constexpr):
    i = tl.arange(0, SIZE)
    acc = tl.zeros((SIZE, SIZE), tl.float32)
    for k in tl.range(0, K, SIZE, warp_specialize=ROLES):
        acc = tl.dot(a.load([k, 0]), b.load([k, 0]).T, acc)
    tl.store(out_ptr + i[:, None] * SIZE + i[None, :], acc)


@triton.jit
def adds_atomically(x_ptr, out_ptr, SIZE: tl.constexpr):
    i = tl.arange(0, SIZE)
    tl.atomic_add(out_ptr + i, tl.load(x_ptr + i))


@triton.jit
def mean_of(x, n, scale=HALF):
    return tl.sum(x, axis=0) / n * scale


@triton.jit
def double(x):
    return x + x


@triton.constexpr_function
def root(n):
    return math.isqrt(n)


parts.double = double


@triton.jit
def uses_much(x_ptr, out_ptr, FUNCTION: tl.constexpr, SIZE: tl.constexpr):
    i = tl.arange(0, SIZE)
    x = FUNCTION(parts.double(tl.load(x_ptr + i))) * root(SIZE)
    tl.store(out_ptr + i, x - mean_of(x, tl.cdiv(SIZE, 1)))


@triton.jit
def refused(x_ptr, SIZE: tl.constexpr):
    i = tl.arange(0, SIZE)
    x = tl.load(x_ptr + i)
    if x > 0:
        tl.store(x_ptr + i, x)


@triton.jit
def calls_refused(x_ptr, SIZE: tl.constexpr):
    refused(x_ptr, SIZE)


@triton.jit
def bad_assembly(x_ptr):
    x = tl.load(x_ptr)
    tl.store(x_ptr, tl.inline_asm_elementwise("no.such.op $0, $1;", "=f,f", [x], tl.float32, True, 1))


@triton.jit
def chatters(x_ptr):
    tl.static_print("a word at compile time")
    tl.store(x_ptr, 1.0)


@triton.jit
def crashes_the_compiler(x_ptr):
    tl.store(x_ptr, 1.0)


@triton.jit
def takes_long(x_ptr):
    tl.store(x_ptr, 1.0)


def meta(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device="meta")


def call(kernel, *args, **kwargs):
    return Launch(kernel, (1,), args, kwargs)


def adding(n=4096, dtype=torch.float32, offset=0, **options):
    x = meta(n + offset, dtype=dtype)[offset:]
    return call(add, x, meta(n, dtype=dtype), meta(n, dtype=dtype), n, BLOCK=1024, **options)


def multiplying(size=64, dtype=torch.bfloat16, precision="ieee", **options):
    a, b = meta(size, 1024, dtype=dtype), meta(1024, size, dtype=dtype)
    return call(matmul, a, b, meta(size, size), 1024, SIZE=size, PRECISION=precision, **options)


def spilling():
    return call(spills, meta(16384), meta(16384), SIZE=16384, num_warps=1)


def greedy():
    return multiplying(128, num_stages=6, num_warps=8)


def good(arch):
    yield "add", adding()
    yield "matmul", multiplying()


def not_good(arch):
    yield from good(arch)
    yield "refused", call(refused, meta(64), 64)
