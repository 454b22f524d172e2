"""The figures of notebook 03: rows in, figure out, with the finding in words beside it."""

from glassbox.attention.figures.cache_calculator import cache_calculator
from glassbox.attention.figures.families_map import families_map
from glassbox.attention.figures.mask_kinds import mask_kinds
from glassbox.attention.figures.mask_painter import mask_painter
from glassbox.attention.figures.painting import paint_mask
from glassbox.attention.figures.runs import decode_time, quality
from glassbox.attention.figures.scale_lab import scale_lab

__all__ = [
    "cache_calculator",
    "decode_time",
    "families_map",
    "mask_kinds",
    "mask_painter",
    "paint_mask",
    "quality",
    "scale_lab",
]
