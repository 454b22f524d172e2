"""The backward kernels: the weights of a tile are made again from the log-sum-exp.

p = exp(s - lse),  D = rowsum(do * o) - dlse,  ds = p * (do v^T - D)
dq = scale ds k,   dk = scale ds^T q,   dv = p^T do
"""

from glassbox.flash.kernels.pieces import (
    heads_at,
    keys_met,
    lse_beyond,
    prefix_of,
    queries_meeting,
    rows_at,
    sloped,
    store_rows,
    task,
    weighed,
)
from glassbox.machine import tl, triton


@triton.jit
def flash_delta(
    do_ptr, o_ptr, dlse_ptr, delta_ptr, t, e, do_sequence, do_head, do_row,
    ROWS: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """Take D of ROWS rows of one head, from the output as it was rounded.

    Bytes, with R = b h t rows: R e (do + o) + 4 R + 4 R if dlse is given
    """
    row, column = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None], tl.arange(0, E)[None, :]
    there = (row < t) & (column < e)
    sequence, head = tl.program_id(2).to(tl.int64), tl.program_id(1).to(tl.int64)
    out = (sequence * tl.num_programs(1) + head) * t
    do_at = sequence * do_sequence + head * do_head + row.to(tl.int64) * do_row + column
    do = tl.load(do_ptr + do_at, mask=there, other=0.0).to(tl.float32)
    o = tl.load(o_ptr + (out + row) * e + column, mask=there, other=0.0).to(tl.float32)
    delta = tl.sum(do * o, axis=1, keep_dims=True)
    if dlse_ptr is not None:
        delta -= tl.load(dlse_ptr + out + row, mask=row < t, other=0.0)
    tl.store(delta_ptr + out + row, delta, mask=row < t)


