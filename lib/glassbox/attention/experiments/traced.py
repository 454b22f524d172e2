"""Queries, keys and values of the trained tiny language model, on bytes of the stories."""

from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox import tiny
from glassbox.attention.reference.core import softmax
from glassbox.tiny.text import stories


class Traced(NamedTuple):
    """What the heads of all layers read: the layers stand in the batch dimension."""

    q: Float[Tensor, "layers h n d"]
    k: Float[Tensor, "layers h n d"]
    v: Float[Tensor, "layers h n d"]


@lru_cache(maxsize=4)
@torch.no_grad()
def traced_heads(length: int = 256, start: int = 0) -> Traced:
    """Return rotated queries, rotated keys, and values, float64, for `length` bytes from byte `start` on."""
    trace: dict[str, Tensor] = {}
    model = tiny.load().double()
    model(tiny.as_tokens(stories()[start : start + length])[None], trace)
    layers = range(len(model.blocks))
    return Traced(
        *(torch.cat([trace[f"block{i}.{name}"] for i in layers]) for name in ("query", "key", "value"))
    )


def maps(traced: Traced, causal: bool = True) -> Float[Tensor, "layers h n n"]:
    """Return the attention maps, as the model computes them or without its mask."""
    scores = traced.q @ traced.k.mT * traced.q.shape[-1] ** -0.5
    hidden = torch.ones_like(scores, dtype=torch.bool).triu(1) if causal else torch.zeros_like(scores).bool()
    return softmax(scores.masked_fill(hidden, -torch.inf))[0]


def relative_error(got: Tensor, exact: Tensor) -> float:
    """Return the root mean square of the difference over that of the exact values."""
    return ((got - exact).square().mean() / exact.square().mean()).sqrt().item()
