"""Rows of measurements: summed up over seeds, and shipped in `data/experiments/` with how they were made."""

from glassbox.measured.recording import Shape, gather, recorded, spread, write
from glassbox.measured.summaries import loglog_slope, mean_of, median_of, spread_of

__all__ = [
    "Shape",
    "gather",
    "loglog_slope",
    "mean_of",
    "median_of",
    "recorded",
    "spread",
    "spread_of",
    "write",
]
