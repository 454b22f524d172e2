"""What the exercises of notebook 01 say to answers that learners really write."""

import pytest
import torch
from glassbox import norms
from glassbox.learn.exercise import exercise
from glassbox.norms import layer_norm_backward as course_backward
from glassbox.norms import reference
from glassbox.norms import rms_norm as course_rms_norm
from learn.answers import in_batch as in_batch
from learn.answers import said, saw

RED_FLAG = (
    "In post-norm the gradients vanish, so warm-up is needed. The root cause is late. final norm. Stable."
)
GOOD = (
    "Every pre-norm block leaves the identity path alone. Each addition has unit variance, so the stream's "
    "size goes like N^0.5 and the upper layers become almost identity; you also want a norm before the head. "
    "Post-norm keeps the stream at one size, but a deep one only starts with a learning rate ramp."
)


# ---- LayerNorm backward: the same mistakes, written another way


def pieces(dy, x, gain, eps):
    centred = x - x.mean(-1, keepdim=True)
    s = torch.sqrt((centred**2).mean(-1, keepdim=True) + eps)
    return centred / s, s, dy * gain


def gain_in_both(dy, x, gain, eps):
    u, s, g = pieces(dy, x, gain, eps)
    dx = (g - g.mean(-1, keepdim=True) - u * (g * u).mean(-1, keepdim=True)) / s
    return dx, (g * u).sum(0), g.sum(0)


def gain_in_dbias(dy, x, gain, eps):
    dx, _, dbias = gain_in_both(dy, x, gain, eps)
    u, _, _ = pieces(dy, x, gain, eps)
    return dx, (dy * u).sum(0), dbias


def sums(dy, x, gain, eps):
    u, s, g = pieces(dy, x, gain, eps)
    dx = (g - g.sum(-1, keepdim=True) - u * (g * u).sum(-1, keepdim=True)) / s
    return dx, (dy * u).sum(0), dy.sum(0)


def over_rows(dy, x, gain, eps):
    u, s, g = pieces(dy, x, gain, eps)
    return (g - g.mean(0) - u * (g * u).mean(0)) / s, (dy * u).sum(0), dy.sum(0)


def plus(dy, x, gain, eps):
    u, s, g = pieces(dy, x, gain, eps)
    return (g - g.mean(-1, True) + u * (g * u).mean(-1, True)) / s, (dy * u).sum(0), dy.sum(0)


def half_a_term(dy, x, gain, eps):
    u, s, g = pieces(dy, x, gain, eps)
    return (g - g.mean(-1, True) - u * (g * u).mean(-1, True) / 2) / s, (dy * u).sum(0), dy.sum(0)


@pytest.mark.parametrize("answer, words", [
    (gain_in_both, "dx is right; dgain and dbias carry the gain"),
    (sums, "both terms in the bracket of dx are m times too large"),
    (over_rows, "the two means in dx run over the rows"),
    (plus, "has the wrong sign"),
    (half_a_term, "may be missing, or have the wrong size or sign"),
])  # fmt: skip
def test_the_backward_pass_is_told_what_is_wrong(answer, words):
    assert words in said(exercise("norms.layer_norm_backward"), answer)


def test_no_part_that_is_right_is_accused():
    words = said(exercise("norms.layer_norm_backward"), gain_in_dbias)
    assert "Wrong: dbias; right: dx, dgain" in words and "values dbias [" in words


# ---- RMSNorm


def plain(x, gain, eps):
    wide = x if x.dtype == torch.float64 else x.float()
    return (wide * (wide.square().mean(-1, keepdim=True) + eps) ** -0.5 * gain).to(x.dtype)


def without_eps(x, gain, eps):
    return plain(x, gain, 0)


def eps_twice(x, gain, eps):
    return plain(x, gain, 2 * eps)


def two_roundings(x, gain, eps):
    return plain(x, torch.ones_like(gain), eps).to(x.dtype) * gain


def all_in_float32(x, gain, eps):
    return plain(x.float(), gain.float(), eps).to(x.dtype)


