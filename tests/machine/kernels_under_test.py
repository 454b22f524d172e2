"""Kernels that the simulator is tested with, and functions that launch them on tensors."""

import torch
from glassbox.machine import empty, empty_like, launch, tl, triton


@triton.jit
def vector_add(x_ptr, y_ptr, out_ptr, n, x_stride, y_stride, out_stride, BLOCK: tl.constexpr):
    offset = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offset < n
    x = tl.load(x_ptr + offset * x_stride, mask=inside)
    y = tl.load(y_ptr + offset * y_stride, mask=inside)
    tl.store(out_ptr + offset * out_stride, x + y, mask=inside)


def add(x, y, block=64, **options):
    n = x.numel()
    out = empty(n, dtype=torch.promote_types(x.dtype, y.dtype))
    strides = x.stride(0), y.stride(0), out.stride(0)
    return out, launch(vector_add, (triton.cdiv(n, block),), x, y, out, n, *strides, BLOCK=block, **options)


@triton.jit
def softmax_rows(x_ptr, y_ptr, columns, x_row, x_column, y_row, BLOCK: tl.constexpr):
    row, column = tl.program_id(0), tl.arange(0, BLOCK)
    inside = column < columns
    x = tl.load(x_ptr + row * x_row + column * x_column, mask=inside, other=float("-inf")).to(tl.float32)
    numerator = tl.exp(x - tl.max(x, axis=0))
    y = numerator / tl.sum(numerator, axis=0)
    tl.store(y_ptr + row * y_row + column, y, mask=inside)


def softmax(x, **options):
    rows, columns = x.shape
    y = empty(rows, columns, dtype=x.dtype)
    block = triton.next_power_of_2(columns)
    report = launch(softmax_rows, (rows,), x, y, columns, *x.stride(), y.stride(0), BLOCK=block, **options)
    return y, report


@triton.jit
def matmul_tile(
    a_ptr, b_ptr, c_ptr, M, N, K, a_row, a_column, b_row, b_column, c_row, c_column,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    a_at = a_ptr + m[:, None] * a_row + k[None, :] * a_column
    b_at = b_ptr + k[:, None] * b_row + n[None, :] * b_column
    acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for start in range(0, K, BLOCK_K):
        a = tl.load(a_at, mask=(m[:, None] < M) & (start + k[None, :] < K), other=0.0)
        b = tl.load(b_at, mask=(start + k[:, None] < K) & (n[None, :] < N), other=0.0)
        acc = tl.dot(a, b, acc, input_precision="ieee")
        a_at += BLOCK_K * a_column
        b_at += BLOCK_K * b_row
    c_at = c_ptr + m[:, None] * c_row + n[None, :] * c_column
    tl.store(c_at, acc, mask=(m[:, None] < M) & (n[None, :] < N))


def matmul(a, b, block=(16, 16, 16), **options):
    (m, k), n = a.shape, b.shape[1]
    c = empty(m, n, dtype=a.dtype)
    grid = triton.cdiv(m, block[0]), triton.cdiv(n, block[1])
    blocks = dict(zip(("BLOCK_M", "BLOCK_N", "BLOCK_K"), block, strict=True))
    strides = *a.stride(), *b.stride(), *c.stride()
    return c, launch(matmul_tile, grid, a, b, c, m, n, k, *strides, **blocks, **options)


@triton.jit
def flash_forward(
    q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr, t, n, scale,
    CAUSAL: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, D: tl.constexpr,
):  # fmt: skip
    """Attention of one tile of queries of one head: contiguous (heads, tokens, D) tensors."""
    head = tl.program_id(1)
    row = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    d = tl.arange(0, D)
    real_row = row < t
    at = head * t * D + row[:, None] * D + d[None, :]
    q = tl.load(q_ptr + at, mask=real_row[:, None], other=0.0)
    m = tl.full([BLOCK_T], float("-inf"), tl.float32)
    l = tl.zeros([BLOCK_T], tl.float32)
    o = tl.zeros([BLOCK_T, D], tl.float32)
    end = n
    if CAUSAL:
        end = tl.minimum(n, (tl.program_id(0) + 1) * BLOCK_T)
    for start in range(0, end, BLOCK_N):
        col = start + tl.arange(0, BLOCK_N)
        real_col = col < n
        kv_at = head * n * D + col[:, None] * D + d[None, :]
        k = tl.load(k_ptr + kv_at, mask=real_col[:, None], other=0.0)
        v = tl.load(v_ptr + kv_at, mask=real_col[:, None], other=0.0)
        s = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        keep = real_col[None, :]
        if CAUSAL:
            keep = keep & (row[:, None] >= col[None, :])
        s = tl.where(keep, s, float("-inf"))
        m_new = tl.maximum(m, tl.max(s, 1))
        p = tl.exp(s - m_new[:, None])
        shrink = tl.exp(m - m_new)
        l = l * shrink + tl.sum(p, 1)
        o = tl.dot(p.to(v.dtype), v, o * shrink[:, None], input_precision="ieee")
        m = m_new
    tl.store(out_ptr + at, o / l[:, None], mask=real_row[:, None])
    tl.store(lse_ptr + head * t + row, m + tl.log(l), mask=real_row)


def attention(q, k, v, causal=False, block=(16, 16), **options):
    """Return output, log-sum-exp and report for contiguous (heads, tokens, size) tensors."""
    heads, t, size = q.shape
    out, lse = empty_like(q), empty(heads, t, dtype=torch.float32)
    constants = {"CAUSAL": causal, "BLOCK_T": block[0], "BLOCK_N": block[1], "D": size}
    grid = triton.cdiv(t, block[0]), heads
    arguments = q, k, v, out, lse, t, k.shape[1], size**-0.5
    return out, lse, launch(flash_forward, grid, *arguments, **constants, **options)
