"""The arithmetic experiments: descent, variance formulas, the Jacobian, traffic."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from glassbox import norms
from glassbox.norms import experiments
from glassbox.norms.experiments.numerics import halving_mean
from glassbox.norms.kernels import step_by_step
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Descent.


@pytest.fixture(scope="module")
def paths():
    rows = experiments.quadratic_descent()
    return {name: [row for row in rows if row["problem"] == name] for name in ("raw", "standardised")}


def test_standardising_the_features_makes_descent_straight_and_fast(paths):
    assert paths["raw"][0]["condition"] > 20 > 1.5 > paths["standardised"][0]["condition"]
    assert paths["raw"][10]["loss"] > 0.1 > 1e-6 > paths["standardised"][10]["loss"]


def test_the_raw_path_zigzags(paths):
    signs = [math.copysign(1, row["y"]) for row in paths["raw"][:10]]
    assert all(a != b for a, b in pairwise(signs))


def test_descent_shrinks_as_fast_as_its_condition_number_says(paths):
    kappa = paths["raw"][0]["condition"]
    first, later = paths["raw"][0]["loss"], paths["raw"][30]["loss"]
    assert later <= first * ((kappa - 1) / (kappa + 1)) ** 60 * 1.0001


def test_both_problems_start_alike(paths):
    assert paths["raw"][0]["loss"] == pytest.approx(paths["standardised"][0]["loss"], rel=0.05)


def test_the_surface_is_the_loss(paths):
    xs, ys, values = experiments.quadratic_surface("raw", points=3)
    assert xs == ys == [-1.3, 0, 1.3] and values[1][1] == 0
    start = paths["raw"][0]
    hessian = np.array([[values[1][2], 0], [0, values[2][1]]]) * 2 / 1.3**2
    hessian[0, 1] = hessian[1, 0] = (values[2][2] - values[1][2] - values[2][1]) / 1.3**2
    place = np.array([start["x"], start["y"]])
    assert place @ hessian @ place / 2 == pytest.approx(start["loss"])
    with pytest.raises(ValueError, match="problem: expected one of 'raw', 'standardised'"):
        experiments.quadratic_surface("whitened")


# Variance.


def test_the_one_pass_variance_loses_what_the_mean_covers():
    rows = {row["mean"]: row for row in experiments.variance_formulas()}
    assert all(row["two_pass"] < 1e-6 for row in rows.values())
    assert rows[0.0]["one_pass"] < 1e-6
    assert 1e-4 < rows[100.0]["one_pass"] < 1e-2
    assert 0.03 < rows[1000.0]["one_pass"] < 1
    assert rows[0.0]["negative"] == rows[1000.0]["negative"] == 0 < rows[4096.0]["negative"]


def test_the_mean_is_added_up_in_halves():
    x = np.random.RandomState(0).standard_normal((3, 8)).astype(np.float32)
    halves = x[:, :4] + x[:, 4:]
    halves = halves[:, :2] + halves[:, 2:]
    expected = (halves[:, 0] + halves[:, 1]) / np.float32(8)
    np.testing.assert_array_equal(halving_mean(torch.from_numpy(x)).numpy(), expected)


# The Jacobian.


def test_the_jacobian_is_autograds():
    x = torch.from_numpy(np.random.RandomState(0).standard_normal(6))
    terms = experiments.jacobian_terms(x, eps=0.1)
    expected = torch.autograd.functional.jacobian(lambda row: norms.layer_norm(row, eps=0.1), x)
    torch.testing.assert_close(terms["all terms"], expected, rtol=1e-12, atol=1e-12)
    for name, matrix in terms.items():
        assert (name == "all terms") == torch.allclose(matrix, expected, atol=1e-3)


# Traffic.


class CountedPasses(TorchDispatchMode):
    """Count how often an array of this many elements is read or written."""

    def __init__(self, elements):
        super().__init__()
        self.elements, self.passes = elements, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
        self.passes += sum(tensor.numel() == self.elements for tensor in tensors)
        return result


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm"])
def test_the_steps_move_what_eager_pytorch_moves(norm):
    rows, n, parameters = 32, 16, 2 if norm == "layer_norm" else 1
    x = torch.ones(rows, n)
    with CountedPasses(x.numel()) as counted:
        getattr(norms, norm)(x, *[torch.ones(n)] * parameters)
    reports = experiments.launches(norm, "step by step", rows, n, torch.float32)
    statistics, gains = 2 * parameters * rows, parameters * rows * n  # written and read; one gain per row
    elements = sum(report.bytes_moved for report in reports) // 4
    assert elements == counted.passes * rows * n + statistics + gains


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm"])
def test_the_steps_give_what_the_definition_gives(norm):
    x, *parameters = (torch.randn(s, generator=torch.Generator().manual_seed(0)) for s in ((5, 37), 37, 37))
    parameters = parameters[: 2 if norm == "layer_norm" else 1]
    got = getattr(step_by_step, norm)(x, *parameters, 1e-3)
    expected = getattr(norms, norm)(x, *parameters, 1e-3)
    assert torch.allclose(got, expected, atol=1e-5)


def test_traffic_of_both_norms_and_forms():
    table = {(row["norm"], row["form"]): row for row in experiments.traffic(rows=64, width=4096)}
    array = 64 * 4096 * 2
    fused, steps = table["layer_norm", "fused"], table["layer_norm", "step by step"]
    assert (fused["launches"], steps["launches"]) == (1, 7)
    assert fused["least"] == 2 * array + 2 * 4096 * 2 + 2 * 64 * 4  # x, y; gain, bias; mean, rstd
    assert steps["least"] == 12 * array + 2 * 4096 * 2 + 4 * 64 * 4
    assert table["rms_norm", "fused"]["least"] == 2 * array + 4096 * 2 + 64 * 4
    assert table["rms_norm", "step by step"]["least"] == 7 * array + 4096 * 2 + 2 * 64 * 4
    assert fused["intensity"] < 2 and table["rms_norm", "fused"]["flops"] < fused["flops"]


@pytest.mark.parametrize("arguments, message", [((0, 4), "rows: expected"), ((4, -1), "width: expected")])
@pytest.mark.usefixtures("shapes_as_types_off")
def test_bad_sizes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        experiments.traffic(*arguments)
