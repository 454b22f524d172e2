"""Write LayerNorm's backward pass."""

import torch

from glassbox.learn.exercise import EPS, Budget, Implement, Inputs
from glassbox.norms.exercises import backward_answers as answers


def inputs(seed):
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m), make.normal(t, m) + 0.5, make.gain(m), EPS


def one_token(seed):
    """
    saw: one token alone is wrong
    means: whatever is wrong, it is wrong before any sum over rows plays a part
    look: the part named here, for one row by hand
    """
    make = Inputs(seed)
    (m,) = make.sizes(1)
    return make.normal(1, m), make.normal(1, m), make.gain(m), EPS


def gain_of_one(seed):
    """
    saw: wrong even where every gain is 1
    means: it is not the gain alone
    look: the part named here, with dy in place of dy times gain
    """
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m), make.normal(t, m), torch.ones(m, dtype=torch.float64), EPS


def no_gradient_along_a_shift(layer_norm_backward, dy, x, gain, eps):
    """
    saw: dx of a row does not sum to 0
    means: shifting a row changes nothing, so no gradient may point along (1, ..., 1)
    look: the terms in the bracket of dx, and the dimension of their means
    """
    return layer_norm_backward(dy, x, gain, eps)[0].sum(-1)


def no_gradient_along_the_unit_row(layer_norm_backward, dy, x, gain, eps):
    """
    saw: with eps = 0, dx of a row is not orthogonal to its unit row
    means: scaling a row changes nothing, so no gradient may point along it
    look: the term of the standard deviation: it may be missing, or have the wrong size or sign
    """
    unit = (x - x.mean(-1, keepdim=True)) / x.std(-1, correction=0, keepdim=True)
    return (layer_norm_backward(dy, x, gain, 0.0)[0] * unit).sum(-1)


def many_rows():
    rows = torch.arange(120, dtype=torch.float64).reshape(40, 3)
    return rows, rows.square(), torch.ones(3, dtype=torch.float64), EPS


layer_norm_backward = Implement(
    id="norms.layer_norm_backward",
    title="LayerNorm, backward",
    statement=(
        "`dy` is the gradient of the loss with respect to $y = g \\odot \\hat x + b$. Return its "
        "gradients with respect to `x`, the gain and the bias, by hand: no autograd."
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
    solution=answers.solution,
    alternatives=(answers.by_projections,),
    reference=answers.by_autograd,
    inputs=inputs,
    invariants=(no_gradient_along_a_shift, no_gradient_along_the_unit_row),
    cases=(one_token, gain_of_one),
    mistakes=(
        answers.without_the_mean_term,
        answers.without_the_unit_term,
        answers.scale_alone,
        answers.sums_instead_of_means,
        answers.means_over_the_rows,
        answers.x_for_the_unit_row,
        answers.added_the_unit_term,
        answers.without_dividing_by_std,
        answers.divided_by_the_variance,
        answers.forgot_the_gain,
        answers.gain_in_its_own_gradient,
        answers.gain_in_both_sums,
        answers.averaged_over_rows,
        answers.swapped,
        answers.sample_variance,
        answers.without_eps,
        answers.eps_outside_the_root,
        answers.row_by_row,
    ),
    budget=Budget(
        "operators",
        most=60,
        inputs=many_rows,
        means="the number of operations grows with the number of rows",
        look="a loop over rows",
    ),
    forbidden=(
        "torch.autograd.grad",
        "torch.autograd.backward",
        "torch.Tensor.backward",
        "torch.native_layer_norm_backward",
        "torch.ops.aten.native_layer_norm_backward",
        "glassbox.norms.layer_norm_backward",
        "glassbox.norms.reference.layer_norm_backward",
    ),
    discussion="Reviewers ask next: which direction gets no gradient, and what stays of this in RMSNorm?",
    notes="20 minutes. Nearly all first answers miss the mean term or treat the deviation as a constant.",
)
