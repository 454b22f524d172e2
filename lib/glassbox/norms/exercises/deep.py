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
    saw: wrong even where alpha is 1
    means: it is not alpha: what is normalised is not the sum
    look: the order of addition and norm
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


deep_block = Debug(
    id="norms.deep_block",
    title="A deep network that does not train",
    statement=(
        "A post-norm network of 24 blocks never gets below the loss of letter frequencies. Someone "
        "adds DeepNorm's "
        "constants. It still does not train: the loss is flat from the first step. The block's last "
        "line is given, "
        "with the stream `x`, the sub-layer's output `fx` and `alpha` > 1. Mend it."
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
    mistakes=(without_alpha, norm_before_the_addition, alpha_after_the_norm, alpha_on_both),
    broken=alpha_on_the_sublayer,
    causes={
        "the learning rate is too high for post-norm": "the same rate trains the mended network",
        "alpha multiplies the sub-layer instead of the stream": "",
        "the norm should stand before the sub-layer": "that is pre-norm, which trains too, but it is "
        "another model",
        "the gain starts at 1": "it does in every norm of the course, at every depth",
    },
    discussion=(
        "Where x passes alpha times as strongly as fx, one step of fx's weights moves the output less."
    ),
    notes="8 minutes. Compare with the runs at the top of the notebook: same symptom, other cause.",
)


def alpha_of_18():
    return (2 * 18) ** 0.25


def by_roots():
    return ((2 * 18) ** 0.5) ** 0.5


def blocks_not_sublayers():
    """
    saw: the fourth root of 18
    means: the formula counts sub-layers, two for each block
    look: 2N under the root
    """
    return 18**0.25


def square_root():
    """
    saw: the square root of 36
    means: that is what ChatGLM-6B's code uses; DeepNet derives the fourth root
    look: the exponent
    """
    return (2 * 18) ** 0.5


def decoder_with_cross_attention():
    """
    saw: the fourth root of 54
    means: that is the decoder of an encoder-decoder model, with three sub-layers in each layer
    look: a decoder alone has two
    """
    return (3 * 18) ** 0.25


def beta():
    """
    saw: the other constant, beta = (8N)^(-1/4), which scales initial weights
    means: alpha is above 1: it weighs the stream
    look: which of the two multiplies x
    """
    return (8 * 18) ** -0.25


deep_norm_alpha = Compute(
    id="norms.deep_norm_alpha",
    title="DeepNorm's alpha",
    statement="A decoder-only model has 18 blocks, each of attention and feed-forward. What is its alpha?",
    difficulty=2,
    importance=3,
    minutes=3,
    core=False,
    hints=(
        "Must alpha be above or below 1, if it is to keep the stream?",
        "Count sub-layers; there is one stack.",
        "`(____ * 18) ** (1 / ____)`",
    ),
    solution=alpha_of_18,
    unit="times the stream",
    mistakes=(blocks_not_sublayers, square_root, decoder_with_cross_attention, beta),
    alternatives=(by_roots,),
)
