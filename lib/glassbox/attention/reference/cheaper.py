"""Attention without all t x n softmax scores: linear (a kernel's feature map) and low-rank (fewer keys)."""

from typing import NamedTuple

import torch

from glassbox.attention.reference.core import attention
from glassbox.norms.reference import wide


def elu_plus_one(x):
    """elu(x) + 1 = x + 1 above zero, exp(x) below: positive, so that no weight is negative."""
    return torch.where(x > 0, x + 1, x.clamp(max=0).exp())


def divided(summed, total):
    """The weighted mean; zeros where nothing was summed."""
    return summed / total.masked_fill(total == 0, 1)


def linear_attention(q, k, v, causal=True, feature=elu_plus_one):
    fq, fk = feature(wide(q)), feature(wide(k))
    if causal:
        weights = (fq @ fk.mT).tril(k.shape[-2] - q.shape[-2])
        return divided(weights @ wide(v), weights.sum(-1, keepdim=True)).to(q.dtype)
    total = fq @ fk.sum(-2, keepdim=True).mT
    return divided(fq @ (fk.mT @ wide(v)), total).to(q.dtype)


class LinearState(NamedTuple):
    """All that linear attention keeps of the past: its size does not grow."""

    memory: torch.Tensor  # (b, h, f, e): sum of feature(k) v^T
    total: torch.Tensor  # (b, h, f): sum of feature(k)


def linear_start(k, v, feature=elu_plus_one):
    """The state before the first token, for keys and values like these (b, h, ..., d)."""
    one = feature(wide(k.new_zeros(*k.shape[:2], k.shape[-1])))
    values = wide(v.new_zeros(*v.shape[:2], 1, v.shape[-1]))
    return LinearState(torch.zeros_like(one)[..., None] * values, torch.zeros_like(one))


def linear_step(state, q, k, v, feature=elu_plus_one):
    """Fold one token (b, h, d) into the state, then read the state with its query."""
    fq, fk = feature(wide(q)), feature(wide(k))
    state = LinearState(state.memory + fk[..., None] * wide(v)[..., None, :], state.total + fk)
    summed = (fq[..., None, :] @ state.memory).squeeze(-2)
    total = (fq * state.total).sum(-1, keepdim=True)
    return divided(summed, total).to(q.dtype), state


def linear_attention_recurrent(q, k, v, feature=elu_plus_one, state=None):
    state = linear_start(k, v, feature) if state is None else state
    outputs = [v[..., :0, :]]
    for token in zip(q.unbind(-2), k.unbind(-2), v.unbind(-2), strict=True):
        output, state = linear_step(state, *token, feature)
        outputs.append(output.unsqueeze(-2))
    return torch.cat(outputs, -2), state


def low_rank_attention(q, k, v, project_key, project_value):
    fewer_keys, fewer_values = wide(project_key) @ wide(k), wide(project_value) @ wide(v)
    return attention(q, fewer_keys, fewer_values).output
