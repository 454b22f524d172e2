"""Multi-head latent attention: one small latent per token, from which every head's keys and values come."""

import torch
from torch.nn import functional

from glassbox.attention.reference.core import attention
from glassbox.norms.reference import wide
from glassbox.tiny.rotation import rotate


def rotate_from(x, first=0, base=10_000.0):
    """RoPE for tokens at positions first, first + 1, ...: pairs (i, i + p/2), as `tiny.rotation.rotate`."""
    return rotate(functional.pad(x, (0, 0, first, 0)), base)[..., first:, :]


def naive(q, q_rotary, latent, k_rotary, up_key, up_value, mask=None):
    """Make every head's keys and values from the latent, then attend as usual: multi-head attention."""
    content = torch.einsum("bnr,hdr->bhnd", wide(latent), wide(up_key))
    values = torch.einsum("bnr,her->bhne", wide(latent), wide(up_value))
    shared = wide(k_rotary)[:, None].expand(-1, content.shape[1], -1, -1)
    queries, keys = torch.cat((wide(q), wide(q_rotary)), -1), torch.cat((content, shared), -1)
    return attention(queries, keys, values, mask).output.to(q.dtype)


def absorbed(q, q_rotary, latent, k_rotary, up_key, up_value, mask=None):
    """Take each query to the latent instead, and read the latent itself: multi-query attention."""
    scale = (q.shape[-1] + q_rotary.shape[-1]) ** -0.5
    in_latent = torch.einsum("bhtd,hdr->bhtr", wide(q), wide(up_key))
    queries = torch.cat((in_latent, wide(q_rotary)), -1)
    keys = torch.cat((wide(latent), wide(k_rotary)), -1)[:, None]
    mixed = attention(queries, keys, wide(latent)[:, None], mask, None, scale).output
    return torch.einsum("bhtr,her->bhte", mixed, wide(up_value)).to(q.dtype)
