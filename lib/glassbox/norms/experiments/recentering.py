"""Is the mean subtraction what helps? LayerNorm with one half left out, and a look at a trained model."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glassbox.norms.api import layer_norm, rms_norm
from glassbox.norms.experiments.training import train
from glassbox.tiny.checkpoint import load
from glassbox.tiny.seeds import batches
from glassbox.tiny.text import stories


class Part(nn.Module):
    """A part of LayerNorm, with LayerNorm's gain and bias after it: only `forward` differs between parts."""

    def __init__(self, width: int):
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))


class Both(Part):
    """LayerNorm: centre, then scale."""

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return layer_norm(x, self.gain, self.bias)


class CentreOnly(Part):
    """Subtract the mean, keep the size."""

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return (x - x.mean(-1, keepdim=True)) * self.gain + self.bias


class ScaleOnly(Part):
    """RMSNorm: keep the mean, scale to unit root mean square."""

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return rms_norm(x, self.gain) + self.bias


class Neither(Part):
    """Gain and bias alone."""

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return x * self.gain + self.bias


PARTS = {"both": Both, "scale only": ScaleOnly, "centre only": CentreOnly, "neither": Neither}


def recentering(
    parts: Sequence[str] = tuple(PARTS),
    depth: int = 6,
    seeds: Sequence[int] = (0, 1, 2),
    steps: int = 300,
    lr: float = 3e-3,
) -> list[dict]:
    """Train the pre-norm toy with each part of LayerNorm in place of its norms; return the loss curves.

    Rows are those of `train`, with `part` for which part it was.
    """
    return [
        {"part": part, **row}
        for part in parts
        for seed in seeds
        for row in train("pre", depth, seed, steps, lr, norm=PARTS[part])
    ]


@torch.no_grad()
def mean_to_rms(seed: int = 0) -> list[dict]:
    """Return how large the mean of a token's features is beside their root mean square, in the trained model.

    A row has `place` (what the norm reads), `ratio` (the mean over tokens of |mean| / rms), and `chance`:
    what independent features of the same width would give, sqrt(2 / (pi width)).
    """
    window = next(batches(stories(), 8, 64, seed))
    trace: dict[str, Tensor] = {}
    load()(window[:, :-1], trace)
    rows = []
    for place, x in trace.items():
        if "norm_in" in place:
            ratio = x.mean(-1).abs() / x.square().mean(-1).sqrt()
            chance = (2 / (torch.pi * x.shape[-1])) ** 0.5
            rows.append({"place": place, "ratio": ratio.mean().item(), "chance": chance})
    return rows
