"""The experiments of notebook 12: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.flash.experiments.counted import multiply_adds, traffic
from glassbox.flash.experiments.softmax import associativity, overflow, rescales, stream_rows, worked_instance

__all__ = [
    "associativity",
    "multiply_adds",
    "overflow",
    "rescales",
    "stream_rows",
    "traffic",
    "worked_instance",
]
