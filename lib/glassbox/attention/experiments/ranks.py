"""The rank of attention maps: exactly full for every mask, numerically lower for the causal one."""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.attention.masks import causal
from glassbox.attention.reference.core import softmax
from glassbox.tiny.seeds import normal


def ranks(n: int = 128, d: int = 16, seeds: Iterable[int] = range(5)) -> list[dict]:
    """Return the numerical rank of the scores of n normal queries and keys, and of their softmax maps.

    A row has `seed`, `matrix` ("scores", "bidirectional", "causal"), `dtype` ("float64", "float32": the
    precision to which the map is known), `rank` (singular values above n * eps * the largest), `smallest`
    (the smallest singular value) and `log10_determinant`, both None where they would be rounding alone.

    Convention: scores over sqrt(d). All is computed in float64; for "float32" the map is rounded and
        eps is that of float32. An SVD knows singular values only down to about 1e-16 of the largest: the
        smallest of a causal map comes from its triangular inverse, 1 / |A^-1|, which keeps all digits.
    Source: Higham 2002, "Accuracy and Stability of Numerical Algorithms", chapter 8.
    """
    return [
        {"seed": seed, "matrix": name, "dtype": str(dtype).removeprefix("torch.")} | _one_rank(matrix, dtype)
        for seed in seeds
        for name, matrix in attention_maps(n, d, seed).items()
        for dtype in (torch.float64, torch.float32)
    ]


def attention_maps(n: int, d: int, seed: int) -> dict[str, Float[Tensor, "n n"]]:
    """Return the scaled scores of n normal queries and keys, their softmax, and their causal softmax."""
    scores = normal((n, d), 2 * seed) @ normal((n, d), 2 * seed + 1).T * d**-0.5
    masked = scores.masked_fill(~causal().dense(n, n), -torch.inf)
    return {"scores": scores, "bidirectional": softmax(scores)[0], "causal": softmax(masked)[0]}


def _one_rank(matrix: Float[Tensor, "n n"], dtype: torch.dtype) -> dict:
    known = matrix.to(dtype).double()
    values = torch.linalg.svdvals(known)
    floor = len(matrix) * torch.finfo(dtype).eps * values[0]
    rank, smallest, log10_determinant = int((values > floor).sum()), None, None
    if triangular := torch.equal(known, known.tril()):
        smallest = smallest_of_triangular(known)
    elif rank == len(matrix):
        smallest = values[-1].item()
    if triangular or rank == len(matrix):
        log10_determinant = torch.linalg.slogdet(known).logabsdet.item() / math.log(10)
    return {"rank": rank, "smallest": smallest, "log10_determinant": log10_determinant}


def smallest_of_triangular(matrix: Float[Tensor, "n n"]) -> float:
    """Return the smallest singular value of a lower triangular matrix, 1 / |A^-1|, with all its digits."""
    inverse = torch.linalg.solve_triangular(matrix, torch.eye(len(matrix)).to(matrix), upper=False)
    return 1 / torch.linalg.matrix_norm(inverse, 2).item()
