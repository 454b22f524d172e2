"""Decoding as PyTorch operators: known to torch.compile and meta tensors; inference only, no gradient.

No operator's kernel computes a gradient; `api.decode` says so before one is asked for.
"""

import torch
from torch import Tensor

from glassbox.attention.kernels.launchers import decode, latent_decode, paged_decode


def _backend(q: Tensor) -> str:
    return "compiled" if q.is_cuda else "simulated"


def _like(q: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    return q.new_empty(*q.shape[:2], values.shape[-1]), q.new_empty(q.shape[:2], dtype=torch.float32)


@torch.library.custom_op("glassbox::decode_attention", mutates_args=())
def decode_attention(
    q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Return the output and the log-sum-exp of one query per head over a contiguous cache."""
    return tuple(decode(q, k, v, lengths, scale, backend=_backend(q)))


@decode_attention.register_fake
def _(q, k, v, lengths, scale):
    return _like(q, v)


@torch.library.custom_op("glassbox::paged_decode_attention", mutates_args=())
def paged_decode_attention(
    q: Tensor, key_pages: Tensor, value_pages: Tensor, table: Tensor, lengths: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Return the output and the log-sum-exp of one query per head over a paged cache."""
    return tuple(paged_decode(q, key_pages, value_pages, table, lengths, scale, backend=_backend(q)))


@paged_decode_attention.register_fake
def _(q, key_pages, value_pages, table, lengths, scale):
    return _like(q, value_pages)


@torch.library.custom_op("glassbox::latent_decode_attention", mutates_args=())
def latent_decode_attention(
    q: Tensor, q_rotary: Tensor, latent: Tensor, k_rotary: Tensor, lengths: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Return the output, in latent space, and the log-sum-exp of one query per head over a latent cache."""
    return tuple(latent_decode(q, q_rotary, latent, k_rotary, lengths, scale, backend=_backend(q)))


@latent_decode_attention.register_fake
def _(q, q_rotary, latent, k_rotary, lengths, scale):
    return _like(q, latent)
