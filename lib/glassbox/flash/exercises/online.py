"""Whiteboard: the softmax of a row in one walk over its blocks."""

import torch

from glassbox.flash.exercises import online_answers as answers
from glassbox.flash.exercises.sizes import block_and
from glassbox.learn.exercise import Implement, Inputs


def inputs(seed):
    make = Inputs(seed)
    block, t, n = block_and(make, 2)
    seen = make.mask(t, n)
    seen[2, :block] = False  # a row whose first block is hidden
    seen[:, -1] |= torch.arange(t) > 0
    scores = 3 * make.ties(t, n) - 1
    scores[3] -= 20  # a row of negative scores
    return scores.masked_fill(~seen, -torch.inf), block


def one_block(seed):
    """
    saw: wrong even where one block holds the whole row
    means: nothing is rescaled then: it is the exponential, the sum or the division
    look: safe softmax by hand for two scores
    """
    make = Inputs(seed)
    t, n = make.sizes(2)
    return make.normal(t, n), n


def the_largest_score_comes_first(seed):
    """
    saw: one block is right, several are wrong, although the first holds the largest score
    means: the maximum does not move, so nothing is rescaled: it is how the blocks are added up
    look: the sum after two blocks of one score each
    """
    make = Inputs(seed)
    block, t, n = block_and(make, 2)
    return make.normal(t, n).sort(-1, descending=True).values, block


def the_largest_score_comes_last(seed):
    """
    saw: right as long as the maximum stays, wrong where a later block has a larger score
    means: the old sum is measured against the old maximum
    look: by which factor exp(s - old) becomes exp(s - new)
    """
    make = Inputs(seed)
    block, t, n = block_and(make, 2)
    return make.normal(t, n).sort(-1).values, block


def large_scores(seed):
    """
    saw: small scores are right, scores near 900 are infinite, NaN or 0
    means: an exponential overflows, or all of a row underflow
    look: every exponent is a score less the largest one of its own row so far
    """
    make = Inputs(seed)
    block, t, n = block_and(make, 2)
    return 900 * make.normal(t, n), block


def hidden_scores(seed):
    """
    saw: wrong where a row, or its first block, is -inf
    means: the largest score so far is -inf there, and -inf less -inf is not a number
    look: what is subtracted while nothing was seen, and what is divided by where nothing is seen at all
    """
    make = Inputs(seed)
    block, t, n = block_and(make, 2)
    hidden = make.normal(t, n).index_fill(0, torch.tensor([0]), -torch.inf)
    hidden[1:3, :block] = -torch.inf
    return hidden, block


def a_shift_changes_nothing(online_softmax, scores, block):
    """
    saw: adding 5 to every score changes the result
    means: a number that belongs to one maximum meets one that belongs to another
    look: every exponent is a difference of two scores; the walk starts at no score at all
    """
    (p, sums), (moved, their_sums) = online_softmax(scores, block), online_softmax(scores + 5, block)
    return torch.cat((moved - p, their_sums - sums), 1)


def the_sum_of_the_largest_score_alone_is_one(online_softmax, scores, block):
    """
    saw: a score far above all others does not leave a running sum of 1
    means: what was added before it is not forgotten, though it is nothing beside it
    look: the factor on the old sum
    """
    far = torch.cat((scores, scores.clamp_min(0)[:, :1] + 2000), 1)
    return online_softmax(far, block)[1][:, -1] - 1


online_softmax = Implement(
    id="flash.online_softmax",
    title="Online softmax, in 10 lines",
    statement=(
        "Take the softmax of each row of `scores` (t, n) in one walk over blocks of `block` scores. Keep two "
        "numbers per row: the largest score so far, m, and the sum l of exp(s - m) over the scores so far. "
        "Return the softmax (t, n), and l after each block (t, number of blocks). The last block may be "
        "shorter. A hidden score is -inf; where a row has seen nothing, l is 0, and its softmax is 0."
    ),
    difficulty=3,
    importance=5,
    minutes=9,
    hints=(
        "The sum so far is 1.5, measured against a largest score of 2. The next score is 5. What is 1.5 "
        "worth, measured against 5?",
        "Three places: the factor on the old sum when the maximum moves; what you subtract while the maximum "
        "is still -inf; what you divide by at the end.",
        "`new = torch.maximum(m, ____)`, and `l = (____ - ____).exp() * l + (s - new[:, None]).exp().sum(1)`",
    ),
    sizes={"t": "rows (queries)", "n": "scores in a row (keys)", "block": "scores that are read at once"},
    example=(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), 2),
    returns=("the softmax", "the running sums"),
    solution=answers.solution,
    alternatives=(answers.by_slices,),
    reference=answers.prefix_by_prefix,
    inputs=inputs,
    invariants=(a_shift_changes_nothing, the_sum_of_the_largest_score_alone_is_one),
    cases=(
        one_block,
        the_largest_score_comes_first,
        the_largest_score_comes_last,
        large_scores,
        hidden_scores,
    ),
    mistakes=(
        answers.sum_not_rescaled,
        answers.rescaled_the_wrong_way,
        answers.both_rescaled,
        answers.newest_maximum,
        answers.maximum_of_the_last_block,
        answers.maximum_starts_at_zero,
        answers.first_score_twice,
        answers.without_the_maximum,
        answers.one_maximum_for_all,
        answers.nan_while_nothing_is_seen,
        answers.nan_where_nothing_is_seen,
        answers.measured_against_the_last,
        answers.each_block_for_itself,
        answers.short_block_dropped,
    ),
    forbidden=(
        "torch.softmax",
        "torch.Tensor.softmax",
        "torch.nn.functional.softmax",
        "torch.logsumexp",
        "torch.Tensor.logsumexp",
        "torch.logcumsumexp",
        "torch.Tensor.logcumsumexp",
        "glassbox.flash.online_softmax",
        "glassbox.flash.safe_softmax",
        "glassbox.flash.reference.softmax.online_softmax",
        "glassbox.flash.reference.softmax.step",
    ),
    discussion=(
        "Say why the order of the blocks does not matter: (m, l) of two sets of scores merge, and the merge "
        "is associative. And say that the walk alone saves one of three readings of the scores; what "
        "FlashAttention adds is a third running sum, of exp(s - m) v, so that the softmax itself is "
        "never written."
    ),
    notes="9 minutes. Most forget the factor on l; the others meet NaN at the first hidden block.",
)
