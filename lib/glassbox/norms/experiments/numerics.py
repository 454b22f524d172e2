"""Norms by arithmetic: why scale matters, which variance formula survives."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import expect_choice
from glassbox.tiny.seeds import normal

# Gradient descent on a quadratic.


def quadratic_descent(scales: Sequence[float] = (1.0, 5.0), steps: int = 30, seed: int = 0) -> list[dict]:
    """Fit two weights by gradient descent to features of these scales, raw and standardised.

        loss(w) = mean over examples of (features . w - target)^2 / 2,   H = features^T features / n

    A row has `problem` ("raw" or "standardised"), `step`, the weights `x` and `y` less the best ones, the
    `loss` above its minimum, and `condition` (largest over smallest eigenvalue of H).

    Convention: each problem gets its own best constant step, 2 / (largest + smallest eigenvalue). The start
        is (-1, -1) in units in which each feature counts the same.
    """
    rows = []
    for problem, features in _problems(scales, seed).items():
        hessian = features.T @ features / len(features)
        eigenvalues = np.linalg.eigvalsh(hessian)
        offset = -1 / features.std(0)
        for step in range(steps + 1):
            loss = float(offset @ hessian @ offset / 2)
            place = {"problem": problem, "step": step, "x": float(offset[0]), "y": float(offset[1])}
            rows.append(place | {"loss": loss, "condition": float(eigenvalues[-1] / eigenvalues[0])})
            offset = offset - 2 / (eigenvalues[0] + eigenvalues[-1]) * (hessian @ offset)
    return rows


def _problems(scales: Sequence[float], seed: int) -> dict[str, np.ndarray]:
    raw = normal((200, len(scales)), seed).numpy() * np.asarray(scales)
    return {"raw": raw, "standardised": (raw - raw.mean(0)) / raw.std(0)}


def quadratic_surface(
    problem: str, scales: Sequence[float] = (1.0, 5.0), seed: int = 0, points: int = 41
) -> tuple[list[float], list[float], list[list[float]]]:
    """Return the loss of `quadratic_descent` above its minimum on a grid: xs, ys, and values by row of y."""
    problems = _problems(scales, seed)
    expect_choice("problem", problem, problems)
    features = problems[problem]
    hessian = features.T @ features / len(features)
    xs = ys = np.linspace(-1.3, 1.3, points)
    values = [[float(np.array([x, y]) @ hessian @ np.array([x, y]) / 2) for x in xs] for y in ys]
    return xs.tolist(), ys.tolist(), values


# Two formulas for the variance.


def variance_formulas(
    means: Sequence[float] = (0.0, 10.0, 100.0, 1000.0, 4096.0),
    rows: int = 64,
    width: int = 512,
    seed: int = 0,
) -> list[dict]:
    """Compute the variance of float32 rows by two formulas, beside float64.

        two passes: mean((x - mean(x))^2)        one pass: mean(x^2) - mean(x)^2

    A row has `mean` (of the features, whose standard deviation is 1), `two_pass` and `one_pass` (largest
    relative error), and `negative` (how many of the rows get a negative variance in one pass).

    Convention: sums add one half of the row to the other until one number is left, as a GPU's threads do,
        so that every machine rounds alike. `width` is a power of two.
    """
    return [{"mean": mean} | _variance_errors(normal((rows, width), seed) + mean) for mean in means]


def _variance_errors(exact: Float[Tensor, "n m"]) -> dict:
    x = exact.float()
    true = x.double().var(-1, unbiased=False)
    two = halving_mean((x - halving_mean(x)[:, None]).square())
    one = halving_mean(x.square()) - halving_mean(x).square()
    worst = {
        name: ((got - true) / true).abs().max().item() for name, got in (("two_pass", two), ("one_pass", one))
    }
    return worst | {"negative": int((one < 0).sum())}


def halving_mean(x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch"]:
    """Return the mean over the last axis, added up in halves in the type of `x`."""
    width = x.shape[-1]
    while x.shape[-1] > 1:
        first, second = x.chunk(2, -1)
        x = first + second
    return x[..., 0] / width


# The Jacobian.


def jacobian_terms(x: Float[Tensor, " m"], eps: float = 1e-5) -> dict[str, Float[Tensor, "m m"]]:
    """Return the Jacobian of one row's LayerNorm (no gain), whole and with terms left out.

    d x̂_i / d x_j = (delta_ij - 1/m - x̂_i x̂_j / m) / std(x)
    """
    m = len(x)
    std = (x.var(unbiased=False) + eps).sqrt()
    unit = (x - x.mean()) / std
    own, mean, along = torch.eye(m).to(x), x.new_full((m, m), 1 / m), torch.outer(unit, unit) / m
    return {
        "all terms": (own - mean - along) / std,
        "without the mean term": (own - along) / std,
        "without the x̂ term": (own - mean) / std,
        "scale alone": own / std,
    }
