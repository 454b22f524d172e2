"""The experiments of notebook 03: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.attention.experiments.conversion import conversion
from glassbox.attention.experiments.decode_time import decode_time, growth
from glassbox.attention.experiments.lookups import accuracies, lookups
from glassbox.attention.experiments.prior import prior
from glassbox.attention.experiments.recorded import recorded
from glassbox.attention.experiments.reversal import alignment, looks_mirrored, reversal
from glassbox.attention.experiments.stability import gradient_spread, stability, step_time
from glassbox.attention.experiments.training_summaries import against, finals, summary
from glassbox.attention.experiments.training_variants import quality, sharing

__all__ = [
    "accuracies",
    "against",
    "alignment",
    "conversion",
    "decode_time",
    "finals",
    "gradient_spread",
    "growth",
    "looks_mirrored",
    "lookups",
    "prior",
    "quality",
    "recorded",
    "reversal",
    "sharing",
    "stability",
    "step_time",
    "summary",
]
