"""The experiments of notebook 03: each returns rows, draws nothing, and depends on its arguments alone."""

from glassbox.attention.experiments.recorded import recorded

__all__ = ["recorded"]
