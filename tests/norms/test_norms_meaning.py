"""What each norm means, in float64: against torch, against numpy, against its invariances and conventions."""

import numpy as np
import pytest
import torch
from glassbox import norms
from torch.nn import functional

EPS = 0.1  # large enough that a misplaced eps shows


def rows(*shape, seed=0, shift=0.7):
    """Rows with a mean that is not zero, in float64."""
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape) * 1.7 + shift)


def gains(width, seed=1):
    return rows(width, seed=seed, shift=1.0), rows(width, seed=seed + 1, shift=0.0)


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


# Against torch.


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 5, 11), (1, 1), (9,), (0, 7)])
def test_layer_norm_equals_torch(shape):
    x, (gain, bias) = rows(*shape), gains(shape[-1])
    assert close(norms.layer_norm(x, gain, bias, EPS), functional.layer_norm(x, shape[-1:], gain, bias, EPS))


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 5, 11), (1, 1), (9,), (0, 7)])
def test_rms_norm_equals_torch(shape):
    x, (gain, _) = rows(*shape), gains(shape[-1])
    assert close(norms.rms_norm(x, gain, EPS), functional.rms_norm(x, shape[-1:], gain, EPS))


def test_batch_norm_equals_torch_in_training():
    x, (gain, bias) = rows(3, 5, 7), gains(7)
    expected = functional.batch_norm(x.flatten(0, 1), None, None, gain, bias, training=True, eps=EPS)
    assert close(norms.batch_norm(x, gain, bias, EPS), expected.reshape(x.shape))


def test_batch_norm_equals_torch_in_evaluation():
    x, (gain, bias), mean, variance = rows(6, 7), gains(7), rows(7, seed=5), rows(7, seed=6).square()
    expected = functional.batch_norm(x, mean, variance, gain, bias, training=False, eps=EPS)
    assert close(norms.batch_norm(x, gain, bias, EPS, mean, variance), expected)


@pytest.mark.parametrize("groups", [1, 2, 3, 6, 12])
def test_group_norm_equals_torch_on_rows(groups):
    x, (gain, bias) = rows(5, 12), gains(12)
    expected = functional.group_norm(x, groups, gain, bias, EPS)
    assert close(norms.group_norm(x, groups, gain, bias, EPS), expected)


def test_deep_norm_equals_torch():
    x, fx, (gain, bias) = rows(5, 7), rows(5, 7, seed=3), gains(7)
    expected = functional.layer_norm(2.5 * x + fx, (7,), gain, bias, EPS)
    assert close(norms.deep_norm(x, fx, 2.5, gain, bias, EPS), expected)


# Against the equations, in numpy, row by row.


def test_layer_norm_follows_its_equation():
    x, (gain, bias) = rows(4, 9), gains(9)
    for row, y in zip(x.numpy(), norms.layer_norm(x, gain, bias, EPS).numpy(), strict=True):
        unit = (row - row.sum() / 9) / np.sqrt(((row - row.sum() / 9) ** 2).sum() / 9 + EPS)
        np.testing.assert_allclose(y, unit * gain.numpy() + bias.numpy(), rtol=1e-12)


def test_rms_norm_follows_its_equation():
    x, (gain, _) = rows(4, 9), gains(9)
    for row, y in zip(x.numpy(), norms.rms_norm(x, gain, EPS).numpy(), strict=True):
        np.testing.assert_allclose(y, row / np.sqrt((row**2).sum() / 9 + EPS) * gain.numpy(), rtol=1e-12)


def test_qk_norm_is_rms_norm_on_each_and_bounds_every_score():
    q, k, (gain_q, gain_k) = rows(2, 5, 8), 50 * rows(2, 6, 8, seed=4), gains(8)
    unit_q, unit_k = norms.qk_norm(q, k, gain_q, gain_k, EPS)
    assert close(unit_q, functional.rms_norm(q, (8,), gain_q, EPS))
    assert close(unit_k, functional.rms_norm(k, (8,), gain_k, EPS))
    scores = unit_q @ unit_k.mT / 8**0.5
    assert scores.abs().max() <= 8**0.5 * gain_q.abs().max() * gain_k.abs().max()


# Gradients.

