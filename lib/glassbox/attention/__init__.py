"""Attention: queries, keys, values and the mechanisms around them (notebook 03)."""

from glassbox.attention import accounting, masks
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
from glassbox.attention.caches import ContiguousCache, PagedCache, SinkCache, places
from glassbox.attention.conversion import mha_to_gqa, pool_heads
from glassbox.attention.masks import Mask
from glassbox.attention.modules import LatentAttention, Latents, MultiHeadAttention
from glassbox.attention.reference.blocks import BlockWeights, FusedWeights
from glassbox.attention.reference.cheaper import LinearState, elu_plus_one
from glassbox.attention.reference.core import Attended, HeadWeights

__all__ = [
    "Attended",
    "BlockWeights",
    "ContiguousCache",
    "FusedWeights",
    "HeadWeights",
    "LatentAttention",
    "Latents",
    "LinearState",
    "Mask",
    "MultiHeadAttention",
    "PagedCache",
    "SinkCache",
    "accounting",
    "elu_plus_one",
    "fuse",
    "fused_parallel_block",
    "latent_attention",
    "linear_attention",
    "linear_attention_recurrent",
    "linear_step",
    "low_rank_attention",
    "masks",
    "mha_to_gqa",
    "multi_head_attention",
    "parallel_block",
    "places",
    "pool_heads",
    "scaled_dot_product_attention",
    "serial_block",
]
