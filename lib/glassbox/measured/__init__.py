"""Measured rows over seeds, sweeps shipped with how they were made, bytes kept and held, tables by model."""

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
