"""Mend a deep post-norm block, and work out its constant."""

import torch

from glassbox.learn.exercise import EPS, Compute, Debug, Inputs

ALPHA = 2.6


def inputs(seed):
    make = Inputs(seed)
    t, m = make.sizes(2)
    return make.normal(t, m) + 0.3, make.normal(t, m) - 0.2, ALPHA, make.gain(m), make.normal(m), EPS


def alpha_of_one(seed):
    """
    saw: wrong where alpha is 1
    means: there the block is post-norm: norm(x + f(x))
    look: the order of addition and norm, and any number that stands in place of alpha
    """
    x, fx, _, gain, bias, eps = inputs(seed)
    return x, fx, 1.0, gain, bias, eps


def _norm(x, gain, bias, eps):
    return torch.nn.functional.layer_norm(x, gain.shape, gain, bias, eps)


def alpha_on_the_sublayer(x, fx, alpha, gain, bias, eps):
    """
    saw: the planted error is still there: the sub-layer counts alpha times, the stream once
    means: each block now replaces the stream rather than adding to it
    look: which of the two alpha multiplies
    """
    return torch.nn.functional.layer_norm(x + alpha * fx, gain.shape, gain, bias, eps)


def solution(x, fx, alpha, gain, bias, eps):
    return torch.nn.functional.layer_norm(alpha * x + fx, gain.shape, gain, bias, eps)


def step_by_step(x, fx, alpha, gain, bias, eps):
    total = torch.add(fx, x, alpha=alpha)
    centred = total - total.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * gain + bias


def without_alpha(x, fx, alpha, gain, bias, eps):
    """
    saw: exactly post-norm: norm(x + f(x))
    means: alpha is gone, and with it what keeps the steps of a deep network small
    look: alpha multiplies the stream
    """
    return _norm(x + fx, gain, bias, eps)


def norm_before_the_addition(x, fx, alpha, gain, bias, eps):
    """
    saw: the stream itself is not normalised
    means: the norm stands on the sub-layer's output, inside the branch
    look: DeepNorm normalises the sum
    """
    return alpha * x + _norm(fx, gain, bias, eps)


def alpha_after_the_norm(x, fx, alpha, gain, bias, eps):
    """
    saw: exactly post-norm times alpha
    means: the whole result is multiplied; the next block's stream is alpha times too large
    look: alpha belongs inside the norm, where scale alone would change nothing
    """
    return alpha * _norm(x + fx, gain, bias, eps)


def alpha_on_both(x, fx, alpha, gain, bias, eps):
    """
    saw: nearly post-norm: alpha has no visible effect but through eps
    means: stream and sub-layer are both multiplied, and the norm takes the factor out again
    look: only one of the two is multiplied
    """
    return _norm(alpha * (x + fx), gain, bias, eps)


def divided_the_sublayer(x, fx, alpha, gain, bias, eps):
    """
    saw: right but for eps: it counts alpha squared times
    means: the sub-layer is divided by alpha, so the sum is alpha times smaller than DeepNorm's
    look: alpha multiplies the stream
    """
    return _norm(x + fx / alpha, gain, bias, eps)


deep_block = Debug(
    id="norms.deep_block",
    title="A deep network that does not train",
    statement=(
        "A post-norm network of 24 blocks ends where letter frequencies alone do. Someone adds DeepNorm's "
        "constants. It ends there again, though the sub-layers' weights are scaled as they should be. The "
        "block's last line is given, with the stream `x`, the sub-layer's output `fx` and `alpha` > 1. "
        "Mend it."
    ),
    difficulty=3,
    importance=4,
    minutes=8,
    core=False,
    hints=(
        "With alpha very large, what should the block return: its input, or its sub-layer's output?",
        "Look at the sum inside the norm.",
        "`layer_norm(____ * x + fx, ...)`",
    ),
    sizes={"t": "tokens", "m": "features"},
    solution=solution,
    alternatives=(step_by_step,),
    reference=step_by_step,
    inputs=inputs,
    cases=(alpha_of_one,),
    mistakes=(
        without_alpha,
        norm_before_the_addition,
        alpha_after_the_norm,
        alpha_on_both,
        divided_the_sublayer,
    ),
    broken=alpha_on_the_sublayer,
    causes={
        "the learning rate is too high for post-norm": "the same rate trains the mended network",
        "each block nearly replaces its stream, the deeper the network the more": "",
        "the stream passes through a norm at every block": "it does so in every post-norm network, and in "
        "the one you mended",
        "the gain starts at 1": "it does in every norm of the course, at every depth",
    },
    discussion=(
        "Where x passes alpha times as strongly as fx, one step of fx's weights moves the output less."
    ),
    notes="8 minutes. Compare with the runs at the top of the notebook: same symptom, other cause.",
)


def from_18_to_72():
    return (72 / 18) ** 0.25


def alpha_by_alpha():
    return (2 * 72) ** 0.25 / (2 * 18) ** 0.25


def square_root():
    """
    saw: the root of 72 / 18
    means: ChatGLM-6B's code scales so; in DeepNet, alpha and beta share the change evenly
    look: which part of the change alpha carries, and which beta
    """
    return (72 / 18) ** 0.5


def as_the_depth():
    """
    saw: as many times as there are blocks
    means: what must fall as 1 over the depth is beta squared over alpha squared, not 1 over alpha
    look: the bound on one step: a sum of beta squared over alpha squared
    """
    return 72 / 18


def unchanged():
    """
    saw: alpha stays as it was
    means: then four times as many blocks move the output up to four times as far in one step
    look: does alpha depend on the number of blocks?
    """
    return 1.0


def beta():
    """
    saw: that is the factor of beta
    means: beta scales initial weights down in a deeper network; alpha weighs the stream up
    look: which of the two multiplies x
    """
    return (72 / 18) ** -0.25


def new_alpha():
    """
    saw: that is alpha at 72 blocks
    means: the factor is what it is divided by alpha at 18 blocks
    look: the question: by what factor
    """
    return (2 * 72) ** 0.25


deep_norm_alpha = Compute(
    id="norms.deep_norm_alpha",
    title="DeepNorm in a network four times as deep",
    statement=(
        "A decoder-only model with DeepNorm has 18 blocks. You stack it to 72 and want the same bound on "
        "what one step does. By what factor must alpha change?"
    ),
    difficulty=2,
    importance=3,
    minutes=3,
    core=False,
    hints=(
        "In a deeper network, must the stream weigh more or less beside one sub-layer?",
        "The bound sums $\\beta^2 / \\alpha^2$ over all sub-layers, of which there are now four times as "
        "many; alpha grows by the factor by which beta falls.",
        "`(72 / 18) ** ____`",
    ),
    solution=from_18_to_72,
    unit="times the old alpha",
    mistakes=(square_root, as_the_depth, unchanged, beta, new_alpha),
    alternatives=(alpha_by_alpha,),
    discussion="Beta changes by the inverse, 0.71: four times the depth costs each of the two a root of 2.",
)
