"""Normalisation: the norms, their backward passes, and where a block puts them (notebook 01)."""

from glassbox.norms.api import (
    add_rms_norm,
    batch_norm,
    deep_norm,
    deep_norm_scales,
    group_norm,
    layer_norm,
    layer_norm_backward,
    qk_norm,
    rms_norm,
    rms_norm_backward,
)
from glassbox.norms.modules import LayerNorm, Residual, RMSNorm, initialise

__all__ = [
    "LayerNorm",
    "RMSNorm",
    "Residual",
    "add_rms_norm",
    "batch_norm",
    "deep_norm",
    "deep_norm_scales",
    "group_norm",
    "initialise",
    "layer_norm",
    "layer_norm_backward",
    "qk_norm",
    "rms_norm",
    "rms_norm_backward",
]
