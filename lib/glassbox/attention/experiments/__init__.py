"""The experiments of notebook 03: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.attention.experiments.approximations import (
    hash_recall,
    low_rank_error,
    random_feature_error,
    singular_values,
    state_capacity,
    two_levels,
)
from glassbox.attention.experiments.conversion import conversion
from glassbox.attention.experiments.counting import (
    compared_pairs,
    complexity,
    counted,
    products,
    projections,
    saved_bytes,
    score_entries,
    sharing_saves,
    softmax_cost,
)
from glassbox.attention.experiments.decode_time import decode_time, growth
from glassbox.attention.experiments.families import compression, families, inside
from glassbox.attention.experiments.heads import head_maps_with_shared_query, prune_heads, single_heads
from glassbox.attention.experiments.lookups import accuracies, lookups
from glassbox.attention.experiments.memory import segment_memory, segment_reach, segment_retrieval
from glassbox.attention.experiments.prior import prior
from glassbox.attention.experiments.ranks import attention_maps, ranks
from glassbox.attention.experiments.recorded import recorded
from glassbox.attention.experiments.reversal import alignment, looks_mirrored, reversal
from glassbox.attention.experiments.scaling import relative_entropy, scaling, softmax_row
from glassbox.attention.experiments.sparse import reach
from glassbox.attention.experiments.stability import gradient_spread, stability, step_time
from glassbox.attention.experiments.terms import dropped_terms, term_maps
from glassbox.attention.experiments.traced import maps, traced_heads
from glassbox.attention.experiments.traffic import latent_once, packed_heads, split_keys
from glassbox.attention.experiments.training_summaries import against, finals, summary
from glassbox.attention.experiments.training_variants import quality, sharing
from glassbox.measured import loglog_slope, mean_of, median_of, spread_of

__all__ = [
    "accuracies",
    "against",
    "alignment",
    "attention_maps",
    "compared_pairs",
    "complexity",
    "compression",
    "conversion",
    "counted",
    "decode_time",
    "dropped_terms",
    "families",
    "finals",
    "gradient_spread",
    "growth",
    "hash_recall",
    "head_maps_with_shared_query",
    "inside",
    "latent_once",
    "loglog_slope",
    "looks_mirrored",
    "lookups",
    "low_rank_error",
    "maps",
    "mean_of",
    "median_of",
    "packed_heads",
    "prior",
    "products",
    "projections",
    "prune_heads",
    "quality",
    "random_feature_error",
    "ranks",
    "reach",
    "recorded",
    "relative_entropy",
    "reversal",
    "saved_bytes",
    "scaling",
    "score_entries",
    "segment_memory",
    "segment_reach",
    "segment_retrieval",
    "sharing",
    "sharing_saves",
    "single_heads",
    "singular_values",
    "softmax_cost",
    "softmax_row",
    "split_keys",
    "spread_of",
    "stability",
    "state_capacity",
    "step_time",
    "summary",
    "term_maps",
    "traced_heads",
    "two_levels",
]
