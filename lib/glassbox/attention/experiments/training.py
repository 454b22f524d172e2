"""One training run of a toy language model: what every sweep of this folder does."""

from collections.abc import Iterator
from functools import lru_cache
from math import cos, log, pi
from statistics import fmean

import torch
from torch import nn

from glassbox.arguments import expect_positive, expect_whole
from glassbox.attention.toy import next_byte_loss
from glassbox.measured import Shape
from glassbox.tiny.loss import bits_per_byte
from glassbox.tiny.seeds import batches
from glassbox.tiny.text import read_text, split, stories

WIDTH, HEADS, STEPS, PEAK = 64, 8, 400, 8e-3
BATCH, LENGTH, WARM_UP, FLOOR = 8, 64, 30, 0.1
CURVE = Shape("step", 100, ("loss", "held_out"))


@lru_cache(maxsize=1)
def held_out_stories() -> bytes:
    """Return the part of the English stories that no run trains on."""
    return split(read_text("en", ["stories"]))[1].encode("utf-8")


def held_out_loss(model: nn.Module, length: int = LENGTH) -> float:
    """Return the mean loss per byte of the held-out stories, in nats, in windows of `length` bytes."""
    return bits_per_byte(model, held_out_stories(), length) * log(2)


def rate(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: linear to the peak over WARM_UP steps, then half a cosine to FLOOR of it."""
    done = max(0.0, (step - WARM_UP) / max(1, steps - WARM_UP))
    return peak * min((step + 1) / WARM_UP, FLOOR + (1 - FLOOR) * (1 + cos(pi * done)) / 2)


def descend(
    model: nn.Module, seed: int, steps: int, peak: float, length: int = LENGTH
) -> Iterator[tuple[float, float]]:
    """Take `steps` Adam steps on the stories; yield the loss and the gradient's norm before each."""
    optimiser = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), fused=True)
    for step, window in zip(range(steps), batches(stories(), BATCH, length, seed), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps, peak)
        loss = next_byte_loss(model, window)
        optimiser.zero_grad()
        loss.backward()
        gradient = nn.utils.clip_grad_norm_(model.parameters(), torch.inf)
        optimiser.step()
        yield loss.item(), gradient.item()


def curve(
    model: nn.Module, seed: int, steps: int = STEPS, peak: float = PEAK, every: int = CURVE.every
) -> list[dict]:
    """Train the model; return its loss curve.

    A row has `step`, `loss` (the mean over the last `every` steps), and `held_out` (the loss on the held-out
    stories after that step), both in nats per byte.

    Convention: batches of 8 windows of 64 bytes, drawn by `seed`; no clipping, no decay. In float32, so the
        last digits differ between machines.
    """
    expect_whole("steps", steps, 1)
    expect_whole("every", every, 1)
    expect_positive("peak", peak)
    rows, losses = [], []
    for step, (loss, _) in enumerate(descend(model, seed, steps, peak), 1):
        losses.append(loss)
        if step % every == 0 or step == steps:
            rows.append({"step": step, "loss": fmean(losses), "held_out": held_out_loss(model)})
            losses.clear()
    return rows
