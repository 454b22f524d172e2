"""The forward kernel: a block of queries walks over the keys; output and log-sum-exp leave the chip once."""

from glassbox.attention.kernels.pieces import LN2, fold
from glassbox.flash.kernels.pieces import (
    LOG2E,
    keys_met,
    prefix_of,
    rows_at,
    scored,
    store_rows,
    task,
    visible,
)
from glassbox.machine import tl, triton


@triton.jit
def walk(
    m, l, o, q, k_rows, v_rows, first_step, steps, leading, first, row, t, n, sequence, head, prefix, scale,
    rules, given, CAUSAL: tl.constexpr, HIDES: tl.constexpr, SCORES: tl.constexpr, FOLD: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr, STAGES: tl.constexpr, ROLES: tl.constexpr,
):  # fmt: skip
    """Fold the blocks of keys of these steps into the running result; step i is block i, or past a gap."""
    query = row + tl.arange(0, QUERIES)[:, None] + (n - t)
    for step in tl.range(first_step, steps, num_stages=STAGES, warp_specialize=ROLES):
        block = step
        if rules[0] is not None:
            block = tl.where(step < leading, step, step - leading + first)
        start = block * KEYS
        k, v = k_rows.load([start, 0]), v_rows.load([start, 0])
        key = start + tl.arange(0, KEYS)[None, :]
        s = tl.dot(q, tl.trans(k), input_precision="ieee")
        s = scored(s, head, query, key, scale, given, SCORES)
        if HIDES:
            s = tl.where(visible(query, key, t, n, sequence, head, prefix, rules, CAUSAL), s, float("-inf"))
        m, l, o = FOLD(m, l, o, s, v)
    return m, l, o


@triton.jit
def flash_forward(
    q_ptr, k_ptr, v_ptr, sinks_ptr, work_ptr, o_ptr, lse_ptr,
    t, n, d, e, rows, group, scale, rules, given, q_strides, k_strides, v_strides,
    CAUSAL: tl.constexpr, SCORES: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
    D: tl.constexpr, E: tl.constexpr, STAGES: tl.constexpr, ROLES: tl.constexpr, TWO_LOOPS: tl.constexpr,
    FOLD: tl.constexpr = fold,
):  # fmt: skip
    """Attend from one block of QUERIES queries of one head; KEYS keys and values at a time.

    The last blocks come first: with a causal mask they take longest. TWO_LOOPS leaves the mask out where a
    whole tile is seen; ROLES gives loads and products to different warps, which takes one loop.
    Bytes, with T = ceil(t / QUERIES) blocks, N_i keys in the tiles that block i meets, H heads, b sequences:
        b H (t d q + sum_i N_i (d k + e v) + t e o + 4 t)
        + b H T (4 prefix + 24 work) + 4 b H T sinks + mask 1 per pair of a tile inside t x n
        + per tile and head what score functions load
    FLOPs: 2 QUERIES KEYS (D + E) on tensor cores per tile; 1 exponential per score.
    """
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    sequence, batch, block, q_first, t, k_first, n = task(work_ptr, block, t, n)
    head, row = tl.program_id(1).to(tl.int64), block * QUERIES
    prefix = prefix_of(sequence, rules)
    q_rows = rows_at(q_ptr, q_strides, batch, head, q_first, t, d, QUERIES, D)
    k_rows = rows_at(k_ptr, k_strides, batch, head // group, k_first, n, d, KEYS, D)
    v_rows = rows_at(v_ptr, v_strides, batch, head // group, k_first, n, e, KEYS, E)
    q = q_rows.load([row, 0])
    m = tl.full([QUERIES, 1], float("-inf"), tl.float32)
    l, o = tl.full([QUERIES, 1], 0.0, tl.float32), tl.full([QUERIES, E], 0.0, tl.float32)
    if sinks_ptr is not None:
        m = tl.full([QUERIES, 1], 0.0, tl.float32) + tl.load(sinks_ptr + head).to(tl.float32) * LOG2E
        l += 1.0
    leading, first, end = keys_met(row, QUERIES, t, n, prefix, rules, CAUSAL, KEYS)
    steps = tl.maximum(leading + end - first, 0)
    whole = 0
    if TWO_LOOPS:
        whole = n // KEYS
        if CAUSAL:
            whole = tl.minimum(tl.maximum(row + n - t + 1, 0) // KEYS, whole)
        m, l, o = walk(
            m, l, o, q, k_rows, v_rows, 0, whole, leading, first, row, t, n, sequence, head, prefix, scale,
            rules, given, CAUSAL, False, SCORES, FOLD, QUERIES, KEYS, STAGES, ROLES,
        )  # fmt: skip
    m, l, o = walk(
        m, l, o, q, k_rows, v_rows, whole, steps, leading, first, row, t, n, sequence, head, prefix, scale,
        rules, given, CAUSAL, True, SCORES, FOLD, QUERIES, KEYS, STAGES, ROLES,
    )  # fmt: skip
    empty = l == 0
    l = tl.where(empty, 1.0, l)
    out, at = (batch * tl.num_programs(1) + head) * rows + q_first, row + tl.arange(0, QUERIES)[:, None]
    tl.store(lse_ptr + out + at, tl.where(empty, float("-inf"), (m + tl.log2(l)) * LN2), mask=at < t)
    store_rows(o_ptr, o / l, out, at, t, e, E)
