"""Ranks: the scores have d, both maps are full by determinant, and the causal one is nearer to singular."""

from fractions import Fraction

import pytest
import torch
from glassbox.attention.experiments.ranks import attention_maps, ranks, smallest_of_triangular


@pytest.fixture(scope="module")
def rows():
    return ranks()


def found(rows, matrix, dtype, column="rank"):
    return [row[column] for row in rows if (row["matrix"], row["dtype"]) == (matrix, dtype)]


def test_scores_have_the_rank_of_the_head_and_softmax_restores_all(rows):
    for dtype in ("float64", "float32"):
        assert found(rows, "scores", dtype) == [16] * 5
        assert found(rows, "bidirectional", dtype) == [128] * 5
    assert found(rows, "scores", "float64", "smallest") == [None] * 5


def test_the_causal_map_loses_rank_in_numbers_though_not_in_truth(rows):
    assert found(rows, "causal", "float64") == [126] * 5
    assert set(found(rows, "causal", "float32")) == {121, 122}
    assert all(-260 < x < -230 for x in found(rows, "causal", "float64", "log10_determinant"))


def test_the_causal_map_is_far_nearer_to_singular(rows):
    assert all(1e-5 < x < 5e-4 for x in found(rows, "bidirectional", "float64", "smallest"))
    assert all(1e-42 < x < 1e-24 for x in found(rows, "causal", "float64", "smallest"))


def test_the_triangular_determinant_is_the_product_of_its_diagonal(rows):
    causal = attention_maps(128, 16, 0)["causal"]
    assert causal.triu(1).eq(0).all() and causal.diagonal().min() > 0
    log = causal.diagonal().log10().sum().item()
    assert found(rows, "causal", "float64", "log10_determinant")[0] == pytest.approx(log, rel=1e-9)


def inverse_by_fractions(matrix):
    """The inverse of a triangular matrix of floats, exactly, then rounded."""
    rows = [[Fraction(x) for x in row] for row in matrix.tolist()]
    inverse = [[Fraction(0)] * len(rows) for _ in rows]
    for column in range(len(rows)):
        for row in range(column, len(rows)):
            known = sum(rows[row][j] * inverse[j][column] for j in range(column, row))
            inverse[row][column] = ((row == column) - known) / rows[row][row]
    return torch.tensor([[float(x) for x in row] for row in inverse]).double()


def test_the_smallest_singular_value_keeps_its_digits_below_what_an_svd_knows():
    matrix = torch.eye(30).double() * 0.125 + torch.ones(30, 30).double().tril(-1)
    exact = 1 / torch.linalg.matrix_norm(inverse_by_fractions(matrix), 2).item()
    assert smallest_of_triangular(matrix) == pytest.approx(exact, rel=1e-9) and exact < 1e-25
    assert torch.linalg.svdvals(matrix)[-1].item() > 1e6 * exact
