"""What a learner reads: short, exact, and the same for everybody."""

import linecache

import example_exercises as examples
import pytest
import torch
from glassbox.learn.exercise import Message, State, Verdict, message
from glassbox.learn.exercise.bounded import Observation, Raised
from glassbox.learn.exercise.compare import alike, as_good_as, parts, same
from glassbox.learn.exercise.explained import explained
from glassbox.learn.exercise.verdict import Finding
from glassbox.learn.exercise.where import pairs, where
from learn.answers import in_batch as in_batch

WANT = torch.arange(1.0, 31.0, dtype=torch.float64).reshape(5, 6)


# ---- exceptions


def wrong_shape(x):
    return x / x.sum(-1)


def wrong_product(x):
    return x @ x


def wrong_dimension(x):
    return x.sum(5)


def wrong_type(x):
    return x @ torch.ones(x.shape[-1], 2)


def undefined(x):
    return x * missing


def no_return(x):
    x.exp()


def a_pair(x):
    return x, x


def a_number(x):
    return x.sum().item()


def half(x):
    return x.float()


def flat(x):
    return x.flatten()


def nothing_finite(x):
    return x * torch.nan


def changes_x(x):
    return x.mul_(2) / 2


def one_argument_more(x, y):
    return x


@pytest.mark.parametrize("function, stage, words", [
    (wrong_shape, "interface", "keepdim"),
    (wrong_product, "interface", "inner sizes"),
    (wrong_dimension, "interface", "no dimension 5"),
    (wrong_type, "interface", "different types"),
    (undefined, "interface", "`missing` is not defined"),
    (no_return, "interface", "`return`"),
    (a_pair, "interface", "only the output"),
    (a_number, "interface", "a tensor is wanted"),
    (one_argument_more, "interface", "called with (x)"),
    (flat, "form", "shape"),
    (half, "form", "float64"),
    (nothing_finite, "form", "NaN"),
    (changes_x, "form", "in place"),
])  # fmt: skip
def test_each_slip_has_its_sentence(function, stage, words):
    verdict = examples.softmax.check(function)
    assert verdict.finding.stage == stage
    assert words in " ".join(verdict.finding.message)
    assert "Traceback" not in str(verdict) and len(str(verdict).splitlines()) < 30


def test_the_last_line_of_the_learners_own_code_is_named():
    found = examples.softmax.check(wrong_shape).finding
    line = wrong_shape.__code__.co_firstlineno + 1
    assert found.message.look == f"line {line} of wrong_shape: return x / x.sum(-1)"


def test_an_unknown_error_is_shown_in_one_line():
    linecache.clearcache()
    found = explained(Raised("OddError", "first\nsecond", "cell", 3, "f"), "interface", 2)
    assert found.message == Message("OddError: first", "your code stopped with this error", "line 3 of f")


# ---- where it is wrong


def changed(place, by=1.0):
    got = WANT.clone()
    got[place] += by
    return got


@pytest.mark.parametrize("got, words", [
    (WANT * 2, "everything is 2 times as large"),
    (WANT - 3, "everything is off by -3"),
    (WANT * torch.arange(2.0, 7.0)[:, None], "a factor of its own"),
    (WANT + torch.arange(1.0, 6.0)[:, None], "each row (last dimension) is off by a constant"),
    (WANT * torch.arange(2.0, 8.0), "each column is off by a factor"),
    (changed(2), "6 of 30 values differ: row 2 of 5"),
    (changed(4), "row 4 (the last) of 5"),
    (changed((slice(None), 1)), "column 1 of 6"),
    (WANT + torch.eye(5, 6), "on the diagonal"),
    (WANT + torch.ones(5, 6).triu(1), "above the diagonal"),
    (WANT + torch.ones(5, 6).tril(), "on the diagonal and below"),
    (changed((3, 3)), "1 of 30 values differ: row 3 of 5"),
])  # fmt: skip
def test_where_a_result_is_wrong_is_said(got, words):
    assert words in where(got, WANT)


