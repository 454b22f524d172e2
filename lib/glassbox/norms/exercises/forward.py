"""Write RMSNorm for every float type."""

import torch

from glassbox.learn.exercise import EPS, Budget, Implement, Inputs


def inputs(seed):
    make = Inputs(seed)
    b, t, m = make.sizes(3)
    return make.normal(b, t, m) + 0.5, make.gain(m), EPS


def one_row(seed):
    """
    saw: a single row of features is wrong, even with eps = 0
    means: nothing takes part in it but its features and their gains
    look: a row of two numbers by hand: the dimension of the mean, the root, the gain
    """
    make = Inputs(seed)
    (m,) = make.sizes(1)
    return make.normal(m), make.gain(m), 0.0


def one_row_with_eps(seed):
    """
    saw: a single row is right with eps = 0, and wrong with eps = 0.1
    means: eps does not take part as it should
    look: what eps is added to, and whether that is before the root is taken
    """
    x, gain, _ = one_row(seed)
    return x, gain, EPS


def half_precision(seed):
    """
    saw: rows in float16 are wrong, rows in float64 are right
    means: something overflows or is rounded on the way: the square of 400 is beyond float16's largest number
    look: the type in which squares are taken and averaged
    """
    make = Inputs(seed)
    t, m = make.sizes(2)
    return (make.normal(t, m) * 400).half(), make.gain(m).half(), EPS


def size_is_that_of_the_gain(rms_norm, x, gain, eps):
    """
    saw: without the gain, and with eps = 0, the rows do not have a root mean square of 1
    means: a row is not divided by its own root mean square
    look: what is under the root, and what it is divided by
    """
    return rms_norm(x, torch.ones_like(gain), 0.0).square().mean(-1) - 1


def keeps_float64(rms_norm, x, gain, eps):
    """
    saw: rows in float64 are right to about seven digits, not to fifteen
    means: they pass through float32 on the way
    look: every conversion: only halves are widened to float32, float64 stays as it is
    """
    rows = rms_norm(x, torch.ones_like(gain), 0.0)
    return (rows.double().square().mean(-1) - 1).abs() <= 1e-9


def rounds_once(rms_norm, x, gain, eps):
    """
    saw: rows in bfloat16 are not the float64 result rounded once: more than one value in ten differs
    means: they are rounded on the way too, or computed in bfloat16
    look: every conversion back to x.dtype: there is one, after the gain
    """
    x, gain = x.bfloat16(), (1 + torch.linspace(0.005, 0.03, len(gain))).bfloat16()
    once = rms_norm(x.double(), gain.double(), eps).bfloat16()
    return (rms_norm(x, gain, eps).bfloat16() == once).double().mean() >= 0.9


def solution(x, gain, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    rms = (wide.square().mean(-1, keepdim=True) + eps).sqrt()
    return (wide / rms * gain).to(x.dtype)


def by_reciprocal_root(x, gain, eps):
    wide = x if x.dtype == torch.float64 else x.float()
    return (gain * wide * torch.rsqrt((wide * wide).sum(-1, keepdim=True) / x.shape[-1] + eps)).to(x.dtype)


def subtracted_the_mean(x, gain, eps):
    """
    saw: exactly what LayerNorm gives
    means: the mean is subtracted; RMSNorm keeps it
    look: everything before the square
    """
    return solution(x - x.mean(-1, keepdim=True), gain, eps)


def without_eps(x, gain, eps):
    """
    saw: exactly what you get without eps
    means: eps is not used, and a row of zeros would be 0 / 0
    look: eps is added to the mean of squares, under the root
    """
    return solution(x, gain, 0.0)


def without_the_gain(x, gain, eps):
    """
    saw: exactly what you get with every gain 1
    means: the rows are normalised, and the gain is not used
    look: the last line: the gain multiplies before the cast back
    """
    return solution(x, torch.ones_like(gain), eps)


def eps_outside_the_root(x, gain, eps):
    """
    saw: exactly what you get when eps is added outside the square root
    means: ordinary rows hardly notice, quiet ones come out too large
    look: the parentheses around mean + eps
    """
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide / (wide.square().mean(-1, keepdim=True).sqrt() + eps) * gain).to(x.dtype)


