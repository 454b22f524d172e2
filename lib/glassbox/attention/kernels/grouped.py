"""Decoding with key heads that are shared by groups of query heads, from a contiguous or a paged cache."""

from glassbox.attention.kernels.pieces import finish, fold, place, share
from glassbox.machine import tl, triton


@triton.jit
def decode_split(
    q_ptr, k_ptr, v_ptr, table_ptr, lengths_ptr, o_ptr, lse_ptr,
    heads, groups, n, d, e, scale,
    q_sequence, q_head, q_feature, k_page, k_head, k_slot, k_feature,
    v_page, v_head, v_slot, v_feature, table_sequence,
    PAGE: tl.constexpr, HEADS: tl.constexpr, KEYS: tl.constexpr,
    D: tl.constexpr, E: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Attend from up to HEADS query heads of one group to one split of their keys, KEYS at a time.

    The query heads of a key head are the rows of one tile: each key and value is read once for all of them.
    Without a table a sequence is one long page.
    Bytes, with N the keys of all sequences, T = ceil(heads / groups / HEADS), S splits, b sequences:
        T groups N (d k + e v) + T groups N (4 table) + S b heads d q
        + S b heads (e o + 4) + S b T groups (4 lengths), o in float32 if S > 1
    FLOPs: 2 HEADS (D + E) on tensor cores per key, key head and tile of heads; 1 exponential per score.
    """
    sequence, key_head, head, known = place(heads, groups, HEADS)
    first, end = share(lengths_ptr, sequence, n, KEYS)
    feature, column = tl.arange(0, D)[None, :], tl.arange(0, E)[None, :]
    q_at = sequence * q_sequence + head * q_head + feature * q_feature
    q = tl.load(q_ptr + q_at, mask=known & (feature < d), other=0.0)
    m = tl.full([HEADS, 1], float("-inf"), tl.float32)
    l, o = tl.full([HEADS, 1], 0.0, tl.float32), tl.full([HEADS, E], 0.0, tl.float32)
    for start in tl.range(first, end, KEYS, num_stages=STAGES):
        key = start + tl.arange(0, KEYS)[:, None]
        there = key < end
        page, slot = sequence, key.to(tl.int64)
        if table_ptr is not None:
            page_at = table_ptr + sequence * table_sequence + key // PAGE
            page, slot = tl.load(page_at, mask=there, other=0).to(tl.int64), key % PAGE
        k_at = page * k_page + key_head * k_head + slot * k_slot + feature * k_feature
        v_at = page * v_page + key_head * v_head + slot * v_slot + column * v_feature
        k = tl.load(k_ptr + k_at, mask=there & (feature < d), other=0.0)
        v = tl.load(v_ptr + v_at, mask=there & (column < e), other=0.0)
        s = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        m, l, o = fold(m, l, o, tl.where(tl.trans(there), s, float("-inf")), v)
    finish(m, l, o, o_ptr, lse_ptr, sequence, head, heads, e, column, known)
