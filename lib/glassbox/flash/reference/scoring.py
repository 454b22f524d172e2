"""What happens to a score between the product and the softmax: soft-capping, ALiBi, hidden keys."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_value, expect_float_tensor, expect_positive, expect_shape
from glassbox.attention.masks import Mask


class Part(NamedTuple):
    """One function as the kernels know it: the name of its pair of jit functions, and what they are given."""

    name: str
    numbers: tuple[float, ...] = ()
    tensors: tuple[Tensor, ...] = ()


class Score(NamedTuple):
    """A function of one score and its place, and its derivative by the score.

    Both are called as f(score, head, query, key), with whole numbers that broadcast to the scores.
    """

    value: Callable
    slope: Callable
    heads: int | None = None  # the number of heads that it has data for; None: any
    parts: tuple[Part, ...] = ()  # the same as the kernels run it; (): the definition alone


class Rules(NamedTuple):
    """How scores are made: value(scale q . k), -inf where the mask hides the key."""

    scale: float
    mask: Mask | None = None
    score: Score | None = None
    matrix: Tensor | None = None  # (t, n) or (b or 1, h or 1, t, n): a mask that is no rule


def soft_cap(limit: float) -> Score:
    """Keep every score below a limit, smoothly.

        s' = limit tanh(s / limit)

    Convention: applied to the scaled score.
    Raises: TypeError, ValueError for a limit that is no finite number > 0.
    Source: Gemma Team 2024, section 2 (arXiv:2408.00118).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_positive("limit", limit)
    return Score(
        lambda score, *at: limit * (score / limit).tanh(),
        lambda score, *at: 1 - (score / limit).tanh().square(),
        parts=(Part("soft_cap", (float(limit),)),),
    )


def alibi(slopes: Float[Tensor, " h"]) -> Score:
    """Take from each score the distance times the slope of its head.

        s' = s - slope_h |query - key|

    Convention: positions as in a mask, bottom-right. The slopes get no gradient.
    Raises: TypeError, ValueError for what is no float tensor with one slope per head.
    Source: Press et al. 2022, section 3 (arXiv:2108.12409).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_float_tensor("slopes", slopes)
    expect_shape("slopes", slopes, (slopes.numel(),))
    return Score(
        lambda score, head, query, key: score - slopes.detach().to(score)[head] * (query - key).abs(),
        lambda score, *at: torch.ones_like(score),
        len(slopes),
        (Part("alibi", tensors=(slopes.detach(),)),),
    )


def then(first: Score, second: Score) -> Score:
    """Apply one function of the score, then the other; their slopes multiply.

    Raises: ValueError for functions of unequal numbers of heads.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    if None not in (first.heads, second.heads) and first.heads != second.heads:
        raise bad_value("second", f"a score of {first.heads} heads", f"one of {second.heads}")
    return Score(
        lambda score, *at: second.value(first.value(score, *at), *at),
        lambda score, *at: first.slope(score, *at) * second.slope(first.value(score, *at), *at),
        second.heads if first.heads is None else first.heads,
        first.parts + second.parts if first.parts and second.parts else (),
    )


def heads(scores):
    """The numbers of the heads of scores (b, g, h/g, t, n), to broadcast to them."""
    groups, each = scores.shape[1:3]
    return torch.arange(groups * each, device=scores.device).reshape(groups, each, 1, 1)


def seen(mask, b, query, key):
    """Where the queries at these positions may look, to broadcast to (b, g, h/g, t, n)."""
    sequence = torch.arange(b, device=key.device)[:, None, None]
    where = mask.rule(sequence, query[:, None], key)
    return where.broadcast_to(b, len(query), len(key))[:, None, None]


def listed(matrix, groups, query, key):
    """What a matrix says of the queries and keys at these positions, to broadcast to (b, g, h/g, t, n)."""
    t, n = matrix.shape[-2:]
    tile = matrix[..., query - (n - t), :][..., key]
    if tile.ndim == 2 or tile.shape[1] == 1:
        return tile if tile.ndim == 2 else tile[:, None]
    return tile.unflatten(1, (groups, tile.shape[1] // groups))


def score_and_slope(raw, rules, query, key, slope=True):
    """The scores of a tile from its products (b, g, h/g, t, n), and their derivative by scale * product."""
    scores = rules.scale * raw
    at = (heads(scores), query[:, None], key)
    by_score = rules.score.slope(scores, *at) if slope and rules.score is not None else None
    if rules.score is not None:
        scores = rules.score.value(scores, *at)
    if rules.mask is not None:
        scores = scores.masked_fill(~seen(rules.mask, len(raw), query, key), -torch.inf)
    if rules.matrix is not None:
        scores = scores.masked_fill(~listed(rules.matrix, raw.shape[1], query, key), -torch.inf)
    return scores, by_score
