"""The shipped sweeps: stored without loss, with provenance, and made again where that is quick."""

import json
from hashlib import sha256

import pytest
from glassbox import paths
from glassbox.measured import gather, spread
from glassbox.measured.recording import KEYS
from glassbox.norms import experiments
from glassbox.norms.experiments.recorded import SIGNALS, TRAINING, UPDATES

SWEEPS = ("signals", "updates", "training", "recentering")


@pytest.mark.parametrize("shape", [TRAINING, SIGNALS, UPDATES])
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


def test_the_shipped_updates_can_be_made_again():
    stored = [
        row
        for row in experiments.recorded("updates")
        if row["depth"] in (4, 8) and row["seed"] == 1 and row["placement"] in ("post", "deep")
    ]
    again = experiments.model_update(("post", "deep"), (4, 8), (1,), ("matrices",))
    assert len(again) == len(stored) == 4
    for row, other in zip(again, stored, strict=True):
        assert (row["placement"], row["depth"]) == (other["placement"], other["depth"])
        numbers = [name for name in row if name not in ("placement", "moving")]
        assert [row[name] for name in numbers] == pytest.approx([other[name] for name in numbers], rel=1e-3)


@pytest.mark.parametrize("name", ["signals", "updates"])
def test_signals_and_updates_cover_nine_seeds_of_every_setting(name):
    seeds = {}
    for row in experiments.recorded(name):
        seeds.setdefault((row["placement"], row["depth"], row.get("gain")), set()).add(row["seed"])
    assert all(found == set(range(9)) for found in seeds.values()), seeds


@pytest.fixture(scope="module")
def gradient():
    return {(row["placement"], row["block"]): row for row in experiments.gradient_change()}


def test_with_depth_the_last_gradient_falls_in_pre_norm_and_not_in_post_norm_at_any_seed(gradient):
    post, pre = gradient["post", "last"], gradient["pre", "last"]
    assert pre["most"] < 0.5 and 0.25 < pre["median"] < 0.4
    assert post["least"] > 0.75 and post["median"] > 1
    assert pre["most"] < post["least"]


def test_what_happens_to_the_first_gradient_of_post_norm_depends_on_the_seed(gradient):
    """Three seeds once made "it does not vanish" of this: their mean is 1.06."""
    post = gradient["post", "first"]
    assert post["least"] < 0.5 < 2 < post["most"]
    assert post["median"] < 0.5


def test_the_first_gradient_of_pre_norm_has_no_direction_that_all_seeds_share(gradient):
    pre = gradient["pre", "first"]
    assert 0.5 < pre["least"] < 1 < pre["most"] < 2


def test_no_single_number_says_how_much_further_a_step_moves_deep_post_norm():
    """Three seeds once made 28.1 of this."""
    change = {row["placement"]: row for row in experiments.update_change()}
    assert change["post"]["median"] == pytest.approx(15, abs=1)
    assert change["post"]["most"] > 5 * change["post"]["least"]
    assert change["deep"]["most"] < change["pre"]["least"] < change["pre"]["most"] < change["post"]["least"]


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
