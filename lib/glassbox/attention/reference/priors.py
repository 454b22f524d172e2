"""Weights that are known before the content is read: added to the scores, or in their place."""

import torch

from glassbox.attention.reference.core import softmax
from glassbox.norms.reference import wide


def locality_prior(t, n, width, like):
    """(t, n): the log of a bell curve around each query's own position, without its constant."""
    distance = torch.arange(n - t, n, device=like.device)[:, None] - torch.arange(n, device=like.device)
    return -(distance.to(wide(like[:0]).dtype) / width).square() / 2


def prior_attention(prior, v, mask=None):
    prior = wide(prior) if mask is None else wide(prior).masked_fill(~mask, -torch.inf)
    return (softmax(prior)[0] @ wide(v)).to(v.dtype)
