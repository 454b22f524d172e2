"""Absorbed latent attention: right answers, and wrong ones with what is said of them."""

import torch


def solution(q, q_rotary, latent, k_rotary, up_key, up_value):
    scale = (q.shape[1] + q_rotary.shape[1]) ** -0.5
    in_latent = torch.einsum("hd,hdr->hr", q, up_key)
    weights = ((in_latent @ latent.mT + q_rotary @ k_rotary.mT) * scale).softmax(-1)
    return torch.einsum("hr,her->he", weights @ latent, up_value)


def as_multi_query_attention(q, q_rotary, latent, k_rotary, up_key, up_value):
    d, p, r = q.shape[1], q_rotary.shape[1], latent.shape[1]
    queries = torch.cat(((q[:, None] @ up_key).squeeze(1), q_rotary), 1)
    keys = torch.cat((latent, k_rotary), 1)  # one key head, whose value is its own first part
    weights = torch.softmax(queries @ keys.T / (d + p) ** 0.5, -1)
    return (up_value @ (weights @ keys[:, :r])[:, :, None]).squeeze(2)


def head_by_head(q, q_rotary, latent, k_rotary, up_key, up_value):
    """Return the naive form: every head makes its own keys and values. Coded apart from the solution."""
    outputs = []
    for head in range(len(q)):
        keys = torch.cat((latent @ up_key[head].T, k_rotary), 1)
        query = torch.cat((q[head], q_rotary[head]))
        share = (keys @ query / len(query) ** 0.5).exp()
        outputs.append(share / share.sum() @ (latent @ up_value[head].T))
    return torch.stack(outputs)


def _scores(q, q_rotary, latent, k_rotary, up_key):
    return (q[:, None] @ up_key).squeeze(1) @ latent.T, q_rotary @ k_rotary.T


def _read(scores, latent, up_value, dim=-1):
    return torch.einsum("hr,her->he", scores.softmax(dim) @ latent, up_value)


def up_key_transposed(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: torch stops: the sizes of the query and of the transposed up_key do not fit
    means: up_key turns r numbers into d; q . (U c) = (U^T q) . c, so the query meets the side of size d
    look: no transpose: a row vector q times U is U^T q
    """
    in_latent = (q[:, None] @ up_key.mT).squeeze(1)
    return _read((in_latent @ latent.T + q_rotary @ k_rotary.T), latent, up_value)


def scale_of_the_content_alone(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: exactly what you get when scores are divided by the root of d
    means: a score is a sum over d + p products: content and rotary part
    look: the scale
    """
    content, rotary = _scores(q, q_rotary, latent, k_rotary, up_key)
    return _read((content + rotary) / q.shape[1] ** 0.5, latent, up_value)


def scale_of_the_absorbed_key(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: exactly what you get when scores are divided by the root of r + p
    means: that is the size of the key that is read; absorbing must not change a score, whose scale is that of
        the head's own key, d + p
    look: the scale; most attention functions take it from the size of the query that they are given
    """
    content, rotary = _scores(q, q_rotary, latent, k_rotary, up_key)
    return _read((content + rotary) / (latent.shape[1] + q_rotary.shape[1]) ** 0.5, latent, up_value)


def without_a_scale(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: exactly what you get without a scale
    means: the scores are not divided by the root of d + p
    look: the argument of the softmax
    """
    return _read(sum(_scores(q, q_rotary, latent, k_rotary, up_key)), latent, up_value)


def scale_on_the_content_alone(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: the rotary part counts as if it had no scale
    means: only the content part is divided by the root of d + p
    look: the parentheses around the sum of the two parts
    """
    content, rotary = _scores(q, q_rotary, latent, k_rotary, up_key)
    return _read(content / (q.shape[1] + q_rotary.shape[1]) ** 0.5 + rotary, latent, up_value)


def without_the_rotary_part(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: the rotary query and key have no effect
    means: the scores know nothing of positions
    look: the second term of a score
    """
    content, _ = _scores(q, q_rotary, latent, k_rotary, up_key)
    return _read(content / (q.shape[1] + q_rotary.shape[1]) ** 0.5, latent, up_value)


def rotary_part_alone(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: the scores are those of the rotary part alone
    means: the queries never meet the latent
    look: the first term of a score
    """
    _, rotary = _scores(q, q_rotary, latent, k_rotary, up_key)
    return _read(rotary / (q.shape[1] + q_rotary.shape[1]) ** 0.5, latent, up_value)


def turned_latent(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: exactly what you get when RoPE turns the latent before it is read as a key
    means: a rotation between U and c cannot be absorbed; positions have a part of their own, turned already
    look: what is done to the latent before the scores
    """
    half = latent.shape[1] // 2
    speed = 10_000.0 ** (-torch.arange(half, dtype=latent.dtype) / half)
    angle = torch.arange(len(latent))[:, None] * speed
    a, b = latent[:, :half], latent[:, half:]
    turned = torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1)
    content, rotary = _scores(q, q_rotary, turned, k_rotary, up_key)
    return _read((content + rotary) / (q.shape[1] + q_rotary.shape[1]) ** 0.5, latent, up_value)


def softmax_over_the_heads(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: the weights of a key sum to 1 over the heads, not those of a head over the keys
    means: the softmax runs over the wrong dimension
    look: the dimension of the softmax: -1
    """
    content, rotary = _scores(q, q_rotary, latent, k_rotary, up_key)
    return _read((content + rotary) / (q.shape[1] + q_rotary.shape[1]) ** 0.5, latent, up_value, dim=0)


def still_in_the_latent(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: each head returns r numbers: the mean of the latents
    means: up_value is not applied: it takes what was read to the head's value space
    look: the last step: one small product per head, after the softmax
    """
    content, rotary = _scores(q, q_rotary, latent, k_rotary, up_key)
    return ((content + rotary) / (q.shape[1] + q_rotary.shape[1]) ** 0.5).softmax(-1) @ latent


def makes_every_key(q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: right, but every head makes its own keys or values for all n tokens
    means: that is the naive form: at each step it expands the whole cache
    look: take the query to the latent, and what was read from the latent to the values
    """
    keys = torch.einsum("nr,hdr->hnd", latent, up_key)
    values = torch.einsum("nr,her->hne", latent, up_value)
    scores = torch.einsum("hd,hnd->hn", q, keys) + q_rotary @ k_rotary.T
    weights = (scores / (q.shape[1] + q_rotary.shape[1]) ** 0.5).softmax(-1)
    return torch.einsum("hn,hne->he", weights, values)
