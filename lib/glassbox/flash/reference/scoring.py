"""What happens to a score between the product and the softmax: soft-capping, ALiBi, hidden keys."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from glassbox.attention.masks import Mask


class Score(NamedTuple):
    """A function of one score and its place, and its derivative by the score.

    Both are called as f(score, head, query, key), with whole numbers that broadcast to the scores.
    """

    value: Callable
    slope: Callable


class Rules(NamedTuple):
    """How scores are made: value(scale q . k), -inf where the mask hides the key."""

    scale: float
    mask: Mask | None = None
    score: Score | None = None


def soft_cap(limit):
    """limit * tanh(score / limit): scores stay below the limit."""
    return Score(
        lambda score, *at: limit * (score / limit).tanh(),
        lambda score, *at: 1 - (score / limit).tanh().square(),
    )


def alibi(slopes):
    """score - slope of the head * distance; the slopes (h,) get no gradient."""
    return Score(
        lambda score, head, query, key: score - slopes.to(score)[head] * (query - key).abs(),
        lambda score, *at: torch.ones_like(score),
    )


def then(first, second):
    """First one function of the score, then the other; the slopes multiply."""
    return Score(
        lambda score, *at: second.value(first.value(score, *at), *at),
        lambda score, *at: first.slope(score, *at) * second.slope(first.value(score, *at), *at),
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


def score_and_slope(raw, rules, query, key, slope=True):
    """The scores of a tile from its products (b, g, h/g, t, n), and their derivative by scale * product."""
    scores = rules.scale * raw
    at = (heads(scores), query[:, None], key)
    by_score = rules.score.slope(scores, *at) if slope and rules.score is not None else None
    if rules.score is not None:
        scores = rules.score.value(scores, *at)
    if rules.mask is not None:
        scores = scores.masked_fill(~seen(rules.mask, len(raw), query, key), -torch.inf)
    return scores, by_score
