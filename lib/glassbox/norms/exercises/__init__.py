"""The exercises of notebook 01, in its order."""

# ruff: noqa: I001  (the order is that of the notebook)
from glassbox.norms.exercises.forward import rms_norm
from glassbox.norms.exercises.backward import layer_norm_backward
from glassbox.norms.exercises.eps import quiet_rows
from glassbox.norms.exercises.deep import deep_block, deep_norm_alpha
from glassbox.norms.exercises.traffic import unfused_traffic
from glassbox.norms.exercises.placement import placement

__all__ = [
    "deep_block",
    "deep_norm_alpha",
    "layer_norm_backward",
    "placement",
    "quiet_rows",
    "rms_norm",
    "unfused_traffic",
]
