"""The shipped sweeps of notebook 12, and how their rows are stored."""

from functools import partial

from glassbox import measured

recorded = partial(measured.recorded, "flash")
