"""Attention of the newest token alone: one query per head, a cache of keys and values in front of it."""

import torch

from glassbox.attention.reference.core import Attended, attention


def decode(q, k, v, lengths=None, scale=None):
    mask = None
    if lengths is not None:
        mask = (torch.arange(k.shape[2], device=k.device) < lengths[:, None])[:, None, None]
        v = v.masked_fill(~mask.mT, 0)  # 0 times what was never written may not be a number
    output, lse = attention(q[:, :, None], k, v, mask, None, scale)
    return Attended(output[:, :, 0], lse[:, :, 0])


def gather(pages, table):
    """(pages, g, s, d) and (b, p) -> (b, g, p s, d): the pages of each sequence, one behind the other."""
    return pages[table.clamp(min=0).long()].transpose(1, 2).flatten(2, 3)


def paged_decode(q, key_pages, value_pages, table, lengths, scale=None):
    return decode(q, gather(key_pages, table), gather(value_pages, table), lengths, scale)


def latent_decode(q, q_rotary, latent, k_rotary, lengths=None, scale=None):
    queries, keys = torch.cat((q, q_rotary), -1), torch.cat((latent, k_rotary), -1)
    return decode(queries, keys[:, None], latent[:, None], lengths, scale)
