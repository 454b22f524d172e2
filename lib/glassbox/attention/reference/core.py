"""Scaled dot-product attention, and the heads around it."""

from typing import NamedTuple

import torch

from glassbox.norms.reference import wide


class Attended(NamedTuple):
    """Attention's output, and the log of the softmax's denominator for each row of scores."""

    output: torch.Tensor
    lse: torch.Tensor


def softmax(scores):
    """The softmax of each row and its log-sum-exp; a row of -inf gives zeros and -inf."""
    top = scores.detach().amax(-1, keepdim=True)
    top = top.masked_fill(top == -torch.inf, 0)  # -inf less -inf is not a number
    weights = (scores - top).exp()
    total = weights.sum(-1, keepdim=True)
    empty = total == 0
    total = total.masked_fill(empty, 1)
    return weights / total, (top + total.log()).masked_fill(empty, -torch.inf).squeeze(-1)


def by_group(x, groups):
    """(b, h, t, d) -> (b, g, h/g t, d): all rows that read one key head, so that no key is copied."""
    return x.unflatten(1, (groups, x.shape[1] // groups)).flatten(2, 3)


def attention(q, k, v, mask=None, bias=None, scale=None):
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    rows = q.shape[:3]  # b, h, t
    scores = (by_group(wide(q) * scale, k.shape[1]) @ wide(k).mT).reshape(*rows, k.shape[2])
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights, lse = softmax(scores)
    output = (by_group(weights, k.shape[1]) @ wide(v)).reshape(*rows, v.shape[3])
    return Attended(output.to(q.dtype), lse)


class HeadWeights(NamedTuple):
    """The four matrices of an attention layer, each (outputs, inputs) as in `nn.Linear`."""

    query: torch.Tensor  # (h d, m)
    key: torch.Tensor  # (g d, width of the source)
    value: torch.Tensor  # (g e, width of the source)
    output: torch.Tensor  # (m, h e)


def split_heads(x, heads):
    """(b, t, h d) -> (b, h, t, d)."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


def merge_heads(x):
    """(b, h, t, d) -> (b, t, h d)."""
    return x.transpose(1, 2).flatten(-2)


def multi_head_attention(x, weights, heads, kv_heads, source=None, mask=None, bias=None):
    source = x if source is None else source
    q = split_heads(x @ weights.query.mT, heads)
    k = split_heads(source @ weights.key.mT, kv_heads)
    v = split_heads(source @ weights.value.mT, kv_heads)
    return merge_heads(attention(q, k, v, mask, bias).output) @ weights.output.mT
