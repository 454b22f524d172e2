"""The sweeps of attention on the stories: training, variants, conversion, stability, and their summaries."""

from functools import partial
from importlib import import_module

import pytest
import torch
from glassbox.attention.experiments.training_summaries import against, finals, summary
from glassbox.attention.toy import ToyAttention, ToyLM
from glassbox.tiny.seeds import uniform
from glassbox.tiny.text import stories

# The package exports a function of the same name as most of these modules.
NAMES = "conversion decode_time stability training training_variants"
conversion, decode_time, stability, training, training_variants = (
    import_module(f"glassbox.attention.experiments.{name}") for name in NAMES.split()
)
TOKENS = uniform((2, 9), seed=2, high=256).long()


def small(seed=0):
    return ToyLM(partial(ToyAttention, 16, 4), width=16, hidden=32, seed=seed)


# Training.


def test_no_held_out_story_is_trained_on():
    held_out = training.held_out_stories()
    assert len(held_out) > 20_000
    windows = [held_out[at : at + 200] for at in range(0, len(held_out) - 200, 200)]
    assert not any(window in stories() for window in windows)


def test_the_rate_rises_to_the_peak_and_falls_to_its_floor():
    rates = [training.rate(step, 400, 1.0) for step in range(401)]
    assert rates[0] == pytest.approx(1 / training.WARM_UP)
    assert max(rates) == rates[training.WARM_UP] == 1.0
    assert rates[-1] == pytest.approx(training.FLOOR)
    assert all(a > b for a, b in zip(rates[training.WARM_UP :], rates[training.WARM_UP + 1 :], strict=False))


def test_a_curve_has_the_mean_loss_and_the_held_out_loss_of_its_model(monkeypatch):
    monkeypatch.setattr(training, "held_out_stories", lambda: stories()[:1000])
    model = small()
    rows = training.curve(model, seed=0, steps=12, every=5)
    assert [row["step"] for row in rows] == [5, 10, 12]
    assert rows[0]["loss"] > rows[1]["loss"] > rows[2]["loss"]
    assert rows[-1]["held_out"] == training.held_out_loss(model)
    losses = [loss for loss, _ in training.descend(small(), 0, 12, 8e-3)]
    assert rows[0]["loss"] == pytest.approx(sum(losses[:5]) / 5)


def test_the_gradient_norm_is_that_of_all_parameters():
    model = small()
    reported = next(training.descend(model, 0, 5, 8e-3))[1]
    squares = sum(p.grad.square().sum() for p in model.parameters())
    assert reported == pytest.approx(squares.sqrt().item())


# Summaries.


def run(name, seed, *held_out):
    return [{"kind": name, "seed": seed, "step": i, "held_out": loss} for i, loss in enumerate(held_out)]


ROWS = run("a", 0, 9, 1.0) + run("a", 1, 9, 3.0) + run("b", 0, 9, 1.5) + run("b", 1, 9, 2.5)


def test_finals_keep_the_last_row_of_each_run():
    assert [row["held_out"] for row in finals(ROWS)] == [1.0, 3.0, 1.5, 2.5]


def test_a_summary_has_the_mean_and_the_deviation_of_a_run():
    first = summary(ROWS, "kind")[0]
    wanted = {"kind": "a", "runs": 2, "mean": 2.0, "deviation": 2**0.5, "least": 1.0, "most": 3.0}
    assert {key: pytest.approx(value) for key, value in wanted.items() if key != "kind"} | {
        "kind": "a"
    } == first


def test_runs_are_compared_seed_by_seed():
    (found,) = against(ROWS, "kind", "a")
    assert found == {"kind": "b", "pairs": 2, "mean": 0.0, "error": pytest.approx(0.5), "above": 1}


# Variants.


def test_what_the_variants_of_a_comparison_have_in_common():
    sizes = {
        name: [training_variants.described(variant.model(0)) for variant in variants.values()]
        for name, variants in training_variants.COMPARISONS.items()
    }
    assert {size["parameters"] for size in sizes["parameters"]} == {131_392}
    assert [size["cached"] for size in sizes["parameters"]] == [128, 32, 16]
    assert {tuple(size.values()) for size in sizes["cache"]} == {(32, 133_440)}
    assert [size["cached"] for size in sizes["width"]] == [128, 32, 16, 128]
    assert {variant.hidden for variant in training_variants.COMPARISONS["width"].values()} == {256}


