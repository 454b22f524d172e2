"""The figures of notebook 12: rows in, figure out, with the finding in words beside it."""

from glassbox.flash.figures.loop_orders import loop_orders, visit_rows
from glassbox.flash.figures.running_softmax import running_softmax
from glassbox.flash.figures.skipped_tiles import skipped_tiles, tile_rows
from glassbox.flash.figures.stepping import step_tiles
from glassbox.flash.figures.steps import stepper_rows
from glassbox.flash.figures.tile_stepper import tile_stepper
from glassbox.flash.figures.traffic_law import traffic_law

__all__ = [
    "loop_orders",
    "running_softmax",
    "skipped_tiles",
    "step_tiles",
    "stepper_rows",
    "tile_rows",
    "tile_stepper",
    "traffic_law",
    "visit_rows",
]
