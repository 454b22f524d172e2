"""The exercises of notebook 12, in its order."""

# ruff: noqa: I001  (the order is that of the notebook)
from glassbox.flash.exercises.online import online_softmax
from glassbox.flash.exercises.merging import merge_partials
from glassbox.flash.exercises.tiled import tiled_forward
from glassbox.flash.exercises.masked import masked_tiles
from glassbox.flash.exercises.backward import tiled_backward
from glassbox.flash.exercises.moved_bytes import moved_bytes
from glassbox.flash.exercises.explain import explain_flash

__all__ = [
    "explain_flash",
    "masked_tiles",
    "merge_partials",
    "moved_bytes",
    "online_softmax",
    "tiled_backward",
    "tiled_forward",
]
