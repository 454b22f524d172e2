"""Whiteboard: merge attention over two sets of keys."""

import torch

from glassbox.flash.exercises import merging_answers as answers
from glassbox.learn.exercise import Implement, Inputs


def drawn(make, t, e, shift=0.0):
    one, other = 2 * make.normal(t) + shift, 2 * make.normal(t) + shift
    return make.normal(t, e), one, make.normal(t, e), other


def without(result, rows):
    """The same, where these queries have seen no key."""
    o, lse = result
    return o.index_fill(0, torch.tensor(rows), 0.0), lse.index_fill(0, torch.tensor(rows), -torch.inf)


def inputs(seed):
    make = Inputs(seed)
    t, e = [size for size in make.sizes(9) if size > 3][:2]
    o1, lse1, o2, lse2 = drawn(make, t, e)
    return *without((o1, lse1), [0, 1]), *without((o2, lse2), [0, 2])


def equal_shares(seed):
    """
    saw: wrong even where both have the same log-sum-exp
    means: then the output is the mean of the two, and the log-sum-exp grows by log 2
    look: what the two weights are, and whether they sum to 1
    """
    make = Inputs(seed)
    o1, lse1, o2, _ = drawn(make, *make.sizes(2))
    return o1, lse1, o2, lse1


def unequal_shares(seed):
    """
    saw: right where both have the same log-sum-exp, wrong where they differ
    means: each counts by its denominator, exp(lse)
    look: the weights: one key against three, all scores 0, gives 1/4 and 3/4
    """
    make = Inputs(seed)
    return drawn(make, *make.sizes(2))


def large_scores(seed):
    """
    saw: small ones are right, log-sum-exps near 900 give infinity, NaN or 0
    means: exp overflows, or both underflow
    look: what may be subtracted from both before the exponential
    """
    make = Inputs(seed)
    t, e = make.sizes(2)
    return drawn(make, t, e, shift=torch.where(torch.arange(t) % 2 == seed % 2, 900.0, -900.0).double())


def one_saw_nothing(seed):
    """
    saw: wrong where one of the two has seen no key
    means: its log-sum-exp is -inf: the result is the other one, unchanged
    look: -inf in a maximum, a difference or a product
    """
    make = Inputs(seed)
    o1, lse1, o2, lse2 = drawn(make, *make.sizes(2))
    return *without((o1, lse1), [0]), *without((o2, lse2), [1])


def both_saw_nothing(seed):
    """
    saw: wrong where neither has seen a key
    means: -inf less -inf is not a number; the result has seen nothing either: 0, and -inf
    look: what is subtracted, and what is divided by
    """
    make = Inputs(seed)
    o1, lse1, o2, lse2 = drawn(make, *make.sizes(2))
    return *without((o1, lse1), [1]), *without((o2, lse2), [1])


def the_order_does_not_matter(merge_partials, o1, lse1, o2, lse2):
    """
    saw: exchanging the two changes the result
    means: the merge is not symmetric
    look: which weight goes with which output
    """
    return merge_partials(o1, lse1, o2, lse2)[0] - merge_partials(o2, lse2, o1, lse1)[0]


def three_in_any_grouping(merge_partials, o1, lse1, o2, lse2):
    """
    saw: of three partial results, merging the first two first gives something else than the last two
    means: the merge is not associative, so a tree of devices would not give what a line gives
    look: the log-sum-exp that is returned: it is the weight in the next merge
    """
    o3, lse3 = o1.flip(0) + 1, lse2.flip(0).clamp_min(-2.0)
    left = merge_partials(*merge_partials(o1, lse1, o2, lse2), o3, lse3)
    right = merge_partials(o1, lse1, *merge_partials(o2, lse2, o3, lse3))
    return torch.cat((left[0] - right[0], (left[1] - right[1])[:, None]), 1)


merge_partials = Implement(
    id="flash.merge_partials",
    title="Merge attention over two sets of keys",
    statement=(
        "The same t queries attended to two sets of keys, on two devices or in two blocks. Each gave "
        "finished outputs (t, e) and the log-sum-exp of its scores (t,). Return output and log-sum-exp over "
        "both sets. Scores may be near 900. A query that saw no key has output 0 and log-sum-exp -inf, on "
        "one side or on both."
    ),
    difficulty=2,
    importance=5,
    minutes=6,
    hints=(
        "All scores are 0. One side saw 1 key, the other 3. Which share has each key, and so each side?",
        "exp(lse) is the denominator by which a side was divided. Look at two places: the weights, and what "
        "becomes of -inf on both sides.",
        "`top = torch.maximum(lse1, lse2)`; `w1, w2 = (lse1 - top).exp(), (lse2 - top).exp()`; "
        "`o = (____ + ____) / (w1 + w2)`, and `lse = top + ____`",
    ),
    sizes={"t": "queries", "e": "features of a value"},
    example=(torch.tensor([[0.0]]), torch.tensor([0.0]), torch.tensor([[4.0]]), torch.tensor([3.0]).log()),
    returns=("the output", "the log-sum-exp"),
    solution=answers.solution,
    alternatives=(answers.by_logaddexp,),
    reference=answers.side_by_side,
    inputs=inputs,
    invariants=(the_order_does_not_matter, three_in_any_grouping),
    cases=(equal_shares, unequal_shares, large_scores, one_saw_nothing, both_saw_nothing),
    mistakes=(
        answers.plain_mean,
        answers.plain_sum,
        answers.weighted_by_the_logarithms,
        answers.exponentials_without_a_maximum,
        answers.weights_exchanged,
        answers.not_divided,
        answers.one_maximum_for_all,
        answers.logarithms_added,
        answers.larger_logarithm,
        answers.maximum_not_added_back,
        answers.nan_where_both_saw_nothing,
        answers.zero_over_zero,
    ),
    forbidden=("glassbox.flash.merge", "glassbox.flash.reference.softmax.merge"),
    discussion=(
        "Flash-Decoding merges the parts of one row of keys, ring attention those of several devices, and a "
        "shared prefix those of a cascade. The pair (o, lse) is all that travels: e + 1 numbers per query, "
        "however many keys were read."
    ),
    notes="6 minutes. The weights are found quickly; -inf on both sides is what nearly all forget.",
)
