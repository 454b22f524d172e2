"""The experiments of notebook 01: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.measured import loglog_slope, mean_of, median_of, spread_of
from glassbox.norms.experiments.batch_statistics import (
    changed_positions,
    lone_row,
    neighbour_effect,
    padding_effect,
    statistics_over_steps,
)
from glassbox.norms.experiments.changes import gradient_change, update_change
from glassbox.norms.experiments.numerics import (
    jacobian_terms,
    quadratic_descent,
    quadratic_surface,
    variance_formulas,
)
from glassbox.norms.experiments.recentering import mean_to_rms, recentering
from glassbox.norms.experiments.recorded import recorded
from glassbox.norms.experiments.signals import (
    model_update,
    signal_sweep,
    slopes,
    token_cosine,
    top_layers,
)
from glassbox.norms.experiments.traffic import launches, traffic
from glassbox.norms.experiments.training import finals, frequency_loss, summary, train
from glassbox.tiny.text import stories

__all__ = [
    "changed_positions",
    "finals",
    "frequency_loss",
    "gradient_change",
    "jacobian_terms",
    "launches",
    "loglog_slope",
    "lone_row",
    "mean_of",
    "mean_to_rms",
    "median_of",
    "model_update",
    "neighbour_effect",
    "padding_effect",
    "quadratic_descent",
    "quadratic_surface",
    "recentering",
    "recorded",
    "signal_sweep",
    "slopes",
    "spread_of",
    "statistics_over_steps",
    "stories",
    "summary",
    "token_cosine",
    "top_layers",
    "traffic",
    "train",
    "update_change",
    "variance_formulas",
]
