"""Decoding from the latent cache of MLA, absorbed: one row per token is key and value of all heads."""

from glassbox.attention.kernels.pieces import finish, fold, place, share
from glassbox.machine import tl, triton


@triton.jit
def latent_decode_split(
    q_ptr, q_rotary_ptr, latent_ptr, k_rotary_ptr, lengths_ptr, o_ptr, lse_ptr,
    heads, n, r, p, scale,
    q_sequence, q_head, q_feature, turned_sequence, turned_head, turned_feature,
    c_sequence, c_token, c_feature, k_sequence, k_token, k_feature,
    HEADS: tl.constexpr, KEYS: tl.constexpr, R: tl.constexpr, P: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Attend from up to HEADS heads to one split of the latents, KEYS at a time.

    Each tile of latents is loaded once: it meets the queries as keys, and the weights as values.
    Bytes, with N the tokens of all sequences, T = ceil(heads / HEADS), S splits, b sequences:
        T N (r latent + p k_rotary) + S b heads (r q + p q_rotary)
        + S b heads (r o + 4) + S b T (4 lengths), o in float32 if S > 1
    FLOPs: 2 HEADS (2 R + P) on tensor cores per token and tile of heads; 1 exponential per score.
    """
    sequence, _, head, known = place(heads, 1, HEADS)
    first, end = share(lengths_ptr, sequence, n, KEYS)
    feature, turned = tl.arange(0, R)[None, :], tl.arange(0, P)[None, :]
    q_at = sequence * q_sequence + head * q_head + feature * q_feature
    q = tl.load(q_ptr + q_at, mask=known & (feature < r), other=0.0)
    turned_at = sequence * turned_sequence + head * turned_head + turned * turned_feature
    q_rotary = tl.load(q_rotary_ptr + turned_at, mask=known & (turned < p), other=0.0)
    m = tl.full([HEADS, 1], float("-inf"), tl.float32)
    l, o = tl.full([HEADS, 1], 0.0, tl.float32), tl.full([HEADS, R], 0.0, tl.float32)
    for start in tl.range(first, end, KEYS, num_stages=STAGES):
        token = start + tl.arange(0, KEYS)[:, None].to(tl.int64)
        there = token < end
        c_at = sequence * c_sequence + token * c_token + feature * c_feature
        k_at = sequence * k_sequence + token * k_token + turned * k_feature
        latent = tl.load(latent_ptr + c_at, mask=there & (feature < r), other=0.0)
        k_rotary = tl.load(k_rotary_ptr + k_at, mask=there & (turned < p), other=0.0)
        s = tl.dot(q_rotary, tl.trans(k_rotary), input_precision="ieee")
        s = tl.dot(q, tl.trans(latent), s, input_precision="ieee") * scale
        m, l, o = fold(m, l, o, tl.where(tl.trans(there), s, float("-inf")), latent)
    finish(m, l, o, o_ptr, lse_ptr, sequence, head, heads, r, feature, known)
