"""The figures of notebook 03: rows in, figure out, with the finding in words beside it."""

from glassbox.attention.figures.cache_calculator import cache_calculator

__all__ = ["cache_calculator"]
