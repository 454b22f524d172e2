"""Training runs of the toy: does it learn at all, and how well, for each placement, depth and warm-up."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import nn

from glassbox.arguments import expect_positive
from glassbox.norms.toy import ToyTransformer, next_byte_loss
from glassbox.tiny.seeds import batches
from glassbox.tiny.text import stories

# torch's own norms: the same functions as ours (the tests hold them to 1e-12), in one kernel each.
FUSED = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}
MARGIN = 0.2  # nats below what letter frequencies alone reach


def frequency_loss() -> float:
    """Return the loss of the best guess that ignores the input: the entropy of the bytes, in nats."""
    text = stories()
    return -sum(n / len(text) * math.log(n / len(text)) for n in Counter(text).values())


def train(
    placement: str,
    depth: int,
    seed: int = 0,
    steps: int = 300,
    lr: float = 3e-3,
    warmup: int = 0,
    norm: str | Callable[[int], nn.Module] = "layer",
    batch: int = 8,
    length: int = 32,
    every: int = 20,
) -> list[dict]:
    """Train one toy on the stories with Adam; return its loss curve.

    A row has `step` (the last of `every` steps) and `loss` (their mean, in nats per byte), and the columns
    that name the run: `placement`, `depth`, `seed`, `lr`, `warmup`.

    Convention: the learning rate rises linearly over `warmup` steps, then stays. No clipping, no decay.
        Computed in float32, so the last digits differ between machines and, where training is unstable, so
        may the moment at which it recovers.
    """
    for name, value in {"steps": steps, "lr": lr, "every": every}.items():
        expect_positive(name, value)
    norm = norm if callable(norm) else FUSED[norm]
    model = ToyTransformer(depth, placement, norm, seed=seed, dtype=torch.float32)
    losses = descend(model, batches(stories(), batch, length, seed), steps, lr, warmup)
    run = {"placement": placement, "depth": depth, "seed": seed, "lr": lr, "warmup": warmup}
    chunks = [losses[start : start + every] for start in range(0, steps, every)]
    return [
        run | {"step": min((index + 1) * every, steps), "loss": round(sum(chunk) / len(chunk), 4)}
        for index, chunk in enumerate(chunks)
    ]


def descend(model: nn.Module, windows, steps: int, lr: float, warmup: int) -> list[float]:
    """Take `steps` Adam steps; return the loss before each."""
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    losses = []
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = lr * min(1.0, step / max(warmup, 1))
        loss = next_byte_loss(model, next(windows))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def finals(rows: Sequence[dict]) -> list[dict]:
    """Return one row per run: what names it, its `setting` in words, its final `loss`, and `learned`.

    `learned` says whether the loss ended at least 0.2 nats below `frequency_loss`: a run that did not has
    found the frequencies of the bytes and nothing else.
    """
    last = {tuple(row[name] for name in RUN): row["loss"] for row in rows}
    bar = frequency_loss() - MARGIN
    return [
        dict(zip(RUN, key, strict=True)) | {"loss": loss, "learned": loss < bar, "setting": _words(*key)}
        for key, loss in last.items()
    ]


RUN = ("placement", "depth", "warmup", "seed")


def _words(placement: str, depth: int, warmup: int, seed: int) -> str:
    return f"depth {depth}, {f'warm-up {warmup}' if warmup else 'no warm-up'}"


def summary(rows: Sequence[dict]) -> list[dict]:
    """Return, per placement, depth and warm-up: `runs`, how many `learned`, their `best` and `worst` loss."""
    groups: dict[tuple, list[dict]] = {}
    for run in finals(rows):
        groups.setdefault(tuple(run[name] for name in RUN[:-1]), []).append(run)
    return [
        dict(zip(RUN[:-1], key, strict=True))
        | {"runs": len(runs), "learned": sum(run["learned"] for run in runs)}
        | {"best": min(run["loss"] for run in runs), "worst": max(run["loss"] for run in runs)}
        for key, runs in groups.items()
    ]
