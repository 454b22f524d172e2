"""The experiments of notebook 05: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.measured import loglog_slope, mean_of, median_of, spread_of
from glassbox.tokens.experiments.checklist import (
    digit_cuts,
    digits,
    probe,
    probe_grid,
    recipes,
    splits,
    spoiled,
)
from glassbox.tokens.experiments.encoding_cost import quadratic
from glassbox.tokens.experiments.fertility import fertility
from glassbox.tokens.experiments.glitches import (
    glitch_neighbours,
    glitches,
    origins,
    token_groups,
    wide_tokenizer,
)
from glassbox.tokens.experiments.loss_per_byte import finals, loss_per_byte
from glassbox.tokens.experiments.merges import first_merges, merge_curve, segmented_differently
from glassbox.tokens.experiments.optimality import (
    counts_by_prefix,
    counts_not_monotone,
    fewest,
    longest_match,
    not_optimal,
    three_ways,
)
from glassbox.tokens.experiments.recorded import recorded
from glassbox.tokens.experiments.speed import ratios
from glassbox.tokens.experiments.vocabulary import counted_bits, flops_per_byte, vocabulary_cost

__all__ = [
    "counted_bits",
    "counts_by_prefix",
    "counts_not_monotone",
    "digit_cuts",
    "digits",
    "fertility",
    "fewest",
    "finals",
    "first_merges",
    "flops_per_byte",
    "glitch_neighbours",
    "glitches",
    "loglog_slope",
    "longest_match",
    "loss_per_byte",
    "mean_of",
    "median_of",
    "merge_curve",
    "not_optimal",
    "origins",
    "probe",
    "probe_grid",
    "quadratic",
    "ratios",
    "recipes",
    "recorded",
    "segmented_differently",
    "splits",
    "spoiled",
    "spread_of",
    "three_ways",
    "token_groups",
    "vocabulary_cost",
    "wide_tokenizer",
]
