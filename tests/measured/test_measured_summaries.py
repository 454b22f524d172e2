"""What sums up rows: by the values of key columns, and the power of a power law."""

import pytest
from glassbox.measured import loglog_slope, mean_of, median_of, spread_of


def test_a_slope_is_the_power():
    rows = [{"depth": n, "y": 3 * n**-0.5} for n in (1, 2, 4, 8)]
    assert loglog_slope(rows, "y", "depth") == pytest.approx(-0.5)


@pytest.mark.parametrize(
    "rows, message",
    [
        ([{"depth": 2, "y": 1.0}], "two different depth"),
        ([{"depth": 1, "y": 1.0}, {"depth": 2, "y": 0.0}], "above zero"),
    ],
)
def test_a_slope_needs_points(rows, message):
    with pytest.raises(ValueError, match=message):
        loglog_slope(rows, "y", "depth")


def test_mean_of_groups_by_one_key_or_several():
    rows = [{"a": 1, "b": "x", "v": 1.0}, {"a": 1, "b": "y", "v": 3.0}, {"a": 2, "b": "x", "v": 5.0}]
    assert mean_of(rows, "v", "a") == {1: 2.0, 2: 5.0}
    assert mean_of(rows, "v", "a", "b") == {(1, "x"): 1.0, (1, "y"): 3.0, (2, "x"): 5.0}


def test_median_and_spread_group_as_the_mean_does():
    rows = [{"a": 1, "b": "x", "v": value} for value in (1.0, 2.0, 9.0)] + [{"a": 2, "b": "x", "v": 5.0}]
    assert median_of(rows, "v", "a") == {1: 2.0, 2: 5.0}
    assert spread_of(rows, "v", "a", "b") == {
        (1, "x"): {"median": 2.0, "least": 1.0, "most": 9.0},
        (2, "x"): {"median": 5.0, "least": 5.0, "most": 5.0},
    }
