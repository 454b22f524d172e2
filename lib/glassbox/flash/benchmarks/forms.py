"""The kinds of attention that are measured: what ours is told, which pairs are seen, how many they are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from glassbox.attention import masks
from glassbox.attention.masks import Mask
from glassbox.flash.reference.scoring import Score, alibi, soft_cap

LIMIT = 50.0  # Gemma 2's for attention
SEQUENCES = 7  # packed together, none as long as another


def _unchanged(q: Tensor) -> None:
    return None


@dataclass(frozen=True)
class Form:
    """One kind of attention, for q of (b, h, t, d) and as many keys.

    told(q): arguments of `flash_attention`. mask(t): what its definition hides. pairs(t): queries times the
    keys they see, in one sequence; a triangle counts as half a square. score(q): a function of the score.
    """

    name: str
    told: Callable[[Tensor], dict]
    mask: Callable[[int], Mask]
    pairs: Callable[[int], float]
    score: Callable[[Tensor], Score | None] = _unchanged
    sinks: bool = False


def eighth(tokens: int) -> int:
    """Return how many keys a window shows, and how many a prefix has."""
    return max(1, tokens // 8)


def lengths(tokens: int) -> list[int]:
    """Return how long each of SEQUENCES packed sequences is: 1, 3, 5, ... parts of the tokens, in order."""
    ends = [tokens * i * i // SEQUENCES**2 for i in range(SEQUENCES + 1)]
    return [end - start for start, end in pairwise(ends)]


def document_ids(tokens: int) -> Tensor:
    """Return for each token which packed sequence it belongs to, (t,)."""
    return torch.repeat_interleave(torch.arange(SEQUENCES), torch.tensor(lengths(tokens)))


@cache
def slopes(heads: int, device: torch.device) -> Tensor:
    """Return ALiBi's slopes, 2^(-8 i / h) for i = 1 ... h, (h,) in float32."""
    return torch.exp2(-8 * torch.arange(1, heads + 1, device=device) / heads)


def _half(tokens: int) -> float:
    return tokens**2 / 2


def _causal(q: Tensor, **more) -> dict:
    return {"causal": True, **more}


def _alibi(q: Tensor) -> Score:
    return alibi(slopes(q.shape[1], q.device))


def _soft_cap(q: Tensor) -> Score:
    return soft_cap(LIMIT)


def _one_document(t: int) -> Mask:
    return masks.causal() & masks.documents(document_ids(t)[None])


FULL = Form("full", lambda q: {}, lambda t: masks.full(), lambda t: t**2)
CAUSAL = Form("causal", _causal, lambda t: masks.causal(), _half)
WINDOW = Form(
    "window",
    lambda q: _causal(q, window=eighth(q.shape[2])),
    lambda t: masks.causal() & masks.sliding_window(eighth(t)),
    lambda t: t * eighth(t) - _half(eighth(t)),
)
PREFIX = Form(
    "prefix",
    lambda q: _causal(q, prefix=eighth(q.shape[2])),
    lambda t: masks.prefix_lm(eighth(t)),
    lambda t: _half(t) + _half(eighth(t)),
)
PACKED = Form(
    "packed",
    lambda q: _causal(q, lengths=lengths(q.shape[2])),
    _one_document,
    lambda t: sum(map(_half, lengths(t))),
)
ALIBI = Form("alibi", lambda q: _causal(q, score=_alibi(q)), CAUSAL.mask, _half, _alibi)
SOFT_CAP = Form("soft_cap", lambda q: _causal(q, score=_soft_cap(q)), CAUSAL.mask, _half, _soft_cap)
SINKS = Form("sinks", _causal, CAUSAL.mask, _half, sinks=True)
VARIANTS = (WINDOW, PREFIX, PACKED, ALIBI, SOFT_CAP, SINKS)
