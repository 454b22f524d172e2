"""The attention kernels, their launchers, and the operators that they are called through."""

from glassbox.attention.kernels.combination import combine_splits
from glassbox.attention.kernels.grouped import decode_split
from glassbox.attention.kernels.latent import latent_decode_split
from glassbox.attention.kernels.launchers import decode, latent_decode, paged_decode, splits_of
from glassbox.attention.kernels.operators import (
    decode_attention,
    latent_decode_attention,
    paged_decode_attention,
)

__all__ = (
    "combine_splits",
    "decode",
    "decode_attention",
    "decode_split",
    "latent_decode",
    "latent_decode_attention",
    "latent_decode_split",
    "paged_decode",
    "paged_decode_attention",
    "splits_of",
)
