"""Halves are judged by their error against float64, divided by that of an honest run in the same type."""

import numpy as np
import pytest
import torch
from glassbox import norms
from torch.nn import functional

HALVES = [torch.bfloat16, torch.float16]


def rms_error(got, oracle):
    return (got.double() - oracle).square().mean().sqrt().item()


def assert_as_good_as(got, honest, oracle, factor=2.0):
    """`got` may be at most `factor` times as wrong as `honest`, an eager run in the same type."""
    assert torch.isfinite(got).all(), "non-finite output"
    error, allowed = rms_error(got, oracle), factor * rms_error(honest, oracle) + 1e-12
    assert error <= allowed, f"rms error {error:.2e} > {allowed:.2e}"


def inputs(dtype, shape=(256, 512), shift=0.0):
    draw = np.random.RandomState(0)
    x = torch.from_numpy(draw.standard_normal(shape) + shift).to(dtype)
    gain = torch.from_numpy(1 + 0.05 * draw.standard_normal(shape[-1])).to(dtype)
    bias = torch.from_numpy(0.05 * draw.standard_normal(shape[-1])).to(dtype)
    return x, gain, bias


def honest_rms(x, gain):
    """torch's own, in the type of `x`."""
    return functional.rms_norm(x, gain.shape, gain, 1e-6)


def honest_layer(x, gain, bias):
    """torch's own, in the type of `x`."""
    return functional.layer_norm(x, gain.shape, gain, bias, 1e-5)


@pytest.mark.parametrize("dtype", HALVES)
def test_rms_norm_is_as_good_as_honest(dtype):
    x, gain, _ = inputs(dtype)
    assert_as_good_as(norms.rms_norm(x, gain), honest_rms(x, gain), norms.rms_norm(x.double(), gain.double()))


@pytest.mark.parametrize("dtype", HALVES)
def test_layer_norm_is_as_good_as_honest(dtype):
    x, gain, bias = inputs(dtype)
    oracle = norms.layer_norm(x.double(), gain.double(), bias.double())
    assert_as_good_as(norms.layer_norm(x, gain, bias), honest_layer(x, gain, bias), oracle)


RMS_MISTAKES = {
    "layer norm": lambda x, gain: norms.layer_norm(x, gain),
    "eps too large": lambda x, gain: norms.rms_norm(x, gain, eps=1e-2),
    "gain forgotten": lambda x, gain: norms.rms_norm(x),
    "three percent too large": lambda x, gain: norms.rms_norm(x, 1.03 * gain),
    "norm instead of root mean square": lambda x, gain: x / x.norm(dim=-1, keepdim=True) * gain,
}


@pytest.mark.parametrize("name", RMS_MISTAKES)
def test_the_tolerance_sees_a_wrong_rms_norm(name):
    x, gain, _ = inputs(torch.bfloat16)
    oracle = norms.rms_norm(x.double(), gain.double())
    with pytest.raises(AssertionError, match="rms error"):
        assert_as_good_as(RMS_MISTAKES[name](x, gain), honest_rms(x, gain), oracle)


LAYER_MISTAKES = {
    "mean kept": lambda x, gain, bias: norms.rms_norm(x, gain) + bias,
    "bias forgotten": lambda x, gain, bias: norms.layer_norm(x, gain),
    "three percent too large": lambda x, gain, bias: norms.layer_norm(x, 1.03 * gain, bias),
    "eps too large": lambda x, gain, bias: norms.layer_norm(x, gain, bias, eps=2e-2),
    "statistics over the rows": lambda x, gain, bias: norms.batch_norm(x, gain, bias),
}


@pytest.mark.parametrize("name", LAYER_MISTAKES)
def test_the_tolerance_sees_a_wrong_layer_norm(name):
    x, gain, bias = inputs(torch.bfloat16)
    oracle = norms.layer_norm(x.double(), gain.double(), bias.double())
    with pytest.raises(AssertionError, match="rms error"):
        assert_as_good_as(LAYER_MISTAKES[name](x, gain, bias), honest_layer(x, gain, bias), oracle)


def test_bfloat16_cannot_see_one_feature_less_in_the_mean_but_float64_can():
    x, gain, _ = inputs(torch.bfloat16)

    def sample(x, gain):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return (wide / (wide.square().sum(-1, keepdim=True) / 511 + 1e-6).sqrt() * gain).to(x.dtype)

    oracle = norms.rms_norm(x.double(), gain.double())
    assert_as_good_as(sample(x, gain), honest_rms(x, gain), oracle)
    assert (sample(x.double(), gain.double()) - oracle).abs().max() > 1e-4


def test_float64_sees_eps_outside_the_root():
    x, gain, _ = inputs(torch.float64)
    outside = x / (x.square().mean(-1, keepdim=True).sqrt() + 1e-6) * gain
    assert (outside - norms.rms_norm(x, gain, eps=1e-6)).abs().max() > 1e-7


def test_the_mean_of_a_large_shift_survives_in_float32():
    """E[x^2] - E[x]^2 loses a variance of 1 beside a mean of 1000; subtracting the mean first does not."""
    x, gain, bias = inputs(torch.float32, shift=1000.0)
    oracle = norms.layer_norm(x.double(), gain.double(), bias.double())
    variance = x.square().mean(-1, keepdim=True) - x.mean(-1, keepdim=True).square()
    one_pass = (x - x.mean(-1, keepdim=True)) * (variance + 1e-5).rsqrt() * gain + bias
    assert rms_error(norms.layer_norm(x, gain, bias), oracle) < 1e-3
    assert rms_error(one_pass, oracle) > 1e-2


def test_float16_sums_do_not_overflow():
    x = torch.full((2, 512), 300.0, dtype=torch.float16)
    assert torch.equal(norms.rms_norm(x), torch.ones_like(x))
    assert torch.isinf(x.square().mean(-1)).all()


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["layer", "rms"])
def test_backward_in_halves_is_as_good_as_autograd(dtype, name):
    x, gain, bias = inputs(dtype, shape=(64, 128))
    dy = inputs(dtype, shape=(64, 128), shift=0.3)[0]
    by_hand = norms.layer_norm_backward if name == "layer" else norms.rms_norm_backward
    forward = (lambda x, gain: honest_layer(x, gain, bias)) if name == "layer" else honest_rms
    leaves = [tensor.clone().requires_grad_() for tensor in (x, gain)]
    honest = torch.autograd.grad(forward(*leaves), leaves, dy)
    got, oracle = by_hand(dy, x, gain), by_hand(dy.double(), x.double(), gain.double())
    assert [part.dtype for part in got] == [dtype] * len(got)
    for part, plain, exact in zip(got, honest, oracle, strict=False):
        assert_as_good_as(part, plain, exact)


def test_results_keep_the_type_of_the_input_whatever_the_gain():
    x, gain, bias = inputs(torch.bfloat16, shape=(3, 8))
    assert norms.layer_norm(x, gain.float(), bias.float()).dtype == torch.bfloat16
    assert norms.deep_norm(x, x, 1.5).dtype == norms.group_norm(x, 2).dtype == torch.bfloat16
    assert norms.batch_norm(x).dtype == norms.rms_norm(x, gain.double()).dtype == torch.bfloat16
