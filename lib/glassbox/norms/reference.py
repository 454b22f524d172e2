"""What each normalisation is: the equations, in order, on any float type. `api.py` says the conventions."""

from typing import NamedTuple

import torch


def wide(x):
    """Return `x` in float32, or in float64 if it came so: statistics of halves are taken in float32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def standardise(x, axes, eps):
    """Mean 0 and variance 1 over `axes`: the norms below differ in which axes these are."""
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred.square().mean(axes, keepdim=True) + eps).sqrt()


def affine(unit, gain, bias):
    """Multiply by the gain, add the bias; `None` leaves either out."""
    scaled = unit if gain is None else unit * gain
    return scaled if bias is None else scaled + bias


def layer_norm(x, gain=None, bias=None, eps=1e-5):
    return affine(standardise(wide(x), -1, eps), gain, bias).to(x.dtype)


def rms_norm(x, gain=None, eps=1e-6):
    rms = (wide(x).square().mean(-1, keepdim=True) + eps).sqrt()
    return affine(wide(x) / rms, gain, None).to(x.dtype)


class AddedNorm(NamedTuple):
    """The residual stream after an addition, and its norm."""

    y: torch.Tensor
    total: torch.Tensor


def add_rms_norm(x, residual, gain=None, eps=1e-6):
    total = x + residual
    return AddedNorm(rms_norm(total, gain, eps), total)


def batch_norm(x, gain=None, bias=None, eps=1e-5, mean=None, variance=None):
    if mean is None:
        unit = standardise(wide(x), tuple(range(x.ndim - 1)), eps)
    else:
        unit = (wide(x) - mean) / (variance + eps).sqrt()
    return affine(unit, gain, bias).to(x.dtype)


def group_norm(x, groups, gain=None, bias=None, eps=1e-5):
    unit = standardise(wide(x).unflatten(-1, (groups, -1)), -1, eps).flatten(-2)
    return affine(unit, gain, bias).to(x.dtype)


def qk_norm(q, k, gain_q=None, gain_k=None, eps=1e-6):
    return rms_norm(q, gain_q, eps), rms_norm(k, gain_k, eps)


def deep_norm(x, fx, alpha, gain=None, bias=None, eps=1e-5):
    return layer_norm(alpha * wide(x) + fx, gain, bias, eps).to(x.dtype)


class Scales(NamedTuple):
    """DeepNorm's two numbers for one stack of layers."""

    alpha: float  # multiplies the residual stream
    beta: float  # multiplies the initial value, output and feed-forward weights


class DeepNormScales(NamedTuple):
    """`Scales` for each stack, `None` for a stack that the model does not have."""

    encoder: Scales | None
    decoder: Scales | None


def one_stack_scales(layers):
    return None if layers is None else Scales((2 * layers) ** 0.25, (8 * layers) ** -0.25)


def deep_norm_scales(encoder=None, decoder=None):
    if encoder is None or decoder is None:
        return DeepNormScales(one_stack_scales(encoder), one_stack_scales(decoder))
    both = (encoder**4 * decoder) ** 0.0625
    return DeepNormScales(
        encoder=Scales(0.81 * both, 0.87 / both),
        decoder=Scales((3 * decoder) ** 0.25, (12 * decoder) ** -0.25),
    )


class LayerNormGradients(NamedTuple):
    """What LayerNorm's backward pass returns."""

    dx: torch.Tensor
    dgain: torch.Tensor
    dbias: torch.Tensor


class RMSNormGradients(NamedTuple):
    """What RMSNorm's backward pass returns."""

    dx: torch.Tensor
    dgain: torch.Tensor


def sum_rows(x, dtype):
    """Sum over everything but the features: gain and bias are shared by all rows."""
    return x.reshape(-1, x.shape[-1]).sum(0).to(dtype)


def layer_norm_backward(dy, x, gain, eps=1e-5):
    dy, centred = wide(dy), wide(x) - wide(x).mean(-1, keepdim=True)
    std = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    unit, dunit = centred / std, dy * gain
    along_unit = unit * (dunit * unit).mean(-1, keepdim=True)
    dx = (dunit - dunit.mean(-1, keepdim=True) - along_unit) / std
    return LayerNormGradients(dx.to(x.dtype), sum_rows(dy * unit, gain.dtype), sum_rows(dy, gain.dtype))


def rms_norm_backward(dy, x, gain, eps=1e-6):
    dy, rms = wide(dy), (wide(x).square().mean(-1, keepdim=True) + eps).sqrt()
    unit, dunit = wide(x) / rms, dy * gain
    dx = (dunit - unit * (dunit * unit).mean(-1, keepdim=True)) / rms
    return RMSNormGradients(dx.to(x.dtype), sum_rows(dy * unit, gain.dtype))
