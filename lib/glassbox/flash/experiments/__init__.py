"""The experiments of notebook 12: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.flash.experiments.blocks import (
    block_shapes,
    block_sweep,
    held_bytes,
    largest_query_block,
    ordered_bytes,
    square_block,
)
from glassbox.flash.experiments.counted import decode_saving, multiply_adds, traffic
from glassbox.flash.experiments.law import (
    break_even,
    causal_bytes,
    exponents,
    form_row,
    keys_met,
    step_by_step_bytes,
    traffic_law,
)
from glassbox.flash.experiments.memory import peak_memory, saved_bytes
from glassbox.flash.experiments.metering import launches, metered_traffic, step_bytes
from glassbox.flash.experiments.recorded import recorded
from glassbox.flash.experiments.ring import ring_rows
from glassbox.flash.experiments.roofline import roofline_points, with_recorded, work_of
from glassbox.flash.experiments.softmax import associativity, overflow, rescales, stream_rows, worked_instance
from glassbox.flash.experiments.timing import against_naive, cpu_time
from glassbox.measured import loglog_slope, mean_of, median_of, spread_of
from glassbox.measured.memory import kept_bytes, peak_bytes

__all__ = [
    "against_naive",
    "associativity",
    "block_shapes",
    "block_sweep",
    "break_even",
    "causal_bytes",
    "cpu_time",
    "decode_saving",
    "exponents",
    "form_row",
    "held_bytes",
    "kept_bytes",
    "keys_met",
    "largest_query_block",
    "launches",
    "loglog_slope",
    "mean_of",
    "median_of",
    "metered_traffic",
    "multiply_adds",
    "ordered_bytes",
    "overflow",
    "peak_bytes",
    "peak_memory",
    "recorded",
    "rescales",
    "ring_rows",
    "roofline_points",
    "saved_bytes",
    "spread_of",
    "square_block",
    "step_by_step_bytes",
    "step_bytes",
    "stream_rows",
    "traffic",
    "traffic_law",
    "with_recorded",
    "work_of",
    "worked_instance",
]
