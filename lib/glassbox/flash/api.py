"""Tiled attention with its conventions and argument checks; the equations are in `reference`."""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import (
    bad_type,
    bad_value,
    expect_float_tensor,
    expect_like,
    expect_positive,
    expect_same_kind,
    expect_shape,
    expect_whole,
)
from glassbox.attention.api.checks import expect_queries_keys_values
from glassbox.attention.masks import Mask
from glassbox.attention.reference.core import Attended
from glassbox.flash.reference import softmax, tiled
from glassbox.flash.reference.recomputing import Recomputing
from glassbox.flash.reference.scoring import Rules, Score
from glassbox.flash.reference.tiled import Gradients


def safe_softmax(scores: Float[Tensor, "*rows n"]) -> Float[Tensor, "*rows n"]:
    """Return the softmax of each row; the largest score is subtracted first, so that no exponent overflows.

        p = exp(s - m) / sum exp(s - m),   m = max s

    Convention: a row of -inf gives zeros. The largest exponent is 0, its term 1.
    Precision: halves are computed in float32 and cast back.
    Raises: TypeError, ValueError for what is no float tensor with at least one score per row.
    Source: Milakov & Gimelshein 2018, algorithm 2 (arXiv:1805.02867).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect_scores(scores)
    return softmax.safe_softmax(scores)


def online_softmax(scores: Float[Tensor, "*rows n"], block: int = 1) -> Float[Tensor, "*rows n"]:
    """Return the softmax of each row, its maximum and its sum found in one walk over blocks of scores.

        m' = max(m, s_j),   l' = exp(m - m') l + sum exp(s_j - m'),   p = exp(s - m) / l

    Convention: a row of -inf gives zeros. The last block may be shorter. The state is `Running(m, l)`.
    Precision: as `safe_softmax`.
    Raises: TypeError, ValueError as `safe_softmax`, or for a block that is no whole number >= 1.
    Source: Milakov & Gimelshein 2018, algorithm 3 (arXiv:1805.02867).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect_scores(scores)
    expect_whole("block", block, 1)
    return softmax.online_softmax(scores, block)


def merge(one: Attended, other: Attended) -> Attended:
    """Return attention over two sets of keys, from the results over each.

        lse = log(exp(lse_1) + exp(lse_2)),   o = exp(lse_1 - lse) o_1 + exp(lse_2 - lse) o_2

    Shapes: outputs (*rows, e), lse (*rows).
    Convention: associative and commutative. The identity is what saw no key: o = 0, lse = -inf.
    Precision: halves are merged in float32; the output is cast back, so merge wide results where many meet.
    Raises: TypeError, ValueError for pairs that are no results over the same queries.
    Source: Dao et al. 2023, Flash-Decoding (https://pytorch.org/blog/flash-decoding/);
        Liu et al. 2023, section 3 (arXiv:2310.01889).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect_attended("one", one)
    _expect_attended("other", other)
    for part in Attended._fields:
        here, there = getattr(one, part), getattr(other, part)
        expect_same_kind(f"other.{part}", there, f"one.{part}", here)
        expect_shape(f"other.{part}", there, here.shape)
    return softmax.merge(one, other)


def tiled_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    mask: Mask | None = None,
    score: Score | None = None,
    scale: float | None = None,
    query_block: int = 64,
    key_block: int = 64,
) -> Attended:
    """Return attention's output and log-sum-exp from tiles of scores; the gradient makes the tiles again.

        for each block of queries, for each block of keys:   s = score(scale q_i k_j^T)
            m' = max(m, s),  p = exp(s - m'),  l' = exp(m - m') l + sum p,  o' = exp(m - m') o + p v_j
        output = o / l,  lse = m + log l

    Shapes: g key heads serve h query heads, as in `attention.scaled_dot_product_attention`.
    Convention: a `Mask` is aligned bottom-right: the last query stands at the last key. `score` is a function
        of the scaled score and its place (`soft_cap`, `alibi`, `then`), applied before the mask. A query that
        sees nothing gets 0, its lse is -inf. `scale` is 1/sqrt(d) unless given. Last blocks may be shorter.
        This is the definition: eager, every tile is computed, none is skipped.
    Precision: halves are computed in float32; the output is cast back once, the lse stays float32.
    Raises: TypeError, ValueError for shapes, types or blocks that do not fit.
    Source: Dao 2023, algorithm 1 (arXiv:2307.08691).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, score, scale)
    expect_blocks(query_block, key_block)
    return Attended(*Recomputing.apply(q, k, v, rules, query_block, key_block))


def tiled_attention_backward(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    o: Float[Tensor, "b h t e"],
    lse: Float[Tensor, "b h t"],
    do: Float[Tensor, "b h t e"],
    mask: Mask | None = None,
    score: Score | None = None,
    scale: float | None = None,
    query_block: int = 64,
    key_block: int = 64,
) -> Gradients:
    """Return the gradients by q, k and v; the weights are recomputed from the log-sum-exp, tile by tile.

        p = exp(s - lse),   D = rowsum(do * o),   ds = p * (do v^T - D)
        dq = scale ds k,   dk = scale ds^T q,   dv = p^T do

    Shapes: dk and dv have the g heads of k and v: the heads of a group are summed.
    Convention: as `tiled_attention`; ds is multiplied by the slope of the score function, if there is one.
        Two passes (keys inside for dq, queries inside for dk and dv), so no sum is shared between blocks.
    Precision: halves are computed in float32, D from the output as rounded; the gradients are cast back once.
    Raises: TypeError, ValueError for shapes, types or blocks that do not fit.
    Source: Dao 2023, algorithm 2 (arXiv:2307.08691).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, score, scale)
    expect_blocks(query_block, key_block)
    rows = tuple(q.shape[:3])
    for name, value, shape in (
        ("o", o, (*rows, v.shape[3])),
        ("lse", lse, rows),
        ("do", do, (*rows, v.shape[3])),
    ):
        expect_float_tensor(name, value)
        expect_like(name, value, "q", q)
        expect_shape(name, value, shape)
    return tiled.backward(q, k, v, o, lse, do, rules, query_block, key_block)


def checked_rules(q, k, v, mask, score, scale) -> Rules:
    """Refuse what does not fit, and return how the scores of these queries and keys are made."""
    expect_queries_keys_values(q, k, v)
    if scale is not None:
        expect_positive("scale", scale)
    if score is not None and not isinstance(score, Score):
        raise bad_type("score", "a Score: soft_cap, alibi, then, or your own value and slope", score)
    if score is not None and score.heads not in (None, q.shape[1]):
        raise bad_value("score", f"slopes for {q.shape[1]} heads", f"a score of {score.heads}")
    _expect_mask(mask, q.shape[0], q.shape[2], k.shape[2])
    return Rules(q.shape[-1] ** -0.5 if scale is None else scale, mask, score)


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


def _expect_scores(scores) -> None:
    expect_float_tensor("scores", scores)
    if scores.shape[-1] == 0:
        raise bad_value("scores", "at least one score per row", scores)


def _expect_attended(name: str, value) -> None:
    if not isinstance(value, Attended):
        raise bad_type(name, "Attended(output, lse)", type(value).__name__)
    expect_float_tensor(f"{name}.output", value.output)
    expect_float_tensor(f"{name}.lse", value.lse, 0)
    expect_shape(f"{name}.lse", value.lse, tuple(value.output.shape[:-1]))
