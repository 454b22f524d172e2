"""Recall, errors and capacity: how the approximations improve, and where they break."""

import pytest
import torch
from glassbox.attention.experiments import approximations, sparse, terms
from glassbox.measured import loglog_slope, mean_of
from glassbox.tiny.seeds import normal


def test_more_rounds_recall_more_and_beat_a_blind_choice():
    rows = approximations.hash_recall((1, 4, 16), seeds=(0, 1))
    recall, pairs = (mean_of(rows, column, "rounds") for column in ("recall", "pairs"))
    assert recall[1] < recall[4] < recall[16] and recall[16] > 0.9
    assert all(recall[rounds] > 1.3 * pairs[rounds] for rounds in (1, 4, 16))
    assert recall[1] > 2 * pairs[1] and pairs[1] == pytest.approx(1 / 16, rel=0.3)


def test_vectors_that_fall_into_one_bucket_are_all_recalled(monkeypatch):
    monkeypatch.setattr(approximations, "normal", lambda shape, seed: torch.zeros(shape).double())
    monkeypatch.setattr(approximations, "unit", lambda shape, seed: normal(shape, seed))
    row = approximations.hash_recall((1,), seeds=(0,), length=20)[0]
    assert row["recall"] == row["pairs"] == 1


def test_the_error_of_random_features_falls_as_one_over_the_root_for_short_vectors():
    rows = approximations.random_feature_error(norms=(1.0, 4.0))
    short = [row for row in rows if row["norm"] == 1]
    assert loglog_slope(short, "error", "features") == pytest.approx(-0.5, abs=0.05)
    for row in mean_of(short, "error", "features").items():
        assert row[1] == pytest.approx(mean_of(short, "expected", "features")[row[0]], rel=0.15)
    long = mean_of([row for row in rows if row["norm"] == 4], "error", "features")
    assert long[4096] > 0.9 and mean_of(rows, "expected", "norm")[4] > 1e6


def test_the_state_is_full_where_softmax_is_not():
    rows = approximations.state_capacity((4, 32, 128), seeds=(0, 1))
    found = mean_of(rows, "found", "method", "pairs")
    assert found["linear", 4] == 1 and found["linear", 128] < 0.6 and found["linear", 32] > 0.9
    assert all(found["softmax", pairs] == 1 for pairs in (4, 32, 128))
    linear = [row for row in rows if row["method"] == "linear"]
    assert loglog_slope(linear, "error", "pairs") == pytest.approx(0.55, abs=0.1)


def test_averaging_and_the_cut_map_are_exact_at_full_rank_and_lose_more_at_less():
    rows = approximations.low_rank_error((4, 16, 64), 64)
    error = {(row["projection"], row["mask"], row["rank"]): row["error"] for row in rows}
    for name in (("average", "both ways"), ("best map", "causal")):
        assert error[*name, 64] < 1e-12
        assert error[*name, 4] > 1.05 * error[*name, 16] > 0.1
    assert len(error) == 6


def test_a_quarter_of_the_rank_misses_most_of_the_causal_output():
    rows = {(row["projection"], row["rank"]): row for row in approximations.low_rank_error((32, 64))}
    # Cut from maps taken both ways, which the model never saw, the rank of 64 would miss 0.06.
    assert rows["best map", 64]["error"] == pytest.approx(0.60, abs=0.03)
    assert rows["best map", 32]["error"] == pytest.approx(0.77, abs=0.03)
    assert rows["average", 64]["error"] == pytest.approx(0.97, abs=0.03)


def test_the_tiny_models_maps_are_not_of_low_rank():
    rows = approximations.singular_values(64)
    assert len(rows) == 2 * 4 * 64
    first = [row["value"] for row in rows if (row["layer"], row["head"]) == (1, 2)]
    assert first[0] == 1 and first == sorted(first, reverse=True)
    energy = {(row["layer"], row["head"]): row["energy"] for row in rows if row["index"] == 8}
    assert max(energy.values()) < 0.7
    assert all(row["energy"] == pytest.approx(1) for row in rows if row["index"] == 64)


def test_a_hidden_pair_is_lost_in_summaries_and_found_in_opened_chunks():
    rows = approximations.two_levels(512, 32, (0, 4, 15), trials=16)
    found = {(row["method"], row["opened"]): row["found"] for row in rows}
    assert found["dense", 0] == found["opened", 15] == 1
    assert found["own chunk", 0] == found["summaries", 0] == 0
    assert 0.2 < found["opened", 4] < 1
    work = {(row["method"], row["opened"]): row["multiply_adds"] for row in rows}
    assert work["summaries", 0] == (32 + 15) / 512 and work["opened", 4] == (5 * 32 + 15) / 512


# Reach.


def test_a_window_reaches_its_width_less_one_per_layer():
    rows = sparse.reach(3, 5)
    by_name = {(row["pattern"], row["layer"]): row for row in rows}
    for layer in (1, 2, 3):
        assert by_name["window", layer]["reach"] == 4 * layer
        assert by_name["dilated", layer]["reach"] == 8 * layer
        assert by_name["dilated", layer]["felt"] == by_name["window", layer]["felt"] == 4 * layer + 1
    assert by_name["window", 1]["keys"] == by_name["dilated", 1]["keys"] == 5


def test_the_strided_pattern_reaches_everything_in_two_layers():
    first, second = sparse.reach(2, 8, names=("strided",))
    assert first["felt"] < second["felt"] == 64 - 8


# DeBERTa's terms.


def test_each_term_depends_on_what_its_name_says():
    maps = {name: torch.tensor(rows) for name, rows in terms.term_maps(12, reach=3).items()}
    assert torch.allclose(maps["sum"], sum(maps[name] for name in terms.NAMES), atol=1e-6)
    far = maps["content_to_position"]
    assert far[11, :9].unique().numel() == 1 and far[11, 8:].unique().numel() > 1
    assert maps["position_to_content"][:7, 9].unique().numel() == 1
    assert maps["content_to_content"][11].unique().numel() == 12


def test_every_term_that_is_dropped_changes_the_output():
    rows = terms.dropped_terms()
    assert len(rows) == 7 and rows[0]["change"] == 0
    assert all(row["change"] > 0.2 for row in rows[1:])
    assert {row["kept"]: row["distinct"] for row in rows}["content_to_position"] <= 16
