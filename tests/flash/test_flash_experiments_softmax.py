"""The softmax as a stream: rows that notebook 12 prints, and that merging is associative."""

import math

import pytest
import torch
from glassbox.flash import experiments
from glassbox.flash.experiments import softmax
from glassbox.flash.reference.softmax import Running


def test_the_stream_keeps_the_sum_over_what_came_so_far():
    rows = experiments.stream_rows()
    scores = [row["score"] for row in rows]
    assert len(rows) == 64 and scores == [round(score, 1) for score in scores]
    for row in rows:
        seen = scores[: row["index"]]
        assert row["m"] == max(seen)
        assert row["l"] == pytest.approx(sum(math.exp(score - max(seen)) for score in seen), rel=1e-12)
        assert row["moved"] == (row["score"] > max(seen[:-1], default=-math.inf))
        assert row["keep"] == pytest.approx(1.0) if not row["moved"] else row["keep"] < 1


def test_the_maximum_of_a_stream_moves_rarely():
    rows = experiments.stream_rows([3, 1, 5, 5])
    assert [row["moved"] for row in rows] == [True, False, True, False]
    for row in experiments.rescales():
        assert row["moved"] == pytest.approx(row["expected"], rel=0.05)
        assert row["moved"] < row["blocks"] / 1.5
    assert experiments.rescales((4,))[0]["expected"] == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4)


def test_what_overflows_is_told_by_the_dtype_and_mended_by_subtracting():
    rows = {(row["dtype"], row["form"]): row for row in experiments.overflow()}
    for dtype in ("float16", "bfloat16", "float32"):
        assert rows[dtype, "plain"]["largest"] == math.inf and not rows[dtype, "plain"]["finite"]
        assert math.isnan(rows[dtype, "plain"]["result"][2])
    assert rows["float64", "plain"]["finite"]  # the same scores, and no harm
    assert all(row["largest"] == 1 and row["finite"] for (_, form), row in rows.items() if form == "safe")
    assert all(row["result"][2] == 1 for (_, form), row in rows.items() if form == "safe")


@pytest.mark.parametrize("dtype", softmax.DTYPES)
def test_the_limit_is_the_last_score_that_does_not_overflow(dtype):
    def plain(score):
        rows = experiments.overflow((0, score))
        return next(row for row in rows if (row["dtype"], row["form"]) == (dtype, "plain"))

    limit = plain(0)["limit"]
    assert plain(0.99 * limit)["finite"] and not plain(1.01 * limit)["finite"]


def test_merging_is_associative_up_to_rounding_and_not_to_the_bit():
    found = experiments.associativity(60)
    gaps = [found[name] for name in ("line", "tree", "order", "whole")]
    assert 0 < found["largest_gap"] == max(gaps) < 1e-13 and not found["same_bits"]


def no_rescale(one, other):
    """Merging that adds what was summed against two maxima."""
    top = torch.maximum(one.lse, other.lse)
    return one._replace(output=(one.output + other.output) / 2, lse=top)


def heavier_first(one, other, correct=softmax.merge):
    """Merging that forgets a little of the later part."""
    return correct(one, other._replace(lse=other.lse - 1e-9))


@pytest.mark.parametrize("broken, at_least", [(no_rescale, 0.1), (heavier_first, 1e-11)])
def test_a_merge_that_is_not_associative_is_seen(broken, at_least, monkeypatch):
    monkeypatch.setattr(softmax, "merge", broken)
    assert experiments.associativity(20)["largest_gap"] > at_least


def test_a_step_that_does_not_rescale_is_seen(monkeypatch):
    def broken(run, scores):
        m = torch.maximum(run.m, scores.amax(-1))
        return Running(m, run.l + (scores - m[..., None]).exp().sum(-1))

    monkeypatch.setattr(softmax, "step", broken)
    with pytest.raises(AssertionError):
        test_the_stream_keeps_the_sum_over_what_came_so_far()


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: experiments.stream_rows(()), "scores"),
        (lambda: experiments.stream_rows(length=0), "length"),
        (lambda: experiments.overflow(()), "scores"),
        (lambda: experiments.associativity(0), "trials"),
        (lambda: experiments.rescales((0,)), "lengths"),
    ],
)
def test_bad_sizes_are_named(call, said):
    with pytest.raises(ValueError, match=f"{said}: expected"):
        call()
