"""LayerNorm's backward pass: right answers, and wrong ones with what is said of them."""

import torch


def solution(dy, x, gain, eps):
    std = (x.var(-1, correction=0, keepdim=True) + eps).sqrt()
    unit = (x - x.mean(-1, keepdim=True)) / std
    dunit = dy * gain
    dx = (dunit - dunit.mean(-1, keepdim=True) - unit * (dunit * unit).mean(-1, keepdim=True)) / std
    return dx, (dy * unit).sum(0), dy.sum(0)


def by_projections(dy, x, gain, eps):
    m, rstd = x.shape[-1], torch.rsqrt(x.var(-1, correction=0) + eps)
    unit = (x - x.mean(-1, keepdim=True)) * rstd[:, None]
    dunit = gain * dy
    along = torch.einsum("tm,tm->t", dunit, unit) / m
    free = dunit - along[:, None] * unit
    dx = (free - free.sum(-1, keepdim=True) / m) * rstd[:, None]
    return dx, torch.einsum("tm,tm->m", dy, unit), dy.sum(0)


def by_autograd(dy, x, gain, eps):
    """Return what autograd gives for the definition: coded apart from the solution."""
    leaves = [x.detach().clone().requires_grad_(), gain.detach().clone().requires_grad_()]
    bias = torch.zeros_like(gain).requires_grad_()
    y = torch.nn.functional.layer_norm(leaves[0], gain.shape, leaves[1], bias, eps)
    return torch.autograd.grad(y, (*leaves, bias), dy)


def _parts(x, eps):
    """Return the unit rows and the standard deviations."""
    std = (x.var(-1, correction=0, keepdim=True) + eps).sqrt()
    return (x - x.mean(-1, keepdim=True)) / std, std


def without_the_mean_term(dy, x, gain, eps):
    """
    saw: dx is off by one number per row
    means: the mean depends on every feature too, and its gradient term is missing
    look: mean(dunit)
    """
    (unit, std), dunit = _parts(x, eps), dy * gain
    dx = (dunit - unit * (dunit * unit).mean(-1, keepdim=True)) / std
    return dx, *solution(dy, x, gain, eps)[1:]


def without_the_unit_term(dy, x, gain, eps):
    """
    saw: dx is off by a multiple of each unit row
    means: the standard deviation was treated as a constant
    look: unit * mean(dunit * unit)
    """
    (_, std), dunit = _parts(x, eps), dy * gain
    return (dunit - dunit.mean(-1, keepdim=True)) / std, *solution(dy, x, gain, eps)[1:]


def scale_alone(dy, x, gain, eps):
    """
    saw: dx is dy times gain divided by the standard deviation, and nothing else
    means: mean and standard deviation were both treated as constants
    look: two terms are missing, one for each
    """
    (_, std), dunit = _parts(x, eps), dy * gain
    return dunit / std, *solution(dy, x, gain, eps)[1:]


def forgot_the_gain(dy, x, gain, eps):
    """
    saw: dx is right only where the gain is 1
    means: the gradient that reaches the unit row is dy times gain, not dy
    look: the first line of the chain rule
    """
    return solution(dy, x, torch.ones_like(gain), eps)


def gain_in_its_own_gradient(dy, x, gain, eps):
    """
    saw: dx and dbias are right, dgain is multiplied by the gain
    means: y = unit gain + bias, so dgain is the sum of dy unit
    look: dy or dy times gain in dgain
    """
    dx, dgain, dbias = solution(dy, x, gain, eps)
    return dx, dgain * gain, dbias


def sample_variance(dy, x, gain, eps):
    """
    saw: everything is off by a little, less for long rows
    means: the variance divides by m - 1; LayerNorm's divides by m
    look: correction=0, or mean of squares
    """
    std = (x.var(-1, keepdim=True) + eps).sqrt()
    unit, dunit = (x - x.mean(-1, keepdim=True)) / std, dy * gain
    dx = (dunit - dunit.mean(-1, keepdim=True) - unit * (dunit * unit).mean(-1, keepdim=True)) / std
    return dx, (dy * unit).sum(0), dy.sum(0)


def averaged_over_rows(dy, x, gain, eps):
    """
    saw: dgain and dbias are too small by the number of rows
    means: they were averaged; every row adds its share
    look: mean or sum over rows
    """
    dx, dgain, dbias = solution(dy, x, gain, eps)
    return dx, dgain / len(x), dbias / len(x)