def divided_by_the_length(x, gain, eps):
    """
    saw: every row is too small by the root of its number of features
    means: the squares are added up, not averaged
    look: sum or mean
    """
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide / (wide.square().sum(-1, keepdim=True) + eps).sqrt() * gain).to(x.dtype)


def over_the_tokens(x, gain, eps):
    """
    saw: each feature has a root mean square of 1 over the tokens, not each token over its features
    means: the mean runs over the second to last dimension: tokens see each other
    look: the dimension of the mean
    """
    if x.ndim == 1:
        return solution(x, gain, eps)
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide / (wide.square().mean(-2, keepdim=True) + eps).sqrt() * gain).to(x.dtype)


def squared_in_half_precision(x, gain, eps):
    """
    saw: large float16 rows become 0, all else is right
    means: their squares are infinite in float16, and a number divided by infinity is 0
    look: convert to float32 before the square, and back at the end
    """
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * gain


def rounded_before_the_gain(x, gain, eps):
    """
    saw: halves are rounded twice: exactly what LLaMA's published code gives
    means: the unit row is cast back, and the product with the gain is rounded once more
    look: the cast comes last, after the gain
    """
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide / (wide.square().mean(-1, keepdim=True) + eps).sqrt()).to(x.dtype) * gain


def returned_float32(x, gain, eps):
    """
    saw: the numbers are right, but a float16 row comes back in float32
    means: it was widened and never cast back
    look: the last line
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return wide / (wide.square().mean(-1, keepdim=True) + eps).sqrt() * gain


def row_by_row(x, gain, eps):
    """
    saw: right, but with several tensor operations for every row
    means: a Python loop walks over the rows
    look: mean takes a dimension
    """
    return torch.stack([solution(row, gain, eps) for row in x.reshape(-1, x.shape[-1])]).reshape(x.shape)


rms_norm = Implement(
    id="norms.rms_norm",
    title="RMSNorm in any float type",
    statement=(
        r"Scale each row to unit root-mean-square, then multiply by the gain: "
        r"$y_i = g_i\, x_i / \sqrt{\tfrac1m \sum_j x_j^2 + \epsilon}$. Halves are computed in float32 "
        "and cast back once, at the very end; float64 stays float64."
    ),
    difficulty=2,
    importance=5,
    minutes=8,
    hints=(
        "What is the root mean square of the result, if the gain is 1 and eps is 0?",
        "Look at two things: the dimension of the mean, and the type in which you square.",
        "`wide = x.to(torch.promote_types(x.dtype, torch.float32))`, then "
        "`rms = (____.mean(____, keepdim=True) + eps).sqrt()`",
    ),
    sizes={"b": "examples", "t": "tokens", "m": "features; the gain has one number for each"},
    example=(torch.tensor([[3.0, 4.0]]), torch.tensor([1.0, 2.0]), 0.0),
    solution=solution,
    alternatives=(by_reciprocal_root,),
    reference=lambda x, gain, eps: torch.nn.functional.rms_norm(x, gain.shape, gain, eps),
    inputs=inputs,
    invariants=(size_is_that_of_the_gain, keeps_float64, rounds_once),
    cases=(one_row, one_row_with_eps, half_precision),
    mistakes=(
        subtracted_the_mean,
        without_eps,
        eps_outside_the_root,
        without_the_gain,
        divided_by_the_length,
        over_the_tokens,
        squared_in_half_precision,
        rounded_before_the_gain,
        returned_float32,
        row_by_row,
    ),
    gradient=True,
    budget=Budget(
        "operators",
        most=20,
        inputs=lambda: (torch.ones(60, 3, dtype=torch.float64), torch.ones(3, dtype=torch.float64), EPS),
        means="the number of operations grows with the number of rows",
        look="a loop over rows",
    ),
    forbidden=(
        "torch.rms_norm",
        "torch.ops.aten.rms_norm",
        "torch.nn.functional.rms_norm",
        "glassbox.norms.rms_norm",
        "glassbox.norms.reference.rms_norm",
    ),
    discussion=(
        "Say which order this is: Gemma multiplies by the gain in float32, LLaMA's code casts first, "
        "and rounds twice."
    ),
    notes="8 minutes. Most forget the float16 case; some reach for torch.norm, which adds squares up.",
)
