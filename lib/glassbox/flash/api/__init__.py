"""The public functions of flash: conventions and argument checks; the equations are in `reference`."""

from glassbox.flash.api.checks import checked_rules, expect_blocks
from glassbox.flash.api.flash import flash_attention
from glassbox.flash.api.scores import own_score
from glassbox.flash.api.softmax import merge, online_softmax, safe_softmax
from glassbox.flash.api.tiled import tiled_attention, tiled_attention_backward

__all__ = (
    "checked_rules",
    "expect_blocks",
    "flash_attention",
    "merge",
    "online_softmax",
    "own_score",
    "safe_softmax",
    "tiled_attention",
    "tiled_attention_backward",
)
