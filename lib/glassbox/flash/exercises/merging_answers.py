"""Merging two partial results: right answers, and wrong ones with what is said of them."""

import torch


def solution(o1, lse1, o2, lse2):
    top = torch.maximum(lse1, lse2)
    top = top.masked_fill(top == -torch.inf, 0)  # -inf less -inf is not a number
    w1, w2 = (lse1 - top).exp(), (lse2 - top).exp()
    total = w1 + w2
    o = (w1[:, None] * o1 + w2[:, None] * o2) / total.masked_fill(total == 0, 1)[:, None]
    return o, top + total.log()


def by_logaddexp(o1, lse1, o2, lse2):
    lse = torch.logaddexp(lse1, lse2)
    share1, share2 = ((part - lse).exp().nan_to_num(0)[:, None] for part in (lse1, lse2))
    return share1 * o1 + share2 * o2, lse


def side_by_side(o1, lse1, o2, lse2):
    """Return the softmax over two keys with these scores, whose values are the outputs: coded apart."""
    shares = torch.stack((lse1, lse2), -1).softmax(-1).nan_to_num(0)
    return torch.einsum("tj,tje->te", shares, torch.stack((o1, o2), 1)), torch.logsumexp(
        torch.stack((lse1, lse2)), 0
    )


def _lse(lse1, lse2):
    return torch.logaddexp(lse1, lse2)


def plain_mean(o1, lse1, o2, lse2):
    """
    saw: the output is the mean of the two, whatever their log-sum-exps
    means: a side that saw one key counts as much as one that saw a thousand
    look: each side's weight is its denominator
    """
    return (o1 + o2) / 2, _lse(lse1, lse2)


def plain_sum(o1, lse1, o2, lse2):
    """
    saw: the outputs are added as they are
    means: each was divided by a denominator of its own already; the weights of all keys sum to 2
    look: undo both divisions, add, and divide once
    """
    return o1 + o2, _lse(lse1, lse2)


def weighted_by_the_logarithms(o1, lse1, o2, lse2):
    """
    saw: the weights are the log-sum-exps, not their exponentials
    means: a logarithm may be negative, 0 or -inf; the denominator is exp(lse)
    look: what lse is the logarithm of
    """
    w1, w2 = lse1[:, None], lse2[:, None]
    return (w1 * o1 + w2 * o2) / (w1 + w2), _lse(lse1, lse2)


def exponentials_without_a_maximum(o1, lse1, o2, lse2):
    """
    saw: right for small scores; log-sum-exps near 900 overflow, and near -900 underflow
    means: exp is taken of the log-sum-exp itself
    look: only the difference of the two counts: subtract the larger one from both
    """
    w1, w2 = lse1.exp(), lse2.exp()
    total = w1 + w2
    o = (w1[:, None] * o1 + w2[:, None] * o2) / total.masked_fill(total == 0, 1)[:, None]
    return o, total.log()


def weights_exchanged(o1, lse1, o2, lse2):
    """
    saw: each output has the other one's weight
    means: the side that saw less counts more
    look: which weight goes with which output
    """
    return solution(o2, lse1, o1, lse2)


def not_divided(o1, lse1, o2, lse2):
    """
    saw: the weights of each query sum to more than 1
    means: the larger side has weight 1, the other exp of the difference; their sum is not divided by
    look: the last step of the output
    """
    top = torch.maximum(lse1, lse2)
    top = top.masked_fill(top == -torch.inf, 0)
    return (lse1 - top).exp()[:, None] * o1 + (lse2 - top).exp()[:, None] * o2, _lse(lse1, lse2)


def one_maximum_for_all(o1, lse1, o2, lse2):
    """
    saw: queries whose scores are far below those of another query are lost
    means: one maximum is subtracted for all queries, and the small ones underflow
    look: the maximum of the two sides, for each query
    """
    top = torch.maximum(lse1.max(), lse2.max())
    w1, w2 = (lse1 - top).exp(), (lse2 - top).exp()
    total = w1 + w2
    o = (w1[:, None] * o1 + w2[:, None] * o2) / total.masked_fill(total == 0, 1)[:, None]
    return o, top + total.log()


def logarithms_added(o1, lse1, o2, lse2):
    """
    saw: the output is right; the log-sum-exp is the sum of the two
    means: adding logarithms multiplies the denominators; they should be added
    look: log(exp(lse1) + exp(lse2)), without the overflow
    """
    return solution(o1, lse1, o2, lse2)[0], lse1 + lse2


def larger_logarithm(o1, lse1, o2, lse2):
    """
    saw: the output is right; the log-sum-exp is the larger of the two
    means: the smaller side is forgotten, and the next merge weighs this result too low
    look: the log-sum-exp of both: it is above the larger one
    """
    return solution(o1, lse1, o2, lse2)[0], torch.maximum(lse1, lse2)


def maximum_not_added_back(o1, lse1, o2, lse2):
    """
    saw: the output is right; the log-sum-exp lies between 0 and log 2
    means: what was subtracted before the exponential is not added back
    look: the last step of the log-sum-exp
    """
    o, lse = solution(o1, lse1, o2, lse2)
    top = torch.maximum(lse1, lse2)
    return o, lse - top.masked_fill(top == -torch.inf, 0)


def nan_where_both_saw_nothing(o1, lse1, o2, lse2):
    """
    saw: output and log-sum-exp are NaN where neither side saw a key; all else is right
    means: the larger of two -inf is -inf, and -inf less -inf is not a number
    look: subtract 0 where nothing was seen
    """
    top = torch.maximum(lse1, lse2)
    w1, w2 = (lse1 - top).exp(), (lse2 - top).exp()
    return (w1[:, None] * o1 + w2[:, None] * o2) / (w1 + w2)[:, None], top + (w1 + w2).log()


def zero_over_zero(o1, lse1, o2, lse2):
    """
    saw: the log-sum-exp is right; the output is NaN where neither side saw a key
    means: both weights are 0 there: neither 0 / 0 nor -inf less -inf is a number
    look: the division; such a query returns 0
    """
    top = torch.maximum(lse1, lse2)
    top = top.masked_fill(top == -torch.inf, 0)
    w1, w2 = (lse1 - top).exp()[:, None], (lse2 - top).exp()[:, None]
    return (w1 * o1 + w2 * o2) / (w1 + w2), _lse(lse1, lse2)