FUNCTIONS = {
    "layer": lambda x, gain, bias: norms.layer_norm(x, gain, bias, EPS),
    "rms": lambda x, gain, bias: norms.rms_norm(x, gain, EPS),
    "batch": lambda x, gain, bias: norms.batch_norm(x, gain, bias, EPS),
    "group": lambda x, gain, bias: norms.group_norm(x, 2, gain, bias, EPS),
    "deep": lambda x, gain, bias: norms.deep_norm(x, x.sin(), 1.5, gain, bias, EPS),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradcheck(name):
    inputs = [tensor.requires_grad_() for tensor in (rows(3, 6), *gains(6))]
    assert torch.autograd.gradcheck(FUNCTIONS[name], inputs)


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 11), (7,), (0, 7)])
@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.1])
def test_backward_by_hand_equals_autograd(shape, eps):
    x, dy, (gain, bias) = rows(*shape), rows(*shape, seed=3), gains(shape[-1])
    leaves = [tensor.clone().requires_grad_() for tensor in (x, gain, bias)]
    expected = torch.autograd.grad(norms.layer_norm(*leaves, eps), leaves, dy)
    for got, want in zip(norms.layer_norm_backward(dy, x, gain, eps), expected, strict=True):
        assert close(got, want, 1e-10)
    expected = torch.autograd.grad(norms.rms_norm(*leaves[:2], eps), leaves[:2], dy)
    for got, want in zip(norms.rms_norm_backward(dy, x, gain, eps), expected, strict=True):
        assert close(got, want, 1e-10)


@pytest.mark.parametrize("dropped", ["mean term", "unit term", "gain"])
def test_the_gradient_tolerance_sees_a_dropped_term(dropped):
    x, dy, (gain, _) = rows(5, 7), rows(5, 7, seed=3), gains(7)
    true = norms.layer_norm_backward(dy, x, gain, EPS).dx
    std = (x.var(-1, unbiased=False, keepdim=True) + EPS).sqrt()
    unit, dunit = (x - x.mean(-1, keepdim=True)) / std, dy * (1.0 if dropped == "gain" else gain)
    mean_term = 0.0 if dropped == "mean term" else dunit.mean(-1, keepdim=True)
    unit_term = 0.0 if dropped == "unit term" else unit * (dunit * unit).mean(-1, keepdim=True)
    assert not close((dunit - mean_term - unit_term) / std, true, 1e-10)


def test_layer_norm_passes_no_gradient_along_the_constant_and_the_output():
    x, dy, (gain, _) = rows(5, 7), rows(5, 7, seed=3), gains(7)
    dx = norms.layer_norm_backward(dy, x, gain, eps=0.0).dx
    unit = norms.layer_norm(x, eps=0.0)
    assert close(dx.sum(-1), torch.zeros(5).double())
    assert close((dx * unit).sum(-1), torch.zeros(5).double())


def test_rms_norm_passes_no_gradient_along_the_output_but_some_along_the_constant():
    x, dy, (gain, _) = rows(5, 7), rows(5, 7, seed=3), gains(7)
    dx = norms.rms_norm_backward(dy, x, gain, eps=0.0).dx
    assert close((dx * norms.rms_norm(x, eps=0.0)).sum(-1), torch.zeros(5).double())
    assert dx.sum(-1).abs().min() > 1e-3


# Invariances.


def test_layer_norm_ignores_shift_and_scale():
    x = rows(5, 7)
    assert close(norms.layer_norm(3.5 * x + 8, eps=0.0), norms.layer_norm(x, eps=0.0), 1e-11)


def test_rms_norm_ignores_scale_but_not_shift():
    x = rows(5, 7)
    assert close(norms.rms_norm(3.5 * x, eps=0.0), norms.rms_norm(x, eps=0.0))
    assert (norms.rms_norm(x + 1, eps=0.0) - norms.rms_norm(x, eps=0.0)).abs().max() > 0.1


def test_both_keep_the_sign_of_the_scale():
    x = rows(5, 7)
    assert close(norms.layer_norm(-x), -norms.layer_norm(x))
    assert close(norms.rms_norm(-x), -norms.rms_norm(x))


def test_on_centred_rows_rms_norm_is_layer_norm():
    x = rows(5, 7)
    assert close(norms.rms_norm(x - x.mean(-1, keepdim=True), eps=EPS), norms.layer_norm(x, eps=EPS))