def test_at_most_eight_numbers_are_shown_the_worst_first():
    shown = pairs(WANT * 2, WANT)
    assert len(shown) == 4 and shown[0] == "[4, 5]: 60, expected 30"
    assert pairs(changed((0, 0), torch.nan), WANT) == ("[0, 0]: nan, expected 1",)


def test_one_number_is_compared_as_a_ratio():
    assert where(torch.tensor(3.0), torch.tensor(1.5)) == "3 instead of 1.5: 2 times as large"


# ---- what counts as the same


def test_the_tolerance_is_relative_and_tight():
    assert same(WANT * (1 + 1e-7), WANT) and not same(WANT * (1 + 1e-5), WANT)
    small = WANT * 1e-4
    assert not same(small * (1 + 1e-5), small)
    assert not same(WANT.float(), WANT)
    assert same(torch.tensor([torch.nan, 1.0]), torch.tensor([torch.nan, 1.0]))
    assert not same(torch.tensor([torch.nan, 1.0]), torch.tensor([2.0, 1.0]))


def test_lists_and_numbers_are_compared_by_value_and_kind():
    assert same([1.0, 2.0], [1.0, 2.0 + 1e-9]) and not same([1.0], [1.1])
    assert same([(1, "a")], [(1, "a")]) and not same([1], (1,)) and not same(1, True)
    assert same({"a": [WANT]}, {"a": [WANT]}) and not same({"a": [WANT]}, {"a": [1]})
    assert list(parts((WANT, WANT, 3), ("dx",))) == ["dx", "result 2", "result 3"]


def test_half_precision_is_judged_by_an_honest_run():
    oracle = WANT * 1.001
    honest = oracle.bfloat16()
    assert as_good_as(honest, honest, oracle)
    assert not as_good_as((oracle * 1.02).bfloat16(), honest, oracle)
    assert not as_good_as(torch.full_like(honest, torch.nan), honest, oracle)


def test_two_calls_look_alike_only_in_everything():
    one = Observation(WANT, (WANT,))
    assert alike(one, Observation(WANT.clone(), (WANT.clone(),)))
    assert not alike(one, Observation(WANT, (WANT + 1,)))
    assert not alike(one, Observation(raised=Raised("E", "x")))
    assert alike(Observation(raised=Raised("E", "x", "a")), Observation(raised=Raised("E", "x", "b")))


# ---- the verdict


def test_a_verdict_can_be_read_without_colour_and_without_html():
    verdict = examples.rms_norm.check(lambda x, gain, eps: examples.rms_norm_solution(x, gain, eps) * 1.5)
    assert "everything is 1.5 times as large" in str(verdict)
    html = verdict._repr_html_()
    assert "<caption" in html and "+ too large, - too small" in html and "<script" not in html
    signs = {cell.split(">")[1] for cell in html.split("<td")[1:] for cell in [cell.split("</td")[0]]}
    assert signs == {"+", "-"}


def test_words_of_a_learner_cannot_become_html():
    finding = Finding("interface", Message("<script>alert(1)</script>", "", ""))
    assert "<script>" not in Verdict("x.y", State.FAILED, finding)._repr_html_()


def test_a_failing_seed_and_the_stage_are_named():
    verdict = examples.rms_norm.check(lambda x, gain, eps: x)
    assert verdict.finding.seed == 0 and "seed" in str(verdict) and "(isolation)" in str(verdict)


def test_seeds_may_be_chosen():
    assert examples.rms_norm.check(examples.rms_norm_solution, seeds=(77, 78)).passed
    assert examples.rms_norm.check(lambda x, gain, eps: x, seeds=[91]).finding.seed == 91


def test_a_docstring_without_a_part_is_no_message():
    def halfway(x):
        """
        saw: this
        look: there
        """

    assert message(examples.over_columns).means == "you normalised over the first dimension"
    with pytest.raises(ValueError, match=r"halfway: expected a docstring with `saw:`.*no means"):
        message(halfway)
