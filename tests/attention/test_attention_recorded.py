"""The shipped sweeps of attention: complete, with provenance, made again where that is quick, and read."""

import json
from hashlib import sha256
from importlib import import_module
from itertools import islice
from statistics import fmean

import pytest
from glassbox import paths
from glassbox.attention import experiments
from glassbox.measured import gather, spread
from glassbox.measured.recording import KEYS
from glassbox.tiny.text import stories

NAMES = "conversion lookups prior reversal stability sweeps training training_variants"
conversion, lookups, prior, reversal, stability, sweeps, training, training_variants = (
    import_module(f"glassbox.attention.experiments.{name}") for name in NAMES.split()
)


def rows(name, **setting):
    """Return the rows of a sweep that have these values."""
    return [row for row in experiments.recorded(name) if all(row[key] == setting[key] for key in setting)]


def seeds(name, *keys, along="seed"):
    """Return the different values of one column, sorted, by the values of others."""
    found = {}
    for row in rows(name):
        found.setdefault(tuple(row[key] for key in keys), set()).add(row[along])
    return {key: tuple(sorted(values)) for key, values in found.items()}


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_a_shipped_sweep_says_how_it_was_made_from_the_text_that_ships(name):
    record = json.loads(paths.data("experiments", f"attention_{name}.json").read_text(encoding="utf-8"))
    assert record.keys() == KEYS
    assert record["command"] == f"python -m glassbox.attention.experiments --only {name}"
    assert record["text_sha256"] == sha256(stories()).hexdigest()


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_storing_and_reading_gives_the_rows_back(name):
    shape = sweeps.SWEEPS[name][2]
    assert spread(gather(rows(name), shape), shape.along, shape.every) == rows(name)


# Complete.


def test_quality_covers_five_seeds_of_every_variant_to_the_end():
    found = seeds("quality", "comparison", "variant")
    asked = [(name, kind) for name, kinds in training_variants.COMPARISONS.items() for kind in kinds]
    assert found == dict.fromkeys(asked, tuple(range(5)))
    assert {row["step"] for row in experiments.finals(rows("quality"))} == {training.STEPS}


@pytest.mark.parametrize(
    "name, keys, asked, number",
    [
        ("sharing", ["shared"], [(kind,) for kind in training_variants.SHARED], 3),
        ("prior", ["kind"], [(kind,) for kind in prior.KINDS], 3),
        (
            "stability",
            ["kv_heads", "peak"],
            [(8, training.PEAK), (8, stability.HIGH), (1, training.PEAK), (1, stability.HIGH)],
            10,
        ),
        (
            "lookups",
            ["slots", "readout", "heads"],
            [
                (slots, readout, heads)
                for slots, some in ((8, (1, 2)), (32, (1, 2, 4, 8, 16)))
                for readout in lookups.READOUTS
                for heads in some
            ],
            3,
        ),
        ("reversal", ["score"], [(score,) for score in reversal.SCORES], 3),
    ],
)
def test_a_sweep_covers_every_seed_of_every_setting(name, keys, asked, number):
    assert seeds(name, *keys) == dict.fromkeys(asked, tuple(range(number)))


def test_conversion_covers_three_seeds_of_every_step():
    steps = seeds("conversion", "method", "kv_heads", "seed", along="step")
    for method in conversion.METHODS:
        for seed in range(3):
            assert steps.pop((method, 2, seed)) == conversion.MARKS
            assert steps.pop((method, 4, seed)) == steps.pop((method, 1, seed)) == (0,)
    assert steps == dict.fromkeys([("not converted", 8, seed) for seed in range(3)], conversion.MARKS)


def test_lookups_have_a_row_for_each_head_and_reversal_one_for_each_length():
    for (_, _, heads, _), found in seeds(
        "lookups", "slots", "readout", "heads", "seed", along="head"
    ).items():
        assert found == tuple(range(1, heads + 1))
    assert set(seeds("reversal", "score", "seed", along="length").values()) == {reversal.TESTED}


def test_each_row_of_an_alignment_map_sums_to_one():
    sums = {}
    for row in rows("alignment"):
        key = (row["score"], row["written"])
        sums[key] = sums.get(key, 0) + row["weight"]
    assert len(sums) == 20
    assert list(sums.values()) == pytest.approx([1.0] * 20, abs=1e-3)


