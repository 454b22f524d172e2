"""The figures of notebook 03: rows in, figure out, with the finding in words beside it."""

from glassbox.attention.figures.cache_calculator import cache_calculator
from glassbox.attention.figures.mask_kinds import mask_kinds
from glassbox.attention.figures.mask_painter import mask_painter
from glassbox.attention.figures.painting import paint_mask

__all__ = ["cache_calculator", "mask_kinds", "mask_painter", "paint_mask"]