def test_layer_norm_of_a_token_does_not_depend_on_other_tokens():
    x = rows(2, 6, 7)
    changed = x.clone()
    changed[:, 5] += 3
    assert torch.equal(norms.layer_norm(changed)[:, :5], norms.layer_norm(x)[:, :5])
    assert not close(norms.batch_norm(changed)[:, :5], norms.batch_norm(x)[:, :5], 1e-3)


# Conventions.


def test_eps_is_inside_the_root():
    x = torch.tensor([[3.0, -3.0]], dtype=torch.float64)
    assert norms.layer_norm(x, eps=16.0)[0, 0].item() == pytest.approx(3 / 5)
    assert norms.rms_norm(x, eps=16.0)[0, 0].item() == pytest.approx(3 / 5)


def test_the_variance_divides_by_the_number_of_features():
    x = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    assert norms.layer_norm(x, eps=0.0)[0].item() == pytest.approx(1.7320508)


def test_batch_norm_divides_by_the_number_of_rows():
    x = torch.tensor([[1.0], [0.0], [0.0], [0.0]], dtype=torch.float64)
    assert norms.batch_norm(x, eps=0.0)[0, 0].item() == pytest.approx(1.7320508)


def test_one_row_of_batch_norm_is_the_bias():
    gain, bias = gains(7)
    assert close(norms.batch_norm(rows(1, 7), gain, bias), bias[None])


def test_one_group_is_layer_norm_and_groups_are_runs_of_features():
    x = rows(5, 12)
    assert close(norms.group_norm(x, 1), norms.layer_norm(x))
    assert close(norms.group_norm(x, 3)[:, 4:8], norms.layer_norm(x[:, 4:8]))


def test_group_norm_keeps_tokens_apart_where_torch_does_not():
    x = rows(2, 5, 12)
    expected = functional.group_norm(x.mT, 3).mT
    assert not close(norms.group_norm(x, 3), expected, 1e-2)
    assert close(norms.group_norm(x, 3).flatten(0, 1), functional.group_norm(x.flatten(0, 1), 3))


def test_the_gain_multiplies_before_the_cast_back():
    x = rows(64, 32).bfloat16()
    gain = (1 + 0.05 * rows(32, seed=2)).bfloat16()
    unit = norms.rms_norm(x.float())
    assert torch.equal(norms.rms_norm(x, gain), (unit * gain).bfloat16())
    assert not torch.equal(norms.rms_norm(x, gain), unit.bfloat16() * gain)


def test_a_constant_row_becomes_the_bias_and_a_zero_row_stays_finite():
    gain, bias = gains(4)
    assert close(norms.layer_norm(torch.full((4,), 3.0).double(), gain, bias), bias)
    assert torch.equal(norms.rms_norm(torch.zeros(4)), torch.zeros(4))


# DeepNorm's numbers: Wang et al. 2022, figure 2.


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
@pytest.mark.parametrize("layers, alpha, beta", [(18, 36**0.25, 144**-0.25), (100, 3.760603, 0.188030)])
def test_deep_norm_scales_of_one_stack(stack, layers, alpha, beta):
    scales = getattr(norms.deep_norm_scales(**{stack: layers}), stack)
    assert scales == pytest.approx((alpha, beta), rel=1e-6)


def test_deep_norm_scales_of_an_encoder_and_a_decoder():
    scales = norms.deep_norm_scales(encoder=18, decoder=6)
    assert scales.encoder == pytest.approx((0.81 * (18**4 * 6) ** (1 / 16), 0.87 * (18**4 * 6) ** (-1 / 16)))
    assert scales.decoder == pytest.approx((18**0.25, 72**-0.25))


def test_an_absent_stack_has_no_scales():
    assert norms.deep_norm_scales(decoder=6).encoder is None
    assert norms.deep_norm_scales(encoder=6).decoder is None


def test_deep_norm_with_alpha_one_is_post_norm():
    x, fx = rows(5, 7), rows(5, 7, seed=3)
    assert close(norms.deep_norm(x, fx, 1.0), norms.layer_norm(x + fx))
    assert not close(norms.deep_norm(x, fx, 1.5), norms.layer_norm(x + fx), 1e-2)
