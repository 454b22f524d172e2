"""What the public functions of flash refuse."""

from torch import Tensor

from glassbox.arguments import (
    bad_type,
    bad_value,
    expect_float_tensor,
    expect_positive,
    expect_same_kind,
    expect_shape,
    expect_whole,
)
from glassbox.attention.api.checks import expect_queries_keys_values
from glassbox.attention.masks import Mask
from glassbox.flash.reference.scoring import Rules, Score


def checked_rules(q, k, v, mask, score, scale) -> Rules:
    """Refuse what does not fit, and return how the scores of these queries and keys are made."""
    expect_queries_keys_values(q, k, v)
    expect_score(score, q.shape[1])
    _expect_mask(mask, q.shape[0], q.shape[2], k.shape[2])
    return Rules(scale_of(q, scale), mask, score)


def scale_of(q: Tensor, scale: float | None) -> float:
    """Return the factor of the products: 1/sqrt(d) unless given."""
    if scale is not None:
        expect_positive("scale", scale)
    return float(q.shape[-1] ** -0.5 if scale is None else scale)


def expect_score(score, heads: int) -> None:
    """Refuse what is no function of the score, or one with data for another number of heads."""
    if score is not None and not isinstance(score, Score):
        raise bad_type("score", "a Score: soft_cap, alibi, then, or your own value and slope", score)
    if score is not None and score.heads is not None and score.heads != heads:
        raise bad_value("score", f"slopes for {heads} heads", f"a score of {score.heads}")


def expect_sinks(sinks, q: Tensor) -> None:
    """Refuse what is not one learned score per head, like q."""
    if sinks is not None:
        expect_float_tensor("sinks", sinks)
        expect_same_kind("sinks", sinks, "q", q)
        expect_shape("sinks", sinks, (q.shape[1],))


def _expect_mask(mask, b: int, t: int, n: int) -> None:
    """Refuse what is no mask for such a batch, and positions that it has no data for."""
    if mask is None:
        return
    if not isinstance(mask, Mask):
        raise bad_type("mask", "a Mask: a matrix of t x n is what tiling avoids", mask)
    if mask.sequences not in (None, 1, b):
        raise bad_value("mask", f"data for {b} sequence(s)", f"a mask of {mask.sequences}")
    if t:
        mask.dense(1, n, first=n - t)  # refuses the first query, or the keys
        mask.dense(1, n, first=n - 1)


def expect_blocks(query_block, key_block) -> None:
    """Refuse blocks that are no whole numbers >= 1."""
    expect_whole("query_block", query_block, 1)
    expect_whole("key_block", key_block, 1)
