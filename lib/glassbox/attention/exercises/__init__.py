"""The exercises of notebook 03, in its order, and two tasks for the whiteboard alone."""

# ruff: noqa: I001  (the order is that of the notebook)
from glassbox.attention.exercises.grouped import grouped_attention
from glassbox.attention.exercises.chunk import chunk_mask
from glassbox.attention.exercises.padding import left_padding
from glassbox.attention.exercises.rotation import cached_rotation
from glassbox.attention.exercises.cached_bytes import cache_bytes
from glassbox.attention.exercises.latent import absorb
from glassbox.attention.exercises.explain import explain_cache
from glassbox.attention.exercises.log_sum_exp import log_sum_exp
from glassbox.attention.exercises.step import gqa_with_cache

__all__ = [
    "absorb",
    "cache_bytes",
    "cached_rotation",
    "chunk_mask",
    "explain_cache",
    "gqa_with_cache",
    "grouped_attention",
    "left_padding",
    "log_sum_exp",
]
