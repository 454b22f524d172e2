"""Attention as an unfused program runs it: scores and weights are written to slow memory and read again.

For comparison only: nothing dispatches to these. Heads are the first axis, as many of keys as of queries.
"""

from torch import Tensor

from glassbox.machine import launch, tl, triton


@triton.jit
def score_tile(
    q_ptr, k_ptr, s_ptr, t, n, d, scale, CAUSAL: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
    D: tl.constexpr,
):  # fmt: skip
    """Store one tile of scale q k^T; with CAUSAL -inf where the key is hidden, though the tile is computed.

    Bytes, a head: ceil(n / KEYS) t d q + ceil(t / QUERIES) n d k + t n s
    """
    head, feature = tl.program_id(2).to(tl.int64), tl.arange(0, D)[None, :]
    row = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)[:, None]
    key = tl.program_id(1) * KEYS + tl.arange(0, KEYS)[:, None]
    q = tl.load(q_ptr + (head * t + row) * d + feature, mask=(row < t) & (feature < d), other=0.0)
    k = tl.load(k_ptr + (head * n + key) * d + feature, mask=(key < n) & (feature < d), other=0.0)
    s, across = tl.dot(q, tl.trans(k), input_precision="ieee") * scale, tl.trans(key)
    if CAUSAL:
        s = tl.where(across <= row + n - t, s, float("-inf"))
    tl.store(s_ptr + (head * t + row) * n + across, s, mask=(row < t) & (across < n))


@triton.jit
def scaled_row(s_ptr, t, n, scale, CAUSAL: tl.constexpr, KEYS: tl.constexpr):
    """Multiply one row of scores by scale, and hide what lies ahead. Bytes, a head: 2 t n s."""
    head, row, key = tl.program_id(1).to(tl.int64), tl.program_id(0), tl.arange(0, KEYS)
    at = s_ptr + (head * t + row) * n + key
    s = tl.load(at, mask=key < n, other=0.0).to(tl.float32) * scale
    if CAUSAL:
        s = tl.where(key <= row + n - t, s, float("-inf"))
    tl.store(at, s, mask=key < n)


@triton.jit
def softmax_row(s_ptr, p_ptr, t, n, KEYS: tl.constexpr):
    """Store the weights of one row of scores, which fits on the chip. Bytes, a head: t n s + t n p."""
    head, row, key = tl.program_id(1).to(tl.int64), tl.program_id(0), tl.arange(0, KEYS)
    at = (head * t + row) * n + key
    s = tl.load(s_ptr + at, mask=key < n, other=float("-inf")).to(tl.float32)
    top = tl.max(s, axis=0)
    p = tl.exp(s - tl.where(top == float("-inf"), 0.0, top))  # -inf less -inf is not a number
    total = tl.sum(p, axis=0)
    tl.store(p_ptr + at, p / tl.where(total == 0, 1.0, total), mask=key < n)


@triton.jit
def weighted_values(p_ptr, v_ptr, o_ptr, t, n, e, QUERIES: tl.constexpr, KEYS: tl.constexpr, E: tl.constexpr):
    """Store one block of p v. Bytes, a head: t n p + ceil(t / QUERIES) n e v + t e o."""
    head, column = tl.program_id(1).to(tl.int64), tl.arange(0, E)[None, :]
    row = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)[:, None]
    o = tl.full([QUERIES, E], 0.0, tl.float32)
    for start in range(0, n, KEYS):
        across, key = start + tl.arange(0, KEYS)[None, :], start + tl.arange(0, KEYS)[:, None]
        p = tl.load(p_ptr + (head * t + row) * n + across, mask=(row < t) & (across < n), other=0.0)
        v = tl.load(v_ptr + (head * n + key) * e + column, mask=(key < n) & (column < e), other=0.0)
        o = tl.dot(p, v, o, input_precision="ieee")
    tl.store(o_ptr + (head * t + row) * e + column, o, mask=(row < t) & (column < e))


def attention(
    q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, queries: int = 16, keys: int = 16,
    apart: bool = False,
) -> Tensor:  # fmt: skip
    """Return attention in three launches on the simulator; four with `apart`: scale and mask by themselves.

    Shapes: q (heads, t, d), k (heads, n, d), v (heads, n, e), contiguous; tiles of `queries` x `keys`.
    Convention: causal is bottom-right, and every tile is computed: nothing is skipped.
    Precision: every step is computed in float32 and stored in the dtype of q.
    """
    (heads, t, d), n, e = q.shape, k.shape[1], v.shape[2]
    rows, columns, row = triton.cdiv(t, queries), triton.cdiv(n, keys), triton.next_power_of_2(n)
    wide_d, wide_e = triton.next_power_of_2(d), triton.next_power_of_2(e)
    s, p, o = q.new_empty(heads, t, n), q.new_empty(heads, t, n), q.new_empty(heads, t, e)
    scale = d**-0.5
    first, hides = (1.0, False) if apart else (scale, causal)
    launch(
        score_tile, (rows, columns, heads), q, k, s, t, n, d, first,
        CAUSAL=hides, QUERIES=queries, KEYS=keys, D=wide_d,
    )  # fmt: skip
    if apart:
        launch(scaled_row, (t, heads), s, t, n, scale, CAUSAL=causal, KEYS=row)
    launch(softmax_row, (t, heads), s, p, t, n, KEYS=row)
    launch(weighted_values, (rows, heads), p, v, o, t, n, e, QUERIES=queries, KEYS=keys, E=wide_e)
    return o
