"""The attentions with their conventions and argument checks; the equations themselves are in `reference`."""

from glassbox.attention.api.blocks import fuse, fused_parallel_block, parallel_block, serial_block
from glassbox.attention.api.cheaper import (
    linear_attention,
    linear_attention_recurrent,
    linear_step,
    low_rank_attention,
)
from glassbox.attention.api.latent import latent_attention
from glassbox.attention.api.softmax import multi_head_attention, scaled_dot_product_attention

__all__ = [
    "fuse",
    "fused_parallel_block",
    "latent_attention",
    "linear_attention",
    "linear_attention_recurrent",
    "linear_step",
    "low_rank_attention",
    "multi_head_attention",
    "parallel_block",
    "scaled_dot_product_attention",
    "serial_block",
]
