"""The norms as functions of their tensors alone: the definition, torch's own functions, and ours."""

import torch
import torch.nn.functional as F
from torch import Tensor

from glassbox.norms import api, reference

RMS_EPS, LAYER_EPS = 1e-6, 1e-5
ALPHA = 2.0  # DeepNorm's for a stack of eight layers


def rms(x: Tensor, gain: Tensor) -> Tensor:
    """Return the reference's RMSNorm."""
    return reference.rms_norm(x, gain, RMS_EPS)


def layer(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return the reference's LayerNorm."""
    return reference.layer_norm(x, gain, bias, LAYER_EPS)


def add_rms(x: Tensor, residual: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
    """Return the reference's RMSNorm of the sum, and the sum."""
    return reference.add_rms_norm(x, residual, gain, RMS_EPS)


def deep(x: Tensor, fx: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return the reference's DeepNorm."""
    return reference.deep_norm(x, fx, ALPHA, gain, bias, LAYER_EPS)


def torch_rms(x: Tensor, gain: Tensor) -> Tensor:
    """Return torch's RMSNorm."""
    return F.rms_norm(x, x.shape[-1:], gain, RMS_EPS)


def torch_layer(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return torch's LayerNorm."""
    return F.layer_norm(x, x.shape[-1:], gain, bias, LAYER_EPS)


def torch_add_rms(x: Tensor, residual: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
    """Return the RMSNorm of torch's sum, and the sum."""
    total = x + residual
    return F.rms_norm(total, x.shape[-1:], gain, RMS_EPS), total


def torch_deep(x: Tensor, fx: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return torch's LayerNorm of torch's sum."""
    return F.layer_norm(torch.add(fx, x, alpha=ALPHA), x.shape[-1:], gain, bias, LAYER_EPS)


def our_rms(x: Tensor, gain: Tensor, backend: str = "compiled") -> Tensor:
    """Return our RMSNorm."""
    return api.rms_norm(x, gain, RMS_EPS, backend=backend)


def our_layer(x: Tensor, gain: Tensor, bias: Tensor, backend: str = "compiled") -> Tensor:
    """Return our LayerNorm."""
    return api.layer_norm(x, gain, bias, LAYER_EPS, backend=backend)


def our_add_rms(
    x: Tensor, residual: Tensor, gain: Tensor, backend: str = "compiled"
) -> tuple[Tensor, Tensor]:
    """Return our residual addition with RMSNorm."""
    return api.add_rms_norm(x, residual, gain, RMS_EPS, backend=backend)


def our_deep(x: Tensor, fx: Tensor, gain: Tensor, bias: Tensor, backend: str = "compiled") -> Tensor:
    """Return our DeepNorm."""
    return api.deep_norm(x, fx, ALPHA, gain, bias, LAYER_EPS, backend=backend)