@triton.jit
def flash_backward_queries(
    q_ptr, k_ptr, v_ptr, do_ptr, lse_ptr, delta_ptr, work_ptr, dq_ptr,
    t, n, d, e, rows, group, scale, rules, given, q_strides, k_strides, v_strides, do_strides,
    CAUSAL: tl.constexpr, SCORES: tl.constexpr, SLOPES: tl.constexpr, QUERIES: tl.constexpr,
    KEYS: tl.constexpr, D: tl.constexpr, E: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Take dq of one block of queries of one head, walking over the keys as the forward pass does.

    Bytes, with T and N_i as in the forward kernel: b H (t (d q + e do + 8) + sum_i N_i (d k + e v) + t d dq)
        + b H T (4 prefix + 24 work) + mask 1 per pair of a tile inside t x n
        + per tile and head what score functions load
    FLOPs: 2 QUERIES KEYS (2 D + E) on tensor cores per tile; 1 exponential per score.
    """
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    sequence, batch, block, q_first, t, k_first, n = task(work_ptr, block, t, n)
    head, prefix = tl.program_id(1).to(tl.int64), prefix_of(sequence, rules)
    row = block * QUERIES + tl.arange(0, QUERIES)[:, None]
    out = (batch * tl.num_programs(1) + head) * rows + q_first
    q_rows = rows_at(q_ptr, q_strides, batch, head, q_first, t, d, QUERIES, D)
    do_rows = rows_at(do_ptr, do_strides, batch, head, q_first, t, e, QUERIES, E)
    k_rows = rows_at(k_ptr, k_strides, batch, head // group, k_first, n, d, KEYS, D)
    v_rows = rows_at(v_ptr, v_strides, batch, head // group, k_first, n, e, KEYS, E)
    q, do = q_rows.load([block * QUERIES, 0]), do_rows.load([block * QUERIES, 0])
    lse = tl.load(lse_ptr + out + row, mask=row < t, other=0.0)
    delta = tl.load(delta_ptr + out + row, mask=row < t, other=0.0)
    dq = tl.full([QUERIES, D], 0.0, tl.float32)
    leading, first, end = keys_met(block * QUERIES, QUERIES, t, n, prefix, rules, CAUSAL, KEYS)
    for step in tl.range(0, tl.maximum(leading + end - first, 0), num_stages=STAGES):
        start = tl.where(step < leading, step, step - leading + first) * KEYS
        key = start + tl.arange(0, KEYS)[None, :]
        k, v = k_rows.load([start, 0]), v_rows.load([start, 0])
        products = tl.dot(q, tl.trans(k), input_precision="ieee")
        p = weighed(
            products, lse, head, row + n - t, key, t, n, sequence, prefix, scale, rules, given, CAUSAL, SCORES
        )
        ds = p * (tl.dot(do, tl.trans(v), input_precision="ieee") - delta)
        ds = sloped(ds, products, head, row + n - t, key, scale, given, SCORES, SLOPES)
        dq = tl.dot(ds.to(k.dtype), k, dq, input_precision="ieee")
    store_rows(dq_ptr, dq * scale, out, row, t, d, D)


@triton.jit
def flash_backward_keys(
    q_ptr, k_ptr, v_ptr, do_ptr, lse_ptr, delta_ptr, work_ptr, dq_ptr, dk_ptr, dv_ptr,
    t, n, d, e, rows, key_rows, group, scale, rules, given,
    q_strides, k_strides, v_strides, do_strides, dq_strides,
    CAUSAL: tl.constexpr, SCORES: tl.constexpr, SLOPES: tl.constexpr, QUERIES: tl.constexpr,
    KEYS: tl.constexpr, D: tl.constexpr, E: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Take dk and dv of one block of keys of one key head, walking over the queries of all its heads.

    With `dq_ptr`, float32 and zero before, each tile also adds its share of dq there: two products fewer in
    all, but the order of the additions, and so the last bits, differ from run to run.
    Bytes, with T = ceil(n / KEYS) blocks, G key heads, M_j the query rows in the tiles that block j meets:
        b G (n (d k + e v) + H/G sum_j M_j (d q + e do + 8) + n (d dk + e dv))
        + b G T (4 prefix + 24 work) + mask 1 per pair of a tile inside t x n
        + per tile and head what score functions load
        + 8 b H sum_j M_j d with dq (an atomic counts as a load and a store)
    FLOPs: 2 QUERIES KEYS (2 D + 2 E) on tensor cores per tile, 2 QUERIES KEYS D more with dq.
    """
    sequence, batch, block, q_first, t, k_first, n = task(work_ptr, tl.program_id(0), t, n)
    key_head, prefix = tl.program_id(1).to(tl.int64), prefix_of(sequence, rules)
    key = block * KEYS + tl.arange(0, KEYS)[:, None]
    k = rows_at(k_ptr, k_strides, batch, key_head, k_first, n, d, KEYS, D).load([block * KEYS, 0])
    v = rows_at(v_ptr, v_strides, batch, key_head, k_first, n, e, KEYS, E).load([block * KEYS, 0])
    q_rows = heads_at(q_ptr, q_strides, batch, key_head * group, group, q_first, t, d, QUERIES, D)
    do_rows = heads_at(do_ptr, do_strides, batch, key_head * group, group, q_first, t, e, QUERIES, E)
    dk, dv = tl.full([KEYS, D], 0.0, tl.float32), tl.full([KEYS, E], 0.0, tl.float32)
    if dq_ptr is not None:
        dq_rows = heads_at(dq_ptr, dq_strides, batch, key_head * group, group, q_first, t, d, QUERIES, D)
    first, blocks = queries_meeting(block * KEYS, KEYS, t, n, prefix, rules, CAUSAL, QUERIES)
    for step in tl.range(0, group * blocks, num_stages=STAGES):
        member, start = step // blocks, (first + step % blocks) * QUERIES
        row, head = start + tl.arange(0, QUERIES)[None, :], key_head * group + member
        q = q_rows.load([member, start, 0]).reshape([QUERIES, D])
        do = do_rows.load([member, start, 0]).reshape([QUERIES, E])
        out = (batch * tl.num_programs(1) * group + head) * rows + q_first
        lse = tl.load(lse_ptr + out + row, mask=row < t, other=lse_beyond(SCORES))
        delta = tl.load(delta_ptr + out + row, mask=row < t, other=0.0)
        products = tl.dot(k, tl.trans(q), input_precision="ieee")
        p = weighed(
            products, lse, head, row + n - t, key, t, n, sequence, prefix, scale, rules, given, CAUSAL, SCORES
        )
        dv = tl.dot(p.to(do.dtype), do, dv, input_precision="ieee")
        ds = p * (tl.dot(v, tl.trans(do), input_precision="ieee") - delta)
        ds = sloped(ds, products, head, row + n - t, key, scale, given, SCORES, SLOPES).to(q.dtype)
        dk = tl.dot(ds, q, dk, input_precision="ieee")
        if dq_ptr is not None:
            dq = tl.dot(tl.trans(ds), k, input_precision="ieee") * scale
            dq_rows.atomic_add([member, start, 0], dq.reshape([1, QUERIES, D]))
    out = (batch * tl.num_programs(1) + key_head) * key_rows + k_first
    store_rows(dk_ptr, dk * scale, out, key, n, d, D)
    store_rows(dv_ptr, dv, out, key, n, e, E)
