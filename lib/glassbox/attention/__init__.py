"""Attention: queries, keys, values and the mechanisms around them (notebook 03)."""

from glassbox.attention import masks
from glassbox.attention.api import (
    fuse,
    fused_parallel_block,
    latent_attention,
    linear_attention,
    linear_attention_recurrent,
    linear_step,
    low_rank_attention,
    multi_head_attention,
    parallel_block,
    scaled_dot_product_attention,
    serial_block,
)
from glassbox.attention.masks import Mask
from glassbox.attention.modules import LatentAttention, Latents, MultiHeadAttention
from glassbox.attention.reference.blocks import BlockWeights, FusedWeights
from glassbox.attention.reference.cheaper import LinearState, elu_plus_one
from glassbox.attention.reference.core import Attended, HeadWeights

__all__ = [
    "Attended",
    "BlockWeights",
    "FusedWeights",
    "HeadWeights",
    "LatentAttention",
    "Latents",
    "LinearState",
    "Mask",
    "MultiHeadAttention",
    "elu_plus_one",
    "fuse",
    "fused_parallel_block",
    "latent_attention",
    "linear_attention",
    "linear_attention_recurrent",
    "linear_step",
    "low_rank_attention",
    "masks",
    "multi_head_attention",
    "parallel_block",
    "scaled_dot_product_attention",
    "serial_block",
]
