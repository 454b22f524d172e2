"""BatchNorm on text: the rows that show what shared statistics do."""

import pytest
from glassbox.norms.experiments import batch_statistics, mean_to_rms


def by_norm(rows, value):
    return {row["norm"]: row[value] for row in rows}


def test_neighbours_change_batch_norm_alone():
    change = by_norm(batch_statistics.neighbour_effect(), "change")
    assert change["layer norm"] < 1e-9
    assert change["batch norm"] > 0.05


def test_padding_changes_batch_norm_more_the_more_of_it_there_is():
    rows = batch_statistics.padding_effect()
    assert max(row["change"] for row in rows if row["norm"] == "layer norm") < 1e-9
    batch = [row["change"] for row in rows if row["norm"] == "batch norm"]
    assert batch[0] < 1e-9
    assert batch == sorted(batch) and batch[-1] > 0.5


def test_batch_norm_leaves_nothing_of_a_lone_token():
    left = by_norm(batch_statistics.lone_row(), "left")
    assert left["layer norm"] == pytest.approx(1, abs=1e-3)
    assert left["batch norm"] == 0


def test_statistics_over_the_sequence_leak_the_future():
    assert batch_statistics.changed_positions("features") == [False] * 5 + [True] + [False] * 2
    assert batch_statistics.changed_positions("sequence") == [True] * 8
    with pytest.raises(ValueError, match="axis: expected one of 'features', 'sequence'"):
        batch_statistics.changed_positions("batch")


def test_batches_of_text_windows_move_more_than_shuffled_tokens():
    rows = batch_statistics.statistics_over_steps(steps=15)
    assert len(rows) == 3 * 15

    def mean(source, column):
        values = [row[column] for row in rows if row["source"] == source]
        return sum(values) / len(values)

    for column in ("mean", "variance"):
        assert mean("text windows", column) > 1.3 * mean("shuffled tokens", column)


def test_a_trained_models_means_are_as_small_as_chance_makes_them():
    rows = mean_to_rms()
    assert [row["place"] for row in rows][-1] == "norm_in_final"
    assert all(0.5 * row["chance"] < row["ratio"] < 2 * row["chance"] for row in rows)
