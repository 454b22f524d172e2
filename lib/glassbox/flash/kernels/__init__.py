"""The FlashAttention kernels, their launchers, and the operators that they are called through."""

from glassbox.flash.kernels.backward import flash_backward_keys, flash_backward_queries, flash_delta
from glassbox.flash.kernels.forward import flash_forward, walk
from glassbox.flash.kernels.launchers import Gradients, Made, backward, forward
from glassbox.flash.kernels.plan import Plan
from glassbox.flash.kernels.scores import register

__all__ = (
    "Gradients",
    "Made",
    "Plan",
    "backward",
    "flash_backward_keys",
    "flash_backward_queries",
    "flash_delta",
    "flash_forward",
    "forward",
    "register",
    "walk",
)
