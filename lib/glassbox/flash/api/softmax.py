"""Softmax in blocks, with its conventions and argument checks; the equations are in `reference`."""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import (
    bad_type,
    bad_value,
    expect_float_tensor,
    expect_same_kind,
    expect_shape,
    expect_whole,
)
from glassbox.attention.reference.core import Attended
from glassbox.flash.reference import softmax


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
