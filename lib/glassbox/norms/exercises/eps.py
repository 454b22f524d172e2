"""Mend a LayerNorm that is wrong on quiet rows."""

import torch

from glassbox.learn.exercise import EPS, Debug, Inputs


def inputs(seed):
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m) * 0.4 + 0.5, make.gain(m), make.normal(m), EPS


def eps_of_zero(seed):
    """
    saw: rows are wrong even where eps is 0
    means: it is not eps alone
    look: the mean, the variance, the root, the gain, the bias: a row of two numbers by hand
    """
    x, gain, bias, _ = inputs(seed)
    return x, gain, bias, 0.0


def constant_rows(seed):
    """
    saw: a row of equal numbers does not come out as the bias
    means: its variance is 0, and eps is what stands between it and a division by 0
    look: whether eps still takes part, and what is left of the row before the bias is added
    """
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, 1).expand(t, m).contiguous(), make.gain(m), make.normal(m), EPS


def eps_beside_the_root(x, gain, bias, eps):
    """
    saw: the planted error is still there: quiet rows come out too large
    means: eps is added to the standard deviation, where it fades only rows smaller than eps itself
    look: what is added before the root is taken
    """
    centred = x - x.mean(-1, keepdim=True)
    std = centred.square().mean(-1, keepdim=True).sqrt()
    return centred / (std + eps) * gain + bias


def solution(x, gain, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    return centred / (variance + eps).sqrt() * gain + bias


def by_var(x, gain, bias, eps):
    unit = (x - x.mean(-1, keepdim=True)) * torch.rsqrt(x.var(-1, correction=0, keepdim=True) + eps)
    return torch.addcmul(bias, unit, gain)


def without_eps(x, gain, bias, eps):
    """
    saw: a row of equal numbers gives NaN
    means: eps is gone, and 0 is divided by 0
    look: eps has a place: under the root
    """
    return solution(x, gain, bias, 0.0)


def without_the_root(x, gain, bias, eps):
    """
    saw: every row is divided by its variance, not by its standard deviation
    means: the root is gone
    look: eps is added to the variance, then the root is taken
    """
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps) * gain + bias


def eps_as_a_floor(x, gain, bias, eps):
    """
    saw: rows whose variance is above eps come out as if there were no eps
    means: eps is a floor under the variance, not a term that is added to it
    look: clamp or maximum
    """
    centred = x - x.mean(-1, keepdim=True)
    return centred / centred.square().mean(-1, keepdim=True).clamp_min(eps).sqrt() * gain + bias


def eps_as_a_floor_of_the_root(x, gain, bias, eps):
    """
    saw: rows whose standard deviation is above eps come out as if there were no eps
    means: eps is a floor under the standard deviation, not a term beside the variance
    look: clamp or maximum, and where the root is taken
    """
    centred = x - x.mean(-1, keepdim=True)
    return centred / centred.square().mean(-1, keepdim=True).sqrt().clamp_min(eps) * gain + bias


def eps_squared(x, gain, bias, eps):
    """
    saw: quiet rows are still too large, though less so
    means: eps is squared on its way into the root
    look: it is added to the variance as it is
    """
    return solution(x, gain, bias, eps * eps)


def eps_in_the_numerator(x, gain, bias, eps):
    """
    saw: every row is shifted
    means: eps is added to the row, not to its variance
    look: the denominator
    """
    centred = x - x.mean(-1, keepdim=True) + eps
    return centred / (x.var(-1, correction=0, keepdim=True) + eps).sqrt() * gain + bias


def sample_variance(x, gain, bias, eps):
    """
    saw: all rows are too small by a little, less for long rows
    means: the variance now divides by m - 1
    look: LayerNorm divides by m
    """
    centred = x - x.mean(-1, keepdim=True)
    return centred / (x.var(-1, keepdim=True) + eps).sqrt() * gain + bias


quiet_rows = Debug(
    id="norms.quiet_rows",
    title="Right on ordinary rows, wrong on quiet ones",
    statement=(
        "A team loads a checkpoint that was trained elsewhere. Most texts read well; on some, a block in the "
        "middle returns rows many times too large, and the text derails. Its LayerNorm is given. Mend "
        "it: one "
        "line is wrong."
    ),
    difficulty=3,
    importance=4,
    minutes=7,
    hints=(
        "Take a row of size 0.001, and eps = 0.00001. What should its size be after the norm, and what "
        "is it?",
        "Look at the denominator: which of its two parts is under the root?",
        "`centred / (____ + eps).sqrt()`",
    ),
    sizes={"t": "tokens", "m": "features"},
    solution=solution,
    alternatives=(by_var,),
    reference=lambda x, gain, bias, eps: torch.nn.functional.layer_norm(x, gain.shape, gain, bias, eps),
    inputs=inputs,
    cases=(eps_of_zero, constant_rows),
    mistakes=(
        without_eps,
        without_the_root,
        eps_as_a_floor,
        eps_as_a_floor_of_the_root,
        eps_squared,
        eps_in_the_numerator,
        sample_variance,
    ),
    broken=eps_beside_the_root,
    causes={
        "eps is too small for this checkpoint": "you did not change its value, and quiet rows are right now",
        "the variance divides by m instead of m - 1": "then all rows would be off alike, not the quiet ones",
        "a number meant to be compared with a squared size is compared with a size": "",
        "the gain was not loaded": "then all rows would be off, by the gain",
    },
    discussion="Both forms train. What breaks is to train with one and run the other.",
    notes="7 minutes. Without a quiet row in the test, nobody sees it: eps of 0.00001 hides it.",
)
