"""The shipped sweeps: stored without loss, with provenance, and made again where that is quick."""

import json
from hashlib import sha256

import pytest
from glassbox import paths
from glassbox.norms import experiments
from glassbox.norms.experiments.recorded import KEYS, SIGNALS, TRAINING, gather, spread

SWEEPS = ("signals", "training", "recentering")


@pytest.mark.parametrize("shape", [TRAINING, SIGNALS])
def test_storing_and_reading_gives_the_rows_back(shape):
    rows = [
        {"placement": placement, "seed": seed, shape.along: shape.every * number}
        | {column: 0.5 * number + place for place, column in enumerate(shape.measured)}
        for placement in ("pre", "post")
        for seed in (0, 1)
        for number in (1, 2, 3)
    ]
    assert spread(gather(rows, shape), shape.along, shape.every) == rows


@pytest.mark.parametrize("name", SWEEPS)
def test_a_shipped_sweep_says_how_it_was_made_from_the_text_that_ships(name):
    record = json.loads(paths.data("experiments", f"norms_{name}.json").read_text(encoding="utf-8"))
    assert record.keys() == KEYS
    assert record["command"] == f"python -m glassbox.norms.experiments --only {name}"
    assert record["text_sha256"] == sha256(experiments.stories()).hexdigest()


def test_a_sweep_without_provenance_is_refused(tmp_path, monkeypatch):
    (tmp_path / "data" / "experiments").mkdir(parents=True)
    (tmp_path / "data" / "experiments" / "norms_training.json").write_text('{"runs": []}', encoding="utf-8")
    monkeypatch.setenv("GLASSBOX_ROOT", str(tmp_path))
    with pytest.raises(ValueError, match=r"does not say: .*command.*date"):
        experiments.recorded("training")


def test_the_shipped_signals_can_be_made_again():
    stored = [
        row
        for row in experiments.recorded("signals")
        if (row["depth"], row["seed"], row["gain"]) == (6, 1, 2.0) and row["placement"] in ("post", "deep")
    ]
    again = experiments.signal_sweep(("post", "deep"), (6,), (2.0,), (1,))
    assert len(again) == len(stored) == 12
    for row, other in zip(again, stored, strict=True):
        assert {**row, "placement": 0} == pytest.approx({**other, "placement": 0}, rel=1e-3)


def test_training_rows_cover_three_seeds_or_more_of_each_setting():
    for row in experiments.summary(experiments.recorded("training")):
        assert row["runs"] >= 3, row


def test_post_norm_without_warm_up_fails_at_one_depth_and_not_at_another():
    cold = {
        row["depth"]: row["learned"] / row["runs"]
        for row in experiments.summary(experiments.recorded("training"))
        if row["placement"] == "post" and row["warmup"] == 0
    }
    assert min(cold.values()) < 0.5 and max(cold.values()) == 1.0
    assert cold[min(cold)] == 1.0
