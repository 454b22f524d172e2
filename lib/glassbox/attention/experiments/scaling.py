"""Why the scores are divided by sqrt(d): variance, entropy and gradient of softmax against the head size."""

import math
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.attention.reference.core import softmax
from glassbox.tiny.seeds import normal

SCALES = {"none": lambda d: 1.0, "1/sqrt(d)": lambda d: d**-0.5, "1/d": lambda d: 1 / d}


def scaling(
    sizes: Sequence[int] = (4, 16, 64, 256, 1024), keys: int = 64, seeds: Iterable[int] = range(5)
) -> list[dict]:
    """Score `keys` normal queries against as many normal keys, with three scales.

        score = scale * q . k,  weights = softmax(score),  loss = sum of weights * independent normal numbers

    A row has `scale` ("none", "1/sqrt(d)", "1/d"), `size` (d), `seed`, `variance` of the scores, `entropy` of
    a row of weights over log(keys) (1 is uniform, 0 a single key), `top` (mean largest weight), `gradient`
    (mean |d loss / d score|), `median_gradient` (the same mean for the median query), and `input_gradient`
    (mean |d loss / d q| and |d loss / d k|, which holds the scale itself as a factor).

    Convention: float64, the same numbers for the three scales.
    """
    return [
        {"scale": name, "size": size, "seed": seed} | _one_scale(size, keys, seed, scale(size))
        for name, scale in SCALES.items()
        for size in sizes
        for seed in seeds
    ]


def _one_scale(size: int, keys: int, seed: int, scale: float) -> dict:
    q, k = (normal((keys, size), 10 * seed + part).requires_grad_() for part in (0, 1))
    scores = scale * q @ k.T
    weights = softmax(scores)[0]
    loss = (weights * normal((keys, keys), 10 * seed + 2)).sum()
    of_scores, of_q, of_k = (x.abs() for x in torch.autograd.grad(loss, (scores, q, k)))
    return {
        "variance": scores.var().item(),
        "entropy": relative_entropy(weights.detach()),
        "top": weights.amax(-1).mean().item(),
        "gradient": of_scores.mean().item(),
        "median_gradient": of_scores.mean(-1).median().item(),
        "input_gradient": (of_q.mean() + of_k.mean()).item() / 2,
    }


def relative_entropy(weights: Float[Tensor, "*batch n"]) -> float:
    """Return the mean entropy of the rows over the largest possible, log n: 1 uniform, 0 a single key."""
    return (torch.special.entr(weights).sum(-1).mean() / math.log(weights.shape[-1])).item()


def softmax_row(size: int, scale: str = "none", keys: int = 16, seed: int = 0) -> list[dict]:
    """Return one query's weights, largest first: `size`, `scale`, `rank` (0 is the largest), `weight`.

    Convention: the larger sizes begin with the features of the smaller ones.
    """
    q, k = normal((size,), seed), normal((size, keys), seed + 1).T
    weights = softmax(SCALES[scale](size) * k @ q)[0].sort(descending=True).values
    return [
        {"size": size, "scale": scale, "rank": rank, "weight": weight}
        for rank, weight in enumerate(weights.tolist())
    ]
