"""Softmax attention by fewer comparisons (hashing), or by products of random features."""

import torch

from glassbox.attention.reference.cheaper import linear_attention
from glassbox.attention.reference.core import attention
from glassbox.norms.reference import wide


def hash_buckets(x, rotations):
    """(b, h, n, d) -> (rounds, b, h, n): the nearest of the 2 c directions +-column, in each round."""
    turned = torch.einsum("bhnd,rdc->rbhnc", wide(x), wide(rotations))
    return torch.cat((turned, -turned), -1).argmax(-1)


def same_bucket(q, k, rotations):
    """(b, h, t, n): True where query and key fall into one bucket in at least one round."""
    of_query, of_key = hash_buckets(q, rotations), hash_buckets(k, rotations)
    of_key = of_key.repeat_interleave(q.shape[1] // k.shape[1], 2)
    return (of_query[..., :, None] == of_key[..., None, :]).any(0)


def hash_attention(q, k, v, rotations, mask=None):
    near = same_bucket(q, k, rotations)
    return attention(q, k, v, near if mask is None else near & mask).output


def log_positive_features(x, directions):
    x = wide(x)
    return x @ wide(directions).mT - x.square().sum(-1, keepdim=True) / 2


def positive_features(x, directions):
    return log_positive_features(x, directions).exp() / len(directions) ** 0.5


def random_feature_attention(q, k, v, directions, causal=True):
    root = q.shape[-1] ** -0.25
    of_query, of_key = (log_positive_features(wide(x) * root, directions) for x in (q, k))
    of_query = of_query - of_query.detach().amax(-1, keepdim=True)  # both cancel in the weighted mean;
    of_key = of_key - of_key.detach().amax((-2, -1), keepdim=True)  # without them exp overflows
    mixed = linear_attention(of_query.exp(), of_key.exp(), wide(v), causal, lambda features: features)
    return mixed.to(q.dtype)
