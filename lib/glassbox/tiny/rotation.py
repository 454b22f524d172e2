"""Rotary positions of the tiny model."""

import torch
from jaxtyping import Float
from torch import Tensor


def rotate(x: Float[Tensor, "*batch t d"], base: float = 10_000.0) -> Float[Tensor, "*batch t d"]:
    """Turn each pair of features by an angle that grows with the position (RoPE).

        (x_i, x_{i + d/2})  turned by  p * base^(-2i/d),   p = 0 ... t - 1,   i = 0 ... d/2 - 1

    Convention: half-split pairing (i with i + d/2) and counter-clockwise turns, as in GPT-NeoX.
    Precision: angles in float64, then rounded to the type of `x`.
    Source: Su et al. 2021, equation 34 (arXiv:2104.09864); the paper pairs neighbours (2i with 2i + 1).
    """
    t, half = x.shape[-2], x.shape[-1] // 2
    speed = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(t, dtype=torch.float64)[:, None] * speed
    cos, sin = angle.cos().to(x), angle.sin().to(x)
    first, second = x[..., :half], x[..., half:]
    return torch.cat((first * cos - second * sin, first * sin + second * cos), -1)
