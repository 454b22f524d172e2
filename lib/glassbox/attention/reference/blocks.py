"""One pre-norm Transformer block: its sub-layers one after the other, or side by side."""

from typing import NamedTuple

import torch
from torch.nn import functional

from glassbox.attention.reference.core import (
    HeadWeights,
    attention,
    merge_heads,
    multi_head_attention,
    split_heads,
)
from glassbox.norms.reference import rms_norm


class BlockWeights(NamedTuple):
    """The matrices of a block, each (outputs, inputs) as in `nn.Linear`."""

    query: torch.Tensor  # (h d, m)
    key: torch.Tensor  # (g d, m)
    value: torch.Tensor  # (g d, m)
    output: torch.Tensor  # (m, h d)
    up: torch.Tensor  # (hidden, m)
    down: torch.Tensor  # (m, hidden)


class FusedWeights(NamedTuple):
    """The same matrices in two: all that read the norm's output, and all that write to the stream."""

    inward: torch.Tensor  # (h d + 2 g d + hidden, m)
    outward: torch.Tensor  # (m, h d + hidden)
    sizes: tuple[int, int, int, int]  # h d, g d, g d, hidden


def feed_forward(x, weights, activation):
    return activation(x @ weights.up.mT) @ weights.down.mT


def serial_block(x, weights, heads, kv_heads, mask=None, activation=functional.gelu):
    x = x + multi_head_attention(rms_norm(x), HeadWeights(*weights[:4]), heads, kv_heads, mask=mask)
    return x + feed_forward(rms_norm(x), weights, activation)


def parallel_block(x, weights, heads, kv_heads, mask=None, activation=functional.gelu):
    y = rms_norm(x)
    mixed = multi_head_attention(y, HeadWeights(*weights[:4]), heads, kv_heads, mask=mask)
    return x + mixed + feed_forward(y, weights, activation)


def fuse(weights):
    reading = (weights.query, weights.key, weights.value, weights.up)
    outward = torch.cat((weights.output, weights.down), 1)
    return FusedWeights(torch.cat(reading, 0), outward, tuple(len(matrix) for matrix in reading))


def fused_parallel_block(x, weights, heads, kv_heads, mask=None, activation=functional.gelu):
    q, k, v, hidden = (rms_norm(x) @ weights.inward.mT).split(weights.sizes, -1)
    q, k, v = split_heads(q, heads), split_heads(k, kv_heads), split_heads(v, kv_heads)
    mixed = merge_heads(attention(q, k, v, mask).output)
    return x + torch.cat((mixed, activation(hidden)), -1) @ weights.outward.mT