def test_sharing_queries_saves_no_cache_and_sharing_values_saves_as_much_as_keys():
    cached = {
        name: ToyAttention(64, 8, shared=shared).cached for name, shared in training_variants.SHARED.items()
    }
    assert cached == {"nothing": 128, "queries": 128, "keys": 72, "values": 72, "keys and values": 16}


def test_heads_that_share_queries_and_keys_look_alike_and_others_less():
    def alike(*shared):
        return training_variants.likeness(ToyLM(partial(ToyAttention, 64, 8, shared=shared), 64))

    assert alike("query", "key") == pytest.approx(1)
    assert alike("query") < 0.7 and alike("key") < 0.7


# Conversion.


@pytest.mark.parametrize("method", ["mean", "first head"])
def test_a_model_whose_heads_agree_is_converted_without_loss(method):
    model = conversion.toy(seed=1)
    with torch.no_grad():
        for layer in model.attentions:
            for part in (layer.key, layer.value):
                part.weight.copy_(
                    part.weight.unflatten(0, (2, 4, 8))[:, :1].expand(-1, 4, -1, -1).flatten(0, 2)
                )
    same = conversion.converted(model, method, 2)
    torch.testing.assert_close(same(TOKENS), model(TOKENS), atol=1e-4, rtol=1e-4)
    other = conversion.converted(model, "random", 2)
    assert (other(TOKENS) - model(TOKENS)).abs().max() > 0.1


def test_each_method_makes_the_heads_that_it_names():
    model = conversion.toy(seed=1)
    key = model.attentions[0].key.weight.detach()
    heads = key.unflatten(0, (8, 8))
    kept = {
        method: conversion.converted(model, method, 2, seed=5)
        .attentions[0]
        .key.weight.detach()
        .unflatten(0, (2, 8))
        for method in conversion.METHODS
    }
    torch.testing.assert_close(kept["mean"][1], heads[4:].mean(0))
    torch.testing.assert_close(kept["first head"][1], heads[4])
    assert kept["random"].std() == pytest.approx(key.std().item(), rel=0.5)
    assert kept["random"].shape == (2, 8, 64)


# Stability, and the time of a token.


def test_the_spread_of_gradients_is_that_of_the_runs_after_the_first_steps():
    rows = [
        {"kv_heads": 8, "peak": 0.1, "seed": seed, "seconds": 0.1, "step": step, "loss": loss, "largest": top}
        for seed, loss, top in ((0, 1.0, 3.0), (1, 2.0, 5.0), (2, 4.0, 4.0))
        for step in (30, 40)
    ]
    rows[0]["largest"] = 100.0  # in the first steps
    assert stability.gradient_spread(rows) == [
        {"kv_heads": 8, "peak": 0.1, "runs": 3, "largest": 4.0, "worst": 5.0, "least": 1.0, "most": 4.0}
    ]


def test_the_step_time_is_a_ratio_of_medians():
    rows = [{"kv_heads": n, "seconds": s} for n, s in ((8, 2.0), (8, 4.0), (8, 3.0), (1, 1.5), (1, 1.5))]
    assert stability.step_time(rows) == 0.5


def test_decode_times_are_rows_with_a_median_between_the_extremes():
    rows = decode_time.decode_time(lengths=(8, 16), kv_heads=(8,), repeats=3)
    assert [(row["form"], row["length"]) for row in rows] == [
        ("cached", 8), ("cached", 16), ("recomputed", 8), ("recomputed", 16),
    ]  # fmt: skip
    assert all(0 <= row["least"] <= row["seconds"] <= row["most"] for row in rows)


def test_growth_is_the_longest_against_the_shortest():
    rows = [
        {"form": "cached", "kv_heads": 8, "length": n, "seconds": s}
        for n, s in ((64, 2.0), (1024, 6.0), (128, 9.0))
    ]
    assert decode_time.growth(rows, "cached") == 3.0
