"""Decoding as functions of tensors alone: the definition, and ours.

Convention: the judge turns every tensor into float64, whole numbers too; so they are made whole again here.
"""

from torch import Tensor

from glassbox.attention.api import decode as api
from glassbox.attention.reference import decode as reference

LATENT_SCALE = (128 + 64) ** -0.5  # of DeepSeek's heads before they are absorbed


def decode(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return the reference's decoding from a contiguous cache."""
    return reference.decode(q, k, v).output


def paged(q: Tensor, key_pages: Tensor, value_pages: Tensor, table: Tensor, lengths: Tensor) -> Tensor:
    """Return the reference's decoding from a paged cache: the pages are gathered first."""
    return reference.paged_decode(q, key_pages, value_pages, table.int(), lengths.int()).output


def latent(q: Tensor, q_rotary: Tensor, rows: Tensor, k_rotary: Tensor) -> Tensor:
    """Return the reference's decoding from a cache of latents."""
    return reference.latent_decode(q, q_rotary, rows, k_rotary, None, LATENT_SCALE).output


def our_decode(q: Tensor, k: Tensor, v: Tensor, backend: str = "compiled") -> Tensor:
    """Return our decoding from a contiguous cache."""
    return api.decode_attention(q, k, v, backend=backend)


def our_paged(
    q: Tensor,
    key_pages: Tensor,
    value_pages: Tensor,
    table: Tensor,
    lengths: Tensor,
    backend: str = "compiled",
) -> Tensor:
    """Return our decoding from a paged cache."""
    return api.paged_decode_attention(q, key_pages, value_pages, table, lengths, backend=backend)


def our_latent(
    q: Tensor, q_rotary: Tensor, rows: Tensor, k_rotary: Tensor, backend: str = "compiled"
) -> Tensor:
    """Return our decoding from a cache of latents."""
    return api.latent_decode_attention(q, q_rotary, rows, k_rotary, scale=LATENT_SCALE, backend=backend)
