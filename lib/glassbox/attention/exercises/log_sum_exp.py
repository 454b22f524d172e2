"""Whiteboard: the softmax of scores, and its logarithm's other half."""

import torch

from glassbox.learn.exercise import Implement, Inputs


def inputs(seed):
    make = Inputs(seed)
    t, n = make.sizes(2)
    scores = make.ties(t, n)
    return (scores.masked_fill(~make.mask(t, n), float("-inf")).index_fill(0, torch.tensor([0]), 0.5),)


def large_scores(seed):
    """
    saw: scores near 900 give infinity or NaN, small ones are right
    means: the exponential overflows
    look: what may be subtracted from every score of a row without changing the answer
    """
    make = Inputs(seed)
    return (make.normal(*make.sizes(2)) * 900,)


def nothing_allowed(seed):
    """
    saw: a row in which every score is -inf gives NaN
    means: -inf less -inf is not a number
    look: what you subtract where the largest score is -inf
    """
    make = Inputs(seed)
    t, n = make.sizes(2)
    return (make.normal(t, n).index_fill(0, torch.tensor([1]), float("-inf")),)


def a_shift_comes_out(log_sum_exp, x):
    """
    saw: adding 3 to every score does not add 3 to the result
    means: what is subtracted before the exponential is not added back
    look: the last line
    """
    finite = x.clamp_min(-5.0)
    return log_sum_exp(finite + 3) - log_sum_exp(finite) - 3


def solution(x):
    top = x.amax(-1, keepdim=True)
    top = torch.where(top.isinf(), 0.0, top)
    return (x - top).exp().sum(-1).log() + top.squeeze(-1)


def online(x):
    m = torch.full(x.shape[:-1], float("-inf"), dtype=x.dtype)
    s = torch.zeros_like(m)
    for score in x.unbind(-1):
        new = torch.maximum(m, score)
        safe = torch.where(new.isinf(), 0.0, new)
        s = s * (m - safe).exp() + (score - safe).exp()
        m = new
    return torch.where(m.isinf(), m, m + s.log())


def without_the_maximum(x):
    """
    saw: scores near 900 give infinity
    means: exp overflows in float64 above 709: the largest score is not subtracted
    look: the argument of exp
    """
    return x.exp().sum(-1).log()


def maximum_not_added_back(x):
    """
    saw: every result is too small by the largest score of its row
    means: it was subtracted inside the exponential and never added back
    look: the last line
    """
    top = x.amax(-1, keepdim=True)
    top = torch.where(top.isinf(), 0.0, top)
    return (x - top).exp().sum(-1).log()


def one_maximum_for_all(x):
    """
    saw: rows far below the largest score of the matrix come out as -inf
    means: one maximum was taken for all rows, and the small rows underflow
    look: the dimension of the maximum
    """
    top = x.max()
    return (x - top).exp().sum(-1).log() + top


def nan_for_a_masked_row(x):
    """
    saw: a fully masked row gives NaN, all others are right
    means: its largest score is -inf, and -inf less -inf is not a number
    look: subtract 0 where the maximum is -inf; the answer is -inf
    """
    top = x.amax(-1, keepdim=True)
    return (x - top).exp().sum(-1).log() + top.squeeze(-1)


def mean_for_sum(x):
    """
    saw: every result is too small by the logarithm of the number of scores
    means: the exponentials are averaged
    look: sum or mean
    """
    return solution(x) - torch.tensor(float(x.shape[-1])).double().log()


log_sum_exp = Implement(
    id="attention.log_sum_exp",
    title="Log-sum-exp that survives",
    statement=(
        r"Return $\log \sum_j e^{x_{ij}}$ for each row of scores: softmax's denominator. Scores may be "
        r"near 900, "
        "a masked score is -inf, and a row may be masked as a whole: its answer is -inf."
    ),
    difficulty=2,
    importance=5,
    minutes=6,
    hints=(
        "Add 3 to every score of a row. What does the answer do?",
        "Look at the argument of exp: how large can it get? And what is subtracted in a fully masked row?",
        "`top = ____; return (x - top).exp().sum(-1).log() + ____`",
    ),
    sizes={"t": "queries (rows)", "n": "keys (scores in a row)"},
    example=(torch.tensor([[0.0, 0.0]]),),
    solution=solution,
    alternatives=(online,),
    reference=lambda x: torch.logsumexp(x, -1),
    inputs=inputs,
    invariants=(a_shift_comes_out,),
    cases=(large_scores, nothing_allowed),
    mistakes=(
        without_the_maximum,
        maximum_not_added_back,
        one_maximum_for_all,
        nan_for_a_masked_row,
        mean_for_sum,
    ),
    forbidden=("torch.logsumexp", "torch.Tensor.logsumexp", "torch.logaddexp"),
    discussion="The same two running numbers, largest score and sum, are what FlashAttention keeps per row.",
    notes="6 minutes. The masked row is what most forget.",
)
