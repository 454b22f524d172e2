"""A prior on where to look: added to the scores, or in their place, and what it buys early in training."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.arguments import expect_choice
from glassbox.attention.experiments.training import HEADS, LENGTH, WIDTH, curve, held_out_stories
from glassbox.attention.toy import ToyAttention, ToyLM, fused
from glassbox.measured import Shape
from glassbox.tiny.seeds import batches

PRIOR = Shape("step", 30, ("loss", "held_out"))
STEPS = 150


def gaussian(distance: Int[Tensor, "t n"], scale: Float[Tensor, "h 1 1"]) -> Float[Tensor, "h t n"]:
    """Return the log of a Gaussian around the query, up to a constant: -distance^2 / (2 scale^2)."""
    return -((distance / scale).square()) / 2


def linear(distance: Int[Tensor, "t n"], scale: Float[Tensor, "h 1 1"]) -> Float[Tensor, "h t n"]:
    """Return ALiBi's bias, the log of an exponential: -distance / scale."""
    return -distance / scale


class Kind(NamedTuple):
    """What decides where a head looks: a prior, RoPE, and whether queries and keys are compared at all."""

    prior: object = None
    rotary: bool = False
    content: bool = True


KINDS = {
    "nothing": Kind(),
    "RoPE": Kind(rotary=True),
    "Gaussian prior": Kind(gaussian),
    "distance prior": Kind(linear),
    "RoPE and distance prior": Kind(linear, rotary=True),
    "Gaussian alone": Kind(gaussian, content=False),
}


class PriorAttention(ToyAttention):
    """Causal attention whose scores get the log of a prior; head i has the scale 2^i, i = 1 ... h.

    weights = softmax(q k^T / sqrt(d) + log prior);  without content: the prior itself
    """

    def __init__(self, width: int, heads: int, kind: Kind):
        super().__init__(width, heads)
        self.kind = kind

    def bias(self, t: int) -> Float[Tensor, "h t t"]:
        """Return the log of the prior, with the causal mask."""
        distance = torch.arange(t)[:, None] - torch.arange(t)
        scale = 2.0 ** torch.arange(1, self.heads + 1)[:, None, None]
        prior = torch.zeros(self.heads, t, t) if self.kind.prior is None else self.kind.prior(distance, scale)
        return prior.masked_fill(distance < 0, -torch.inf)

    def queries_and_keys(
        self, x: Float[Tensor, "b t m"]
    ) -> tuple[Float[Tensor, "b h t d"], Float[Tensor, "b h t d"]]:
        """Return queries and keys, turned if the kind has RoPE; zero queries if content does not count."""
        if self.kind.rotary:
            q, k = self.queries(x), self.keys_and_values(x)[0]
        else:
            q, k = self._split(self.query(x)), self._split(self.key(x))
        return q * self.kind.content, k

    def forward(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b t m"]:
        return self.read(*self.queries_and_keys(x), self._split(self.value(x)), self.bias(x.shape[1]))

    def distances(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, " h"]:
        """Return how far back each head looks, on average over its weights and over the queries."""
        q, k = self.queries_and_keys(x)
        places = torch.arange(x.shape[1], dtype=x.dtype)[:, None]
        seen = fused(q, k, places.expand(*k.shape[:2], -1, -1), self.bias(x.shape[1]))
        return (places - seen).mean((0, 2, 3))


def toy(kind: Kind, seed: int = 0) -> ToyLM:
    """Return the untrained toy with that kind of attention."""
    return ToyLM(partial(PriorAttention, WIDTH, HEADS, kind), WIDTH, seed=seed)


def prior(
    kinds: Sequence[str] = tuple(KINDS), seeds: Iterable[int] = range(3), steps: int = STEPS
) -> list[dict]:
    """Train the toy with each kind of prior; return the start of its loss curve.

    Rows are those of `curve`, with `kind`, `seed`, and `nearest`, `farthest`: of the first layer's heads at
    the end, how far back the one with the shortest and the one with the longest look sees on average.
    """
    rows = []
    for name in kinds:
        expect_choice("kind", name, KINDS)
        for seed in seeds:
            model = toy(KINDS[name], seed)
            found = curve(model, seed, steps, every=PRIOR.every)
            run = {"kind": name, "seed": seed} | _looks(model)
            rows += [run | row for row in found]
    return rows


@torch.no_grad()
def _looks(model: ToyLM) -> dict:
    window = next(batches(held_out_stories(), 8, LENGTH, 0))[:, :-1]
    first = model.layers[0]
    distances = first.sublayer.distances(first.before(model.embed(window)))
    return {"nearest": round(distances.min().item(), 2), "farthest": round(distances.max().item(), 2)}
