"""What a deep stack does to its signal and its gradient before the first step of training."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from glassbox.measured import loglog_slope
from glassbox.norms.toy import ToyTransformer, next_byte_loss
from glassbox.tiny.seeds import batches
from glassbox.tiny.text import stories

BATCH, LENGTH = 4, 32


def rms(x: Float[Tensor, "..."]) -> float:
    return x.detach().square().mean().sqrt().item()


def token_cosine(x: Float[Tensor, "*batch m"]) -> float:
    """Return the mean cosine between two different tokens: 1 where the stack tells them apart no more."""
    unit = functional.normalize(x.detach().flatten(0, -2), dim=-1)
    n = len(unit)
    return ((unit.sum(0).square().sum() - n) / (n * (n - 1))).item()


def signal_sweep(
    placements: Sequence[str] = ("post", "pre", "deep", "sandwich"),
    depths: Sequence[int] = (6, 12, 24, 48),
    gains: Sequence[float] = (1.0,),
    seeds: Iterable[int] = (0, 1, 2),
) -> list[dict]:
    """Run one forward and one backward pass of each untrained toy; return one row per layer.

    A row has `placement`, `depth`, `gain`, `seed`, `layer` (1 is the lowest), and, after that layer,
    `stream_rms` (the residual stream's root mean square), `relative_update` (how far the layer moved the
    stream, beside the stream before it), `token_cosine` (see there), and `grad_norm` (the norm of the loss's
    gradient for the layer's last feed-forward matrix).

    Convention: Xavier initialisation times `gain` ("deep" times its beta as well), next-byte loss on
        4 x 32 bytes of the stories, in float64.
    """
    rows = []
    for placement in placements:
        for depth in depths:
            for gain in gains:
                for seed in seeds:
                    setting = {"placement": placement, "depth": depth, "gain": gain, "seed": seed}
                    rows += [setting | layer for layer in one_signal(**setting)]
    return rows


def one_signal(placement: str, depth: int, gain: float = 1.0, seed: int = 0) -> list[dict]:
    """Return the rows of `signal_sweep` for one network, without the columns that name it."""
    model = ToyTransformer(depth, placement, gain=gain, seed=seed)
    window = next(batches(stories(), BATCH, LENGTH, seed))
    trace: list[Tensor] = []
    next_byte_loss(model, window, trace).backward()
    return [
        {
            "layer": layer,
            "stream_rms": rms(trace[layer]),
            "relative_update": rms(trace[layer] - trace[layer - 1]) / rms(trace[layer - 1]),
            "token_cosine": token_cosine(trace[layer]),
            "grad_norm": model.layers[2 * layer - 1].sublayer.down.weight.grad.norm().item(),
        }
        for layer in range(1, depth + 1)
    ]


def top_layers(rows: Iterable[dict]) -> list[dict]:
    """Return the rows of the highest layer of each network."""
    return [row for row in rows if row["layer"] == row["depth"]]


def slopes(rows: Iterable[dict], y: str = "grad_norm", x: str = "depth") -> dict[str, float]:
    """Return {placement: loglog_slope of its rows}; of several seeds a fit through their geometric means."""
    rows = list(rows)
    kinds = dict.fromkeys(row["placement"] for row in rows)
    return {kind: loglog_slope([row for row in rows if row["placement"] == kind], y, x) for kind in kinds}


def model_update(
    placements: Sequence[str] = ("post", "pre", "deep"),
    depths: Sequence[int] = (4, 8, 16, 32),
    seeds: Iterable[int] = range(9),
    moving: Sequence[str] = ("matrices", "norms"),
) -> list[dict]:
    """Take one step of plain gradient descent; return how far the network's output moved.

    A row has `placement`, `depth`, `seed`, `moving` (which parameters of the layers took the step: the
    "matrices", or the gains and biases of the "norms"), `update` (root mean square change of what the head
    reads, divided by the learning rate), and `alpha`, `beta`, DeepNorm's two numbers (1 elsewhere).

    Convention: measured on the batch of the step, in float64, at a learning rate so small (1e-7) that the
        change is proportional to it. DeepNorm's bound is about the matrices.
    Source: Wang et al. 2022, section 4 (arXiv:2203.00555).
    """
    return [
        {"placement": placement, "depth": depth, "seed": seed, **row}
        for placement in placements
        for depth in depths
        for seed in seeds
        for row in _updates(placement, depth, seed, moving)
    ]


def _updates(placement: str, depth: int, seed: int, moving: Sequence[str], lr: float = 1e-7) -> list[dict]:
    model = ToyTransformer(depth, placement, seed=seed)
    window = next(batches(stories(), BATCH, LENGTH, seed))
    next_byte_loss(model, window).backward()
    rows = []
    with torch.no_grad():
        before = model.features(window[:, :-1])
        for kind in moving:
            chosen = [p for p in model.layers.parameters() if p.ndim == MOVING[kind]]
            _step(chosen, lr)
            update = rms(model.features(window[:, :-1]) - before) / lr
            _step(chosen, -lr)
            rows.append({"moving": kind, "update": update, "alpha": model.alpha, "beta": model.beta})
    return rows


# The dimensions of the parameters that move: weights are matrices, gains and biases are vectors.
MOVING = {"matrices": 2, "norms": 1}


def _step(parameters: Iterable[Tensor], lr: float) -> None:
    for parameter in parameters:
        parameter -= lr * parameter.grad
