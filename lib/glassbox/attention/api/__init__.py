"""The attentions with their conventions and argument checks; the equations themselves are in `reference`."""

from glassbox.attention.api.approximate import (
    hash_attention,
    positive_features,
    random_feature_attention,
    same_bucket,
)
from glassbox.attention.api.blocks import fuse, fused_parallel_block, parallel_block, serial_block
from glassbox.attention.api.cheaper import (
    linear_attention,
    linear_attention_recurrent,
    linear_step,
    low_rank_attention,
)
from glassbox.attention.api.decode import decode_attention, latent_decode_attention, paged_decode_attention
from glassbox.attention.api.disentangled import disentangled_attention, disentangled_terms
from glassbox.attention.api.latent import latent_attention
from glassbox.attention.api.softmax import multi_head_attention, scaled_dot_product_attention
from glassbox.attention.api.summarised import (
    clustered_attention,
    locality_prior,
    pooled_attention,
    prior_attention,
    two_level_attention,
)

__all__ = [
    "clustered_attention",
    "decode_attention",
    "disentangled_attention",
    "disentangled_terms",
    "fuse",
    "fused_parallel_block",
    "hash_attention",
    "latent_attention",
    "latent_decode_attention",
    "linear_attention",
    "linear_attention_recurrent",
    "linear_step",
    "locality_prior",
    "low_rank_attention",
    "multi_head_attention",
    "paged_decode_attention",
    "parallel_block",
    "pooled_attention",
    "positive_features",
    "prior_attention",
    "random_feature_attention",
    "same_bucket",
    "scaled_dot_product_attention",
    "serial_block",
    "two_level_attention",
]
