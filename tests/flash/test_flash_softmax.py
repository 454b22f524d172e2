"""Online softmax, in float64: any split, any order and any tree of merges equals the whole."""

import functools
import itertools

import pytest
import torch
from glassbox import attention
from glassbox.flash.reference import softmax as reference
from glassbox.flash.reference.softmax import Running
from glassbox.tiny.seeds import normal
from hypothesis import given, settings
from hypothesis import strategies as st

N, E = 12, 3
step = reference.step


def case(seed, hidden):
    """Scores (3, N) with some -inf, the last row all -inf; and values."""
    scores = 6 * normal((3, N), seed)
    scores[0, list(hidden)], scores[2] = -torch.inf, -torch.inf
    return scores, normal((N, E), seed + 1)


def whole(scores, v):
    weights = scores[:2].softmax(-1)
    return torch.cat((weights.nan_to_num() @ v, torch.zeros(1, E).double())), scores.logsumexp(-1)


def close(got, expected, tolerance=1e-12):
    return all(
        torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(got, expected, strict=True)
    )


def alone(scores, v, places):
    """The partial result of some of the keys."""
    return reference.partial_step(reference.partial_start(scores[:, 0], E), scores[:, places], v[places])


def tree(draw, parts, merge):
    """Merge neighbours in an order that is drawn, until one is left."""
    parts = list(parts)
    while len(parts) > 1:
        at = draw(st.integers(0, len(parts) - 2))
        parts[at : at + 2] = [merge(parts[at], parts[at + 1])]
    return parts[0]


@st.composite
def splits(draw):
    """The places 0 ... N - 1 in a drawn order, cut into non-empty groups."""
    order = draw(st.permutations(range(N)))
    cuts = [0, *sorted(draw(st.sets(st.integers(1, N - 1), max_size=5))), N]
    return [order[a:b] for a, b in itertools.pairwise(cuts)]


SEEDS, HIDDEN = st.integers(0, 50), st.sets(st.integers(0, N - 1), max_size=N)


@settings(max_examples=30)
@given(st.data(), SEEDS, HIDDEN, splits())
def test_any_split_order_and_tree_equals_the_whole(data, seed, hidden, groups):
    scores, v = case(seed, hidden)
    parts = [alone(scores, v, places) for places in groups]
    expected = whole(scores, v)
    assert close(reference.finish(tree(data.draw, parts, reference.merge_partial)), expected)
    finished = [reference.finish(part) for part in parts]
    assert close(tree(data.draw, finished, reference.merge), expected)


@settings(max_examples=30)
@given(st.data(), SEEDS, HIDDEN, splits())
def test_steps_and_merges_of_the_running_sums_equal_the_whole(data, seed, hidden, groups):
    scores, _ = case(seed, hidden)
    first = reference.start(scores[:, 0])
    parts = [reference.step(first, scores[:, places]) for places in groups]
    walked = functools.reduce(lambda run, places: reference.step(run, scores[:, places]), groups, first)
    expected = scores.amax(-1), (scores - reference.base(scores.amax(-1))[:, None]).exp().sum(-1)
    assert close(walked, expected) and close(tree(data.draw, parts, reference.merge_running), expected)


def test_merging_is_commutative_to_the_bit():
    scores, v = case(3, {1, 2})
    one, other = alone(scores, v, [0, 1, 2, 3]), alone(scores, v, [4, 5, 6])
    for merge, pair in (
        (reference.merge_partial, (one, other)),
        (reference.merge, (reference.finish(one), reference.finish(other))),
    ):
        both = zip(merge(*pair), merge(*reversed(pair)), strict=True)
        assert all(torch.equal(a, b) for a, b in both)


def test_what_saw_no_key_is_the_identity_to_the_bit():
    scores, v = case(3, set())
    part, empty = alone(scores, v, list(range(N))), reference.partial_start(scores[:, 0], E)
    assert all(torch.equal(a, b) for a, b in zip(reference.merge_partial(part, empty), part, strict=True))
    done, nothing = reference.finish(part), reference.finish(empty)
    assert all(torch.equal(a, b) for a, b in zip(reference.merge(nothing, done), done, strict=True))
    assert (nothing.lse == -torch.inf).all() and (nothing.output == 0).all()


def test_the_whole_is_attention():
    scores, v = case(5, {0, 4})
    q, k = scores[None, None], torch.eye(N).double()[None, None]
    mask = scores > -torch.inf
    q = q.masked_fill(q == -torch.inf, 0)
    got = attention.scaled_dot_product_attention(q, k, v[None, None], mask, scale=1.0, return_lse=True)
    assert close((got.output[0, 0], got.lse[0, 0]), whole(scores, v))


@pytest.mark.parametrize("block", [1, 5, 12, 40])
def test_both_softmaxes_are_torchs_and_a_hidden_row_gives_zeros(block):
    scores, _ = case(7, {3})
    expected = torch.cat((scores[:2].softmax(-1), torch.zeros(1, N).double()))
    assert close([reference.online_softmax(scores, block)], [expected])
    assert close([reference.safe_softmax(scores)], [expected])


def test_scores_of_any_size_stay_finite():
    scores = 1e300 * normal((2, N), 2)
    assert (
        reference.online_softmax(scores, 5).isfinite().all()
        and reference.safe_softmax(scores).isfinite().all()
    )


def unscaled(run, scores):
    m = torch.maximum(run.m, scores.amax(-1))
    return Running(m, run.l + (scores - m[..., None]).exp().sum(-1))


def first_block_forgotten(run, scores):
    return step(reference.start(run.m), scores)


def unguarded(run, scores):
    m = torch.maximum(run.m, scores.amax(-1))
    return Running(m, (run.m - m).exp() * run.l + (scores - m[..., None]).exp().sum(-1))


@pytest.mark.parametrize("broken", [unscaled, first_block_forgotten, unguarded])
def test_the_tolerance_can_see(broken, monkeypatch):
    monkeypatch.setattr(reference, "step", broken)
    with pytest.raises(AssertionError):
        test_both_softmaxes_are_torchs_and_a_hidden_row_gives_zeros(5)


def test_the_tolerance_can_see_a_merge_without_weights(monkeypatch):
    scores, v = case(3, {1, 2})
    one, other = (reference.finish(alone(scores, v, places)) for places in ([0, 1, 2, 3], list(range(4, N))))
    assert close(reference.merge(one, other), whole(scores, v))
    mean = (one.output + other.output) / 2
    assert not close((mean, torch.logaddexp(one.lse, other.lse)), whole(scores, v))


def test_a_row_of_very_low_scores_is_not_taken_for_a_hidden_one():
    scores, v = case(4, set())
    low = scores - 1e6
    got = reference.finish(
        reference.merge_partial(alone(low, v, [0, 1, 2]), alone(low, v, list(range(3, N))))
    )
    output, lse = whole(scores, v)
    assert close(got, (output, lse - 1e6), 1e-9)
