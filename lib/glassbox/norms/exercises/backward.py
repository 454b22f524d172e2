"""Write LayerNorm's backward pass."""

import torch

from glassbox.learn.exercise import EPS, Budget, Implement, Inputs


def inputs(seed):
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m), make.normal(t, m) + 0.5, make.gain(m), EPS


def one_token(seed):
    """
    saw: one token alone is wrong
    means: dx of a row is wrong before any sum over rows plays a part
    look: the three terms of dx
    """
    make = Inputs(seed)
    (m,) = make.sizes(1)
    return make.normal(1, m), make.normal(1, m), make.gain(m), EPS


def gain_of_one(seed):
    """
    saw: wrong even where every gain is 1
    means: the gain is not the problem
    look: the mean terms and what they are divided by
    """
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m), make.normal(t, m), torch.ones(m, dtype=torch.float64), EPS


def no_gradient_along_a_shift(layer_norm_backward, dy, x, gain, eps):
    """
    saw: dx of a row does not sum to 0
    means: shifting a row changes nothing, so no gradient may point along (1, ..., 1): a mean term is missing
    look: the term that is there because of the mean
    """
    return layer_norm_backward(dy, x, gain, eps)[0].sum(-1)


def no_gradient_along_the_unit_row(layer_norm_backward, dy, x, gain, eps):
    """
    saw: with eps = 0, dx of a row is not orthogonal to its unit row
    means: scaling a row changes nothing, so no gradient may point along it: its term is missing or too large
    look: the term that is there because of the standard deviation
    """
    unit = (x - x.mean(-1, keepdim=True)) / x.std(-1, correction=0, keepdim=True)
    return (layer_norm_backward(dy, x, gain, 0.0)[0] * unit).sum(-1)


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


def row_by_row(dy, x, gain, eps):
    """
    saw: right, but line after line runs again for every row
    means: a Python loop walks over the rows
    look: means take a dimension
    """
    rows = [solution(dy[i : i + 1], x[i : i + 1], gain, eps) for i in range(len(x))]
    return torch.cat([r[0] for r in rows]), sum(r[1] for r in rows), sum(r[2] for r in rows)


def many_rows():
    rows = torch.arange(120, dtype=torch.float64).reshape(40, 3)
    return rows, rows.square(), torch.ones(3, dtype=torch.float64), EPS


layer_norm_backward = Implement(
    id="norms.layer_norm_backward",
    title="LayerNorm, backward",
    statement=(
        "`dy` is the gradient of the loss with respect to $y = g \\odot \\hat x + b$. Return its "
        "gradients with "
        "respect to `x`, the gain and the bias, by hand: no autograd. On a whiteboard this takes eight lines."
    ),
    difficulty=4,
    importance=5,
    minutes=20,
    hints=(
        "If you add 1 to a whole row, what changes in the output? So what must dx of that row sum to?",
        "dx has three terms inside one bracket: the gradient itself, its mean, and a multiple of the "
        "unit row.",
        "`dx = (dunit - ____.mean(-1, keepdim=True) - unit * (____ * unit).mean(-1, keepdim=True)) / std`",
    ),
    sizes={"t": "tokens (rows)", "m": "features"},
    example=(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]), torch.tensor([1.0, 1.0]), 1.0),
    returns=("dx", "dgain", "dbias"),
    solution=solution,
    alternatives=(by_projections,),
    reference=by_autograd,
    inputs=inputs,
    invariants=(no_gradient_along_a_shift, no_gradient_along_the_unit_row),
    cases=(one_token, gain_of_one),
    mistakes=(
        without_the_mean_term,
        without_the_unit_term,
        scale_alone,
        forgot_the_gain,
        gain_in_its_own_gradient,
        sample_variance,
        averaged_over_rows,
        row_by_row,
    ),
    budget=Budget(
        "operators",
        most=60,
        inputs=many_rows,
        means="the number of operations grows with the number of rows",
        look="a loop over rows",
    ),
    forbidden=("torch.autograd.grad", "torch.Tensor.backward", "glassbox.norms.layer_norm_backward"),
    discussion="Reviewers ask next: which direction gets no gradient, and what stays of this in RMSNorm?",
    notes="20 minutes. Nearly all first answers miss the mean term or treat the deviation as a constant.",
)
