"""What goes wrong when statistics are shared between examples or positions: BatchNorm on text."""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.arguments import expect_choice
from glassbox.norms.api import batch_norm, layer_norm
from glassbox.norms.experiments.signals import rms
from glassbox.norms.reference import standardise
from glassbox.tiny.checkpoint import load
from glassbox.tiny.seeds import batches, normal, uniform
from glassbox.tiny.text import read_text, split, stories

NORMS = {"layer norm": layer_norm, "batch norm": batch_norm}
AXES = {"features": -1, "sequence": -2}


@torch.no_grad()
def trained_features(tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b t m"]:
    """Return what the last norm before the head reads in the trained tiny model: real hidden features."""
    trace: dict[str, Tensor] = {}
    load()(tokens, trace)
    return trace["norm_in_final"].double()


def windows(batch: int, length: int, seed: int, text: bytes | None = None) -> Iterator[Int[Tensor, "b t"]]:
    """Yield batches of windows from a text, the stories unless told otherwise."""
    return (window[:, :-1] for window in batches(text or stories(), batch, length, seed))


def neighbour_effect(seed: int = 0, batch: int = 4, length: int = 32) -> list[dict]:
    """Change all examples of a batch but the first; return how much the first one's output changed.

    A row has `norm` and `change` (root mean square of the difference; the output's own is about 1).
    """
    first, others = (next(windows(batch, length, seed + offset)) for offset in (0, 1))
    swapped = torch.cat([first[:1], others[1:]])
    here, there = trained_features(first), trained_features(swapped)
    return [{"norm": name, "change": rms(norm(here)[0] - norm(there)[0])} for name, norm in NORMS.items()]


def padding_effect(
    fractions: Sequence[float] = (0.0, 0.25, 0.5, 0.75), seed: int = 0, batch: int = 8, length: int = 64
) -> list[dict]:
    """Pad the end of every example with byte 0; return how much the real tokens' outputs change.

    A row has `norm`, `padding` (the fraction of positions that is padding), and `change` (root mean square,
    over real tokens alone; the model is causal, so their features are the same).
    """
    tokens = next(windows(batch, length, seed))
    rows = []
    for fraction in fractions:
        real = length - round(fraction * length)
        padded = tokens.clone()
        padded[:, real:] = 0
        clean, biased = trained_features(tokens[:, :real]), trained_features(padded)
        for name, norm in NORMS.items():
            rows.append(
                {"norm": name, "padding": fraction, "change": rms(norm(biased)[:, :real] - norm(clean))}
            )
    return rows


def lone_row(seed: int = 0) -> list[dict]:
    """Normalise one token alone; return the root mean square of what is left of it, by norm."""
    token = trained_features(next(windows(1, 32, seed)))[:, -1]
    return [{"norm": name, "left": rms(norm(token))} for name, norm in NORMS.items()]


def changed_positions(axis: str, changed: int = 5, seed: int = 0, length: int = 8) -> list[bool]:
    """Change one token of a window and normalise over `axis`; return which positions' outputs changed.

    Raises: ValueError for an axis that is not "features" (as in a Transformer) or "sequence".
    """
    expect_choice("axis", axis, AXES)
    features = trained_features(next(windows(1, length, seed)))
    other = features.clone()
    other[:, changed] = other[:, changed].flip(-1)
    outputs = (standardise(x, AXES[axis], 1e-5) for x in (features, other))
    return (next(outputs) - next(outputs)).abs().amax((0, -1)).gt(1e-9).tolist()


# How much the statistics of a batch move from step to step.


def statistics_over_steps(steps: int = 40, batch: int = 4, length: int = 64, seed: int = 0) -> list[dict]:
    """Return the batch mean and variance of hidden features, step by step, for text and image-like batches.

    A row has `source`, `step`, `mean` (how far the batch mean lies from the mean over all steps, as root
    mean square over features, in units of each feature's own deviation) and `variance` (likewise, of the
    logarithm of the batch variance).

    Convention: "text windows" are `batch` stretches of `length` bytes of all the English text (prose,
        stories, code, sums); "shuffled tokens" are as many tokens drawn one by one from the same text, each
        at the end of its own window; "image-like" are as many patches from `batch` program-made pictures,
        through a random layer with ReLU. The pictures are not photographs: they stand for data whose
        examples differ from each other, no more.
    """
    text = split(read_text("en"))[0].encode("utf-8")
    sources: dict[str, Callable[[], Iterator[Tensor]]] = {
        "text windows": lambda: (trained_features(x) for x in windows(batch, length, seed, text)),
        "shuffled tokens": lambda: (
            trained_features(x)[:, -1:] for x in windows(batch * length, 16, seed, text)
        ),
        "image-like": lambda: picture_features(batch, length, seed),
    }
    rows = []
    for source, stream in sources.items():
        drawn = stream()
        rows += [{"source": source, **row} for row in _movement([next(drawn) for _ in range(steps)])]
    return rows


def _movement(steps: list[Float[Tensor, "b t m"]]) -> list[dict]:
    flat = torch.stack([x.flatten(0, 1) for x in steps])
    deviation = flat.std((0, 1)).clamp_min(1e-12)
    alive = deviation > 1e-9
    mean = ((flat.mean(1) - flat.mean((0, 1))) / deviation)[:, alive]
    log_variance = flat.var(1).clamp_min(1e-12).log()[:, alive]
    log_variance = log_variance - log_variance.mean(0)
    return [
        {"step": step + 1, "mean": rms(mean[step]), "variance": rms(log_variance[step])}
        for step in range(len(steps))
    ]


def picture_features(
    batch: int, patches: int, seed: int, width: int = 64
) -> Iterator[Float[Tensor, "b t m"]]:
    """Yield ReLU features of 4 x 4 patches from pictures that are sums of a few waves at random angles."""
    weights = normal((16, width), seed) / 4
    side = 4 * round(patches**0.5)
    grid = torch.arange(side, dtype=torch.float64)
    while True:
        seed += 1
        angle, speed, phase, size = uniform((4, batch, 6, 1, 1), seed)
        across = (2 * torch.pi * angle).cos() * grid + (2 * torch.pi * angle).sin() * grid[:, None]
        picture = (size * (across * (0.05 + speed) + 2 * torch.pi * phase).cos()).sum(1)
        blocks = picture.unfold(1, 4, 4).unfold(2, 4, 4).flatten(1, 2).flatten(-2)
        yield (blocks @ weights).relu()
