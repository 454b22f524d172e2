"""DeBERTa's attention: content and relative position score apart, in three terms."""

from typing import NamedTuple

import torch

from glassbox.attention.reference.core import attention
from glassbox.norms.reference import wide


class DisentangledTerms(NamedTuple):
    """The three scores of each pair, not yet scaled."""

    content_to_content: torch.Tensor  # (b, h, t, n)
    content_to_position: torch.Tensor  # (b, h, t, n)
    position_to_content: torch.Tensor  # (b, h, t, n)


def relative_index(one, other, reach):
    """delta(one, other) for two rows of positions: one - other + reach, cut to 0 ... 2 reach - 1."""
    return (one[:, None] - other).clamp(-reach, reach - 1) + reach


def disentangled_terms(q, k, position_query, position_key):
    t, n, reach = q.shape[2], k.shape[2], position_key.shape[1] // 2
    query, key = torch.arange(n - t, n, device=q.device), torch.arange(n, device=q.device)
    of_query = wide(q) @ wide(position_key).mT  # (b, h, t, 2 reach)
    of_key = wide(k) @ wide(position_query).mT  # (b, h, n, 2 reach)
    forward = relative_index(query, key, reach).expand(*q.shape[:2], t, n)
    backward = relative_index(key, query, reach).expand(*q.shape[:2], n, t)
    return DisentangledTerms(
        wide(q) @ wide(k).mT, of_query.gather(-1, forward), of_key.gather(-1, backward).mT
    )


def disentangled_attention(q, k, v, position_query, position_key, mask=None):
    scale = (3 * q.shape[-1]) ** -0.5
    terms = disentangled_terms(q, k, position_query, position_key)
    return attention(q, k, v, mask, scale * (terms[1] + terms[2]), scale).output
