"""Exercises as a topic declares them, one of each kind, for the tests of the engine."""

import torch
from glassbox.learn.exercise import (
    EPS,
    Budget,
    Claim,
    Compute,
    Debug,
    Experiment,
    Explain,
    Implement,
    Inputs,
    Point,
)

# ---- softmax


def scores(seed):
    t, n = Inputs(seed).sizes(2)
    return (Inputs(seed).ties(t, n),)


def large_scores(seed):
    """
    saw: large scores give something that is not finite, small ones are right
    means: the exponential overflows
    look: what may be subtracted from every score of a row
    """
    t, n = Inputs(seed).sizes(2)
    return (Inputs(seed).normal(t, n) * 900,)


def rows_sum_to_one(softmax, x):
    """
    saw: the rows do not sum to 1
    means: they are no probabilities
    look: the sum that you divide by
    """
    return softmax(x).sum(-1) - 1


def a_shift_changes_nothing(softmax, x):
    """
    saw: adding 3 to all scores changes the result
    means: only differences of scores may count
    look: anything beside the exponential and its sum
    """
    return softmax(x + 3) - softmax(x)


def softmax_solution(x):
    """The textbook way."""
    e = (x - x.amax(-1, keepdim=True)).exp()
    return e / e.sum(-1, keepdim=True)


def softmax_by_logarithm(x):
    return (x - x.logsumexp(-1, keepdim=True)).exp()


def over_columns(x):
    """
    saw: the columns sum to 1, the rows do not
    means: you normalised over the first dimension
    look: the dimension of the sum
    """
    return softmax_solution(x.T).T


def without_the_maximum(x):
    """
    saw: scores near 900 give NaN
    means: exp overflows: the row's maximum is not subtracted
    look: the argument of exp
    """
    return x.exp() / x.exp().sum(-1, keepdim=True)


def in_place(x):
    """
    saw: x is changed after the call
    means: the maximum was subtracted in place
    look: the operator -=
    """
    x -= x.amax(-1, keepdim=True)
    return softmax_solution(x)


def detached_sum(x):
    """
    saw: right values, wrong gradients
    means: the denominator is treated as a constant
    look: detach
    """
    e = (x - x.amax(-1, keepdim=True)).exp()
    return e / e.sum(-1, keepdim=True).detach()


def row_by_row(x):
    """
    saw: right, but with several operations for each row
    means: a Python loop over the rows
    look: reductions take a dimension
    """
    return torch.stack([softmax_solution(row) for row in x])


softmax = Implement(
    id="examples.softmax",
    title="Softmax of rows",
    statement=r"Turn each row of scores into probabilities: $p_{ij} = e^{x_{ij}} / \sum_k e^{x_{ik}}$.",
    difficulty=2,
    importance=5,
    minutes=8,
    hints=("What must each row sum to?", "Look at the dimension of the sum.", "`e = ____; return e / ____`"),
    sizes={"t": "queries", "n": "keys"},
    example=(torch.tensor([[0.0, 1.0]]),),
    solution=softmax_solution,
    alternatives=(softmax_by_logarithm,),
    reference=lambda x: torch.softmax(x, -1),
    inputs=scores,
    invariants=(rows_sum_to_one, a_shift_changes_nothing),
    cases=(large_scores,),
    mistakes=(over_columns, without_the_maximum, in_place, detached_sum, row_by_row),
    gradient=True,
    budget=Budget(
        "operators",
        most=20,
        inputs=lambda: (torch.zeros(50, 3),),
        means="the number of operations grows with the rows",
        look="a loop over rows",
    ),
    forbidden=("torch.softmax", "torch.nn.functional.softmax", "torch.Tensor.softmax"),
    discussion="Subtracting the maximum costs one pass and saves every overflow.",
)

# ---- RMSNorm


def rows(seed):
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m) + 0.5, make.gain(m), EPS


def half_precision(seed):
    """
    saw: rows in float16 are wrong, rows in float64 are right
    means: something overflows or is rounded on the way
    look: the type in which squares are added up
    """
    make = Inputs(seed)
    t, m = make.sizes(2)
    return (make.normal(t, m) * 400).half(), make.gain(m).half(), EPS


def rms_norm_solution(x, gain, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    rms = (wide.square().mean(-1, keepdim=True) + eps).sqrt()
    return (wide / rms * gain).to(x.dtype)


def rms_norm_by_rsqrt(x, gain, eps):
    wide = x if x.dtype == torch.float64 else x.float()
    return (gain * wide * torch.rsqrt((wide * wide).sum(-1, keepdim=True) / x.shape[-1] + eps)).to(x.dtype)


def subtracted_the_mean(x, gain, eps):
    """
    saw: exactly what LayerNorm gives
    means: the mean is subtracted; RMSNorm keeps it
    look: everything before the square
    """
    return rms_norm_solution(x - x.mean(-1, keepdim=True), gain, eps)


def eps_outside_the_root(x, gain, eps):
    """
    saw: exactly what you get when eps is added outside the square root
    means: eps protects against 0 either way, but the definition has it inside
    look: the parentheses around mean + eps
    """
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide / (wide.square().mean(-1, keepdim=True).sqrt() + eps) * gain).to(x.dtype)