def test_decode_time_covers_both_forms_at_every_length():
    found = seeds("decode_time", "form", "kv_heads", along="length")
    assert found == dict.fromkeys(
        [(form, heads) for form in ("cached", "recomputed") for heads in (8, 1)], (64, 128, 256, 512, 1024)
    )


# Made again.


@pytest.mark.slow
def test_the_start_of_a_quality_run_can_be_made_again():
    name = "MHA, few heads"
    model = training_variants.COMPARISONS["cache"][name].model(1)
    losses = training.descend(model, 1, training.STEPS, training.PEAK)
    again = fmean(loss for loss, _ in islice(losses, 100))
    kept = {row["variant"]: row["loss"] for row in rows("quality", comparison="cache", seed=1, step=100)}
    assert kept.pop(name) == pytest.approx(again, abs=0.015)
    assert min(abs(loss - again) for loss in kept.values()) > 0.015


def test_sharing_and_conversion_begin_with_the_runs_of_quality():
    """Three commands have trained the same models: their losses are the same to the last stored digit."""
    for seed in range(3):
        for name, variant in (("nothing", "MHA"), ("keys and values", "MQA")):
            kept = [(row["loss"], row["held_out"]) for row in rows("sharing", shared=name, seed=seed)]
            there = rows("quality", comparison="width", variant=variant, seed=seed)
            assert kept == [(row["loss"], row["held_out"]) for row in there]
        (end,) = rows("quality", comparison="width", variant="MHA", seed=seed, step=training.STEPS)
        (start,) = rows("conversion", method="not converted", seed=seed, step=0)
        assert start["held_out"] == end["held_out"]


def test_the_start_of_a_stability_run_can_be_made_again():
    model = training_variants.COMPARISONS["width"]["MQA"].model(3)
    found = list(islice(training.descend(model, 3, stability.STEPS, stability.HIGH), 10))
    (kept,) = rows("stability", kv_heads=1, peak=stability.HIGH, seed=3, step=10)
    assert kept["loss"] == pytest.approx(fmean(loss for loss, _ in found), abs=0.02)
    assert kept["largest"] == pytest.approx(max(norm for _, norm in found), rel=0.05)


def test_quality_and_stability_begin_alike():
    """Both warm up over the same 30 steps on the same batches: a check of the one serves the other."""
    assert [training.rate(step, training.STEPS, 1) for step in range(30)] == [
        training.rate(step, stability.STEPS, 1) for step in range(30)
    ]
    model = training_variants.COMPARISONS["width"]["MHA"].model(3)
    found = list(islice(training.descend(model, 3, training.STEPS, training.PEAK), 10))
    (kept,) = rows("stability", kv_heads=8, peak=training.PEAK, seed=3, step=10)
    assert kept["loss"] == pytest.approx(fmean(loss for loss, _ in found), abs=0.02)


def test_the_start_of_a_prior_run_can_be_made_again():
    kind = prior.KINDS["Gaussian prior"]
    model = prior.toy(kind, seed=2)
    found = [loss for loss, _ in islice(training.descend(model, 2, prior.STEPS, training.PEAK), 30)]
    (kept,) = rows("prior", kind="Gaussian prior", seed=2, step=30)
    assert kept["loss"] == pytest.approx(fmean(found), abs=0.02)


def test_the_start_of_a_lookup_run_can_be_made_again():
    for heads in (1, 16):
        losses = lookups.learn(lookups.TwoLookups(heads, "two layers", 32, 2), 2, lookups.STEPS)
        found = list(islice(losses, lookups.START))
        (kept, *_) = rows("lookups", slots=32, readout="two layers", heads=heads, seed=2)
        assert kept["start"] == pytest.approx(fmean(found), abs=1e-3)


@pytest.mark.parametrize("score", reversal.SCORES)
def test_the_start_of_a_reversal_run_can_be_made_again(score):
    losses = reversal.learn(reversal.Reverser(score, seed=1), 1, reversal.STEPS)
    found = [loss for loss, _ in islice(losses, reversal.START)]
    (kept, *_) = rows("reversal", score=score, seed=1)
    assert kept["start"] == pytest.approx(fmean(found), abs=1e-3)
