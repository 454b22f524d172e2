"""Measure an operation against its peers on a GPU, honestly, and record it with where it comes from.

`glassbox bench NAME` runs it. A topic describes its operations in its room `benchmarks`; notebooks read what
was recorded.
"""

from glassbox.machine.bench.case import Case, Goal, Operation, Table
from glassbox.machine.bench.peers import Peer, compiled
from glassbox.machine.bench.protocol import Provider, Sample, measure
from glassbox.machine.bench.record import Record, not_yet_measured, recorded

__all__ = (
    "Case",
    "Goal",
    "Operation",
    "Peer",
    "Provider",
    "Record",
    "Sample",
    "Table",
    "compiled",
    "measure",
    "not_yet_measured",
    "recorded",
)