def divided_by_the_norm(x, gain, eps):
    """
    saw: every row is too small by the root of its length
    means: the sum of squares is used, not the mean
    look: sum or mean
    """
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide / (wide.square().sum(-1, keepdim=True) + eps).sqrt() * gain).to(x.dtype)


def squared_in_half_precision(x, gain, eps):
    """
    saw: large float16 rows become 0
    means: the square of 400 is beyond float16's largest number
    look: convert before the square
    """
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * gain


def forgot_keepdim(x, gain, eps):
    """
    saw: the shapes do not fit
    means: the mean lost its dimension
    look: keepdim
    """
    return x / (x.square().mean(-1) + eps).sqrt() * gain


rms_norm = Implement(
    id="examples.rms_norm",
    title="RMSNorm",
    statement="Scale each row to unit root-mean-square.",
    difficulty=2,
    importance=5,
    minutes=10,
    hints=("What is the RMS of the result?", "Look under the root.", "`x / (____ + eps).sqrt() * ____`"),
    example=(torch.tensor([[3.0, 4.0]]), torch.tensor([1.0, 2.0]), 0.0),
    solution=rms_norm_solution,
    alternatives=(rms_norm_by_rsqrt,),
    reference=lambda x, gain, eps: torch.nn.functional.rms_norm(x, gain.shape, gain, eps),
    inputs=rows,
    cases=(half_precision,),
    mistakes=(
        subtracted_the_mean,
        eps_outside_the_root,
        divided_by_the_norm,
        squared_in_half_precision,
        forgot_keepdim,
    ),
    gradient=True,
)

# ---- the other kinds


def mean_as_given(x, gain, eps):
    """
    saw: the rows still have the wrong size
    means: the planted error is still there
    look: what the variance is divided by
    """
    variance = x.square().sum(-1, keepdim=True) / (x.shape[-1] - 1)
    return x / (variance + eps).sqrt() * gain


mend_rms = Debug(
    id="examples.mend_rms",
    title="A norm that is a little too large",
    statement="Rows of 4 come out 15 % too small. Mend the function.",
    difficulty=3,
    importance=3,
    minutes=8,
    core=False,
    hints=("How many numbers are averaged?", "Look at the denominator.", "`/ ____`"),
    solution=rms_norm_solution,
    alternatives=(rms_norm_by_rsqrt,),
    reference=lambda x, gain, eps: torch.nn.functional.rms_norm(x, gain.shape, gain, eps),
    inputs=rows,
    mistakes=(subtracted_the_mean, eps_outside_the_root, divided_by_the_norm),
    broken=mean_as_given,
    causes={
        "eps is too large": "then long rows would suffer as much as short ones",
        "the mean divides by m - 1": "",
        "the gain is applied twice": "then the error would depend on the gain",
    },
)


def traffic():
    return 2 * 4096 * 4096 * 2 / 2**20


def forgot_the_write():
    """
    saw: half of it
    means: the result is written too
    look: reads and writes
    """
    return traffic() / 2


def counted_float32():
    """
    saw: twice as much
    means: bf16 has 2 bytes
    look: the size of an element
    """
    return traffic() * 2


def counted_bits():
    """
    saw: eight times as much
    means: these are bits
    look: the unit
    """
    return traffic() * 8


bytes_moved = Compute(
    id="examples.bytes_moved",
    title="Bytes moved by RMSNorm",
    statement="At least how much memory traffic does RMSNorm of a 4096 x 4096 bf16 tensor cause?",
    difficulty=1,
    importance=4,
    minutes=3,
    hints=("What is read, what is written?", "Each once.", "2 x ____ x 2 bytes"),
    solution=traffic,
    unit="MiB",
    mistakes=(forgot_the_write, counted_float32, counted_bits),
)

why_rms = Explain(
    id="examples.why_rms",
    title="Why RMSNorm?",
    statement="In 90 seconds: why do models use RMSNorm rather than LayerNorm?",
    difficulty=2,
    importance=5,
    minutes=5,
    hints=("What is left out?", "What does that save?", "The mean is ____, so ____."),
    rubric=(
        Point("It leaves out the mean and the bias.", ("mean", "centr"), "What does it leave out?"),
        Point("Quality is about the same.", ("quality", "as good", "loss"), "What happens to quality?"),
        Point("The saving is memory traffic.", ("traffic", "memory", "bytes"), "What exactly is saved?"),
    ),
    wrong=(Claim("the mean costs accuracy", r"mean\b.*\bhurts", "quality is about the same without it"),),
    model="It drops the mean. Quality stays about the same. It saves a little memory traffic.",
)

change_eps = Experiment(
    id="examples.change_eps",
    title="Change eps",
    statement="Set eps to 1, and report what happens to small rows.",
    difficulty=1,
    importance=2,
    minutes=5,
    hints=("Predict first.", "Look at small rows.", "Small rows become ____."),
    rubric=(Point("Small rows stay small.", ("small",), "What happens to small rows?"),),
    model="Small rows stay small: eps dominates the root.",
)
