"""The scale: what happens to variance, entropy and gradient as heads widen."""

import math

import pytest
import torch
from glassbox.attention.experiments.scaling import relative_entropy, scaling, softmax_row
from glassbox.measured import mean_of


@pytest.fixture(scope="module")
def rows():
    return scaling((4, 64, 1024), seeds=(0, 1))


def test_there_is_one_row_per_scale_size_and_seed(rows):
    assert len(rows) == 3 * 3 * 2
    assert {(row["scale"], row["size"], row["seed"]) for row in rows}.__len__() == len(rows)
    assert all(math.isfinite(value) for row in rows for value in list(row.values())[1:])


def test_the_variance_is_d_times_the_square_of_the_scale(rows):
    variance = mean_of(rows, "variance", "scale", "size")
    for d in (4, 64, 1024):
        assert variance["none", d] == pytest.approx(d, rel=0.15)
        assert variance["1/sqrt(d)", d] == pytest.approx(1, rel=0.15)
        assert variance["1/d", d] == pytest.approx(1 / d, rel=0.15)


def test_entropy_collapses_without_a_scale_and_is_flat_with_the_root(rows):
    entropy = mean_of(rows, "entropy", "scale", "size")
    assert entropy["none", 4] == pytest.approx(0.67, abs=0.04)
    assert entropy["none", 1024] == pytest.approx(0.03, abs=0.01)
    for d in (4, 64, 1024):
        assert entropy["1/sqrt(d)", d] == pytest.approx(0.89, abs=0.015)
    assert entropy["1/d", 1024] > 0.999


def test_the_gradient_dies_without_a_scale_in_the_mean_and_more_so_in_the_median_row(rows):
    for column, factor in {"gradient": 7, "median_gradient": 300}.items():
        found = mean_of(rows, column, "scale", "size")
        assert found["none", 4] > factor * found["none", 1024]
        assert found["1/sqrt(d)", 4] == pytest.approx(found["1/sqrt(d)", 1024], rel=0.1)


def test_the_entropy_is_one_for_uniform_rows_and_zero_for_one_key():
    assert relative_entropy(torch.full((3, 8), 1 / 8)) == pytest.approx(1)
    assert relative_entropy(torch.eye(8)) == 0
    assert relative_entropy(torch.tensor([[0.5, 0.5, 0.0, 0.0]])) == pytest.approx(0.5)


def test_the_row_of_weights_is_sorted_and_sums_to_one():
    for scale, least in (("none", 0.9), ("1/sqrt(d)", 0.1)):
        weights = [row["weight"] for row in softmax_row(1024, scale)]
        assert weights == sorted(weights, reverse=True) and sum(weights) == pytest.approx(1)
        assert least < weights[0] < least + 0.4
