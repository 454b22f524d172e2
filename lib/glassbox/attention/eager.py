"""Attention as eager PyTorch runs it: every step an operation of its own, or torch's one fused operation."""

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from glassbox.attention import masks


def every_step(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """Return attention in separate operations: product, scale, mask, softmax, product."""
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(~masks.causal().dense(*scores.shape[-2:]), -torch.inf)
    return scores.softmax(-1) @ v


def fused(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """Return attention by torch's own tiled operation."""
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