def gain_in_both_sums(dy, x, gain, eps):
    """
    saw: dx is right; dgain and dbias carry the gain
    means: they take dy, not dy times gain: the gain multiplies the unit row, and the bias comes after it
    look: the two sums over rows
    """
    dx, dgain, dbias = solution(dy, x, gain, eps)
    return dx, dgain * gain, dbias * gain


def swapped(dy, x, gain, eps):
    """
    saw: dgain and dbias are each other's
    means: they are returned in the wrong order
    look: the `return` line: dx, dgain, dbias
    """
    dx, dgain, dbias = solution(dy, x, gain, eps)
    return dx, dbias, dgain


def sums_instead_of_means(dy, x, gain, eps):
    """
    saw: both terms in the bracket of dx are m times too large
    means: they are sums over the features; every feature has 1/m of the mean, so they are means
    look: sum or mean, or a division by m
    """
    (unit, std), dunit = _parts(x, eps), dy * gain
    along = (dunit * unit).sum(-1, keepdim=True)
    return (dunit - dunit.sum(-1, keepdim=True) - unit * along) / std, *solution(dy, x, gain, eps)[1:]


def means_over_the_rows(dy, x, gain, eps):
    """
    saw: the two means in dx run over the rows
    means: they mix tokens; each row has its own two means, over its features
    look: the dimension of the means: -1
    """
    (unit, std), dunit = _parts(x, eps), dy * gain
    along = (dunit * unit).mean(0, keepdim=True)
    return (dunit - dunit.mean(0, keepdim=True) - unit * along) / std, *solution(dy, x, gain, eps)[1:]


def x_for_the_unit_row(dy, x, gain, eps):
    """
    saw: the last term of dx is a multiple of x
    means: it should be a multiple of the unit row: what no gradient may point along is (x - mean) / std
    look: the factor outside the last mean
    """
    (unit, std), dunit = _parts(x, eps), dy * gain
    along = (dunit * unit).mean(-1, keepdim=True)
    return (dunit - dunit.mean(-1, keepdim=True) - x * along) / std, *solution(dy, x, gain, eps)[1:]


def added_the_unit_term(dy, x, gain, eps):
    """
    saw: the unit row's term of dx has the wrong sign
    means: it is added; it takes away the part of the gradient that only scales the row
    look: the sign before unit * mean(dunit * unit)
    """
    (unit, std), dunit = _parts(x, eps), dy * gain
    along = (dunit * unit).mean(-1, keepdim=True)
    return (dunit - dunit.mean(-1, keepdim=True) + unit * along) / std, *solution(dy, x, gain, eps)[1:]


def without_dividing_by_std(dy, x, gain, eps):
    """
    saw: dx is not divided by the standard deviation of its row
    means: the unit row is x divided by std, so what reaches x through it is divided by std too
    look: what the whole bracket is divided by
    """
    dx, dgain, dbias = solution(dy, x, gain, eps)
    return dx * _parts(x, eps)[1], dgain, dbias


def divided_by_the_variance(dy, x, gain, eps):
    """
    saw: dx is divided twice by the standard deviation of its row
    means: the bracket is divided by the variance; one division is enough
    look: std or std squared
    """
    dx, dgain, dbias = solution(dy, x, gain, eps)
    return dx / _parts(x, eps)[1], dgain, dbias


def without_eps(dy, x, gain, eps):
    """
    saw: exactly what you get without eps
    means: eps is under the root of the forward pass, so it is in std here too
    look: the line that computes std
    """
    return solution(dy, x, gain, 0.0)


def eps_outside_the_root(dy, x, gain, eps):
    """
    saw: exactly what you get when eps is added to the standard deviation
    means: eps is added to the variance, before the root is taken
    look: the parentheses around variance + eps
    """
    std = x.std(-1, correction=0, keepdim=True) + eps
    unit, dunit = (x - x.mean(-1, keepdim=True)) / std, dy * gain
    dx = (dunit - dunit.mean(-1, keepdim=True) - unit * (dunit * unit).mean(-1, keepdim=True)) / std
    return dx, (dy * unit).sum(0), dy.sum(0)


def row_by_row(dy, x, gain, eps):
    """
    saw: right, but line after line runs again for every row
    means: a Python loop walks over the rows
    look: means take a dimension
    """
    rows = [solution(dy[i : i + 1], x[i : i + 1], gain, eps) for i in range(len(x))]
    return torch.cat([r[0] for r in rows]), sum(r[1] for r in rows), sum(r[2] for r in rows)