def gain_in_halves(x, gain, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    root = (wide.square().mean(-1, keepdim=True) + eps).sqrt().to(x.dtype)
    return x / root * gain


@pytest.mark.parametrize("answer, words", [
    (without_eps, "exactly what you get without eps"),
    (eps_twice, "right with eps = 0, and wrong with eps = 0.1"),
    (two_roundings, "halves are rounded twice"),
    (all_in_float32, "pass through float32"),
    (gain_in_halves, "not the float64 result rounded once"),
])  # fmt: skip
def test_rms_norm_is_told_what_is_wrong(answer, words):
    assert words in said(exercise("norms.rms_norm"), answer)


def test_another_order_in_float32_is_as_good():
    assert exercise("norms.rms_norm").check(plain).passed
    assert exercise("norms.rms_norm").check(plain, seeds=range(20, 40)).passed


# ---- the course's own functions


def by_module(x, gain, eps):
    return norms.rms_norm(x, gain, eps)


def by_name(x, gain, eps):
    return course_rms_norm(x, gain, eps)


def by_api(x, gain, eps):
    return norms.api.rms_norm(x, gain, eps)


def by_reference(x, gain, eps):
    return reference.rms_norm(x, gain, eps)


def by_addition(x, gain, eps):
    return norms.add_rms_norm(x, torch.zeros_like(x), gain, eps)[0]


def by_torch_module(x, gain, eps):
    module = torch.nn.RMSNorm(x.shape[-1], eps, dtype=x.dtype)
    module.weight.data.copy_(gain)
    return module(x)


def by_course_module(x, gain, eps):
    module = norms.RMSNorm(x.shape[-1], eps)
    module.gain.data = gain
    return module(x)


@pytest.mark.parametrize("answer", [by_module, by_name, by_api, by_reference, by_addition, by_torch_module,
                                    by_course_module, course_rms_norm])  # fmt: skip
def test_rms_norm_cannot_be_had_from_a_library(answer):
    assert "asks you to write it yourself" in said(exercise("norms.rms_norm"), answer)


def backward_by_name(dy, x, gain, eps):
    return tuple(course_backward(dy, x, gain, eps))


def backward_by_reference(dy, x, gain, eps):
    return tuple(reference.layer_norm_backward(dy, x, gain, eps))


def backward_by_autograd(dy, x, gain, eps):
    x, gain = x.clone().requires_grad_(), gain.clone().requires_grad_()
    bias = torch.zeros_like(gain).requires_grad_()
    torch.autograd.backward(torch.nn.functional.layer_norm(x, gain.shape, gain, bias, eps), dy)
    return x.grad, gain.grad, bias.grad


def backward_by_vjp(dy, x, gain, eps):
    def forward(*leaves):
        return torch.nn.functional.layer_norm(leaves[0], gain.shape, leaves[1], leaves[2], eps)

    return torch.func.vjp(forward, x, gain, torch.zeros_like(gain))[1](dy)


@pytest.mark.parametrize("answer", [backward_by_name, backward_by_reference, backward_by_autograd,
                                    backward_by_vjp, course_backward])  # fmt: skip
def test_the_backward_pass_cannot_be_had_from_a_library(answer):
    assert "asks you to write it yourself" in said(exercise("norms.layer_norm_backward"), answer)


# ---- the others


def no_root(x, gain, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    return gain * centred / (x.var(-1, correction=0, keepdim=True) + eps) + bias


def floor(x, gain, bias, eps):
    variance = x.var(-1, correction=0, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / torch.maximum(variance, torch.tensor(eps)).sqrt() * gain + bias


def weaker_sublayer(x, fx, alpha, gain, bias, eps):
    return torch.nn.functional.layer_norm(x + fx / alpha, gain.shape, gain, bias, eps)


@pytest.mark.parametrize("name, answer, words", [
    ("quiet_rows", no_root, "the root is gone"),
    ("quiet_rows", floor, "eps is a floor under the variance, not a term"),
    ("deep_block", weaker_sublayer, "right but for eps: it counts alpha squared times"),
    ("unfused_traffic", 671.09, "one MiB is 2^20 bytes"),
    ("unfused_traffic", 576, "nine passes"),
    ("unfused_traffic", 671_088_640, "a factor of 2^20"),
    ("deep_norm_alpha", 2, "the root of 72 / 18"),
    ("deep_norm_alpha", 0.7071, "that is the factor of beta"),
])  # fmt: skip
def test_the_other_exercises_say_what_is_wrong(name, answer, words):
    assert words in said(exercise(f"norms.{name}"), answer)


def test_the_numbers_are_those_of_the_launches():
    assert exercise("norms.unfused_traffic").solution() == 640
    assert exercise("norms.deep_norm_alpha").solution() == pytest.approx(2**0.5)
    old, new = (norms.deep_norm_scales(decoder=blocks).decoder for blocks in (18, 72))
    alpha, beta = new.alpha / old.alpha, new.beta / old.beta
    assert (alpha, beta) == pytest.approx((2**0.5, 2**-0.5))


@pytest.mark.parametrize("cause, words", [
    (None, "one question is left"), ("A", "the cause is not: eps is too small"),
    (3, "3 is not one of a, b, c, d"), ("eps", "'eps' is not one of a, b, c, d"),
])  # fmt: skip
def test_a_cause_is_read_as_it_is_meant(cause, words):
    task = exercise("norms.quiet_rows")
    assert words in said(task, task.solution, cause)
    assert task.check(task.solution, f" {task.letter.upper()} ").passed


# ---- words


def test_a_red_flag_finds_few_points_and_a_good_answer_all():
    task = exercise("norms.placement")
    assert saw(task, RED_FLAG).startswith("1 of 5 points found by their words, 1 less for: gradients")
    assert saw(task, GOOD).startswith("5 of 5 points found by their words;")
    bad = task.check(RED_FLAG)
    assert bad.mistake == "gradients vanish" and "does not shrink with depth" in bad.finding.message.means


@pytest.mark.parametrize("answer, wrong", [
    ("Vanishing gradients make post-norm fail.", True),
    ("Its gradients disappear so it does not train", True),
    ("Its gradients do not vanish.", False),
    ("It is a myth that the gradients vanish.", False),
    ("It isn’t that gradients vanish.", False),
])  # fmt: skip
def test_a_claim_counts_unless_it_is_denied(answer, wrong):
    assert bool(exercise("norms.placement").check(answer).mistake) == wrong
