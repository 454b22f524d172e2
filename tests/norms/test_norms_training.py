"""Training runs: the code that makes them, and the shipped rows with how they were made."""

import math

import pytest
import torch
from glassbox import norms
from glassbox.norms import experiments
from glassbox.norms.experiments import sweeps
from glassbox.norms.experiments.recentering import PARTS
from glassbox.norms.experiments.training import FUSED, descend
from glassbox.norms.toy import ToyTransformer
from glassbox.tiny.seeds import batches

FREQUENCIES = experiments.frequency_loss()


def test_the_best_guess_without_a_look_is_the_entropy_of_the_bytes():
    text = experiments.stories()
    shares = [text.count(byte) / len(text) for byte in set(text)]
    assert pytest.approx(-sum(share * math.log(share) for share in shares)) == FREQUENCIES
    assert 2.5 < FREQUENCIES < 3.5


def test_a_run_returns_its_curve_and_learns():
    rows = experiments.train("pre", depth=1, seed=2, steps=90, every=40)
    assert [row["step"] for row in rows] == [40, 80, 90]
    assert rows[0] | {"loss": 0} == {
        "placement": "pre", "depth": 1, "seed": 2, "lr": 3e-3, "warmup": 0, "step": 40, "loss": 0,
    }  # fmt: skip
    assert rows[0]["loss"] > rows[1]["loss"] > rows[2]["loss"]
    assert rows[2]["loss"] < FREQUENCIES


def test_the_learning_rate_rises_over_the_warm_up():
    model = ToyTransformer(1, dtype=torch.float32)
    before = model.head.weight.detach().clone()
    descend(model, batches(experiments.stories(), 2, 8, 0), steps=1, lr=0.1, warmup=10)
    moved = (model.head.weight - before).abs().max().item()
    assert moved == pytest.approx(0.1 / 10, rel=1e-3)  # Adam's first step is the learning rate


@pytest.mark.parametrize("kind, ours", {"layer": norms.LayerNorm, "rms": norms.RMSNorm}.items())
def test_the_fused_norms_are_ours(kind, ours):
    x = torch.randn(5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    eps = {"layer": 1e-5, "rms": None}[kind]
    torch.testing.assert_close(
        FUSED[kind](8).double()(x), ours(8, eps or torch.finfo(x.dtype).eps).double()(x)
    )


def test_finals_and_their_summary():
    def run(seed, loss, **setting):
        setting = {"placement": "post", "depth": 8, "warmup": 0, "lr": 1e-3} | setting
        return [setting | {"seed": seed, "step": step, "loss": end} for step, end in ((20, 9.0), (40, loss))]

    rows = run(0, FREQUENCIES) + run(1, 2.0) + run(0, 1.5, warmup=100)
    finals = experiments.finals(rows)
    assert [(row["seed"], row["loss"], row["learned"]) for row in finals] == [
        (0, FREQUENCIES, False), (1, 2.0, True), (0, 1.5, True),
    ]  # fmt: skip
    assert [row["setting"] for row in finals[1:]] == ["depth 8, no warm-up", "depth 8, warm-up 100"]
    assert experiments.summary(rows) == [
        {
            "placement": "post",
            "depth": 8,
            "warmup": 0,
            "runs": 2,
            "learned": 1,
            "best": 2.0,
            "worst": FREQUENCIES,
        },
        {"placement": "post", "depth": 8, "warmup": 100, "runs": 1, "learned": 1, "best": 1.5, "worst": 1.5},
    ]


# The parts of LayerNorm.


def test_the_parts_are_what_they_say():
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0)) + 1
    parts = {name: part(8)(x) for name, part in PARTS.items()}
    torch.testing.assert_close(parts["both"], norms.layer_norm(x))
    torch.testing.assert_close(parts["scale only"], norms.rms_norm(x))
    torch.testing.assert_close(parts["centre only"], x - x.mean(-1, keepdim=True))
    torch.testing.assert_close(parts["neither"], x)
    assert {sum(p.numel() for p in part(8).parameters()) for part in PARTS.values()} == {16}


def test_recentering_names_the_part():
    rows = experiments.recentering(["scale only"], depth=1, seeds=[0], steps=20)
    assert [(row["part"], row["step"]) for row in rows] == [("scale only", 20)]


# The shipped rows.


def test_the_shipped_runs_are_those_of_the_command():
    kept = ("placement", "depth", "seed", "warmup")
    asked = [tuple(run[key] for key in kept) for run in sweeps.training_runs()]
    assert [
        tuple(row[key] for key in kept) for row in experiments.finals(experiments.recorded("training"))
    ] == asked


@pytest.mark.parametrize("placement, depth", [("pre", 4), ("post", 8)])
def test_a_shipped_run_can_be_made_again(placement, depth):
    again = experiments.train(placement, depth, seed=1, steps=20)[0]
    kept = next(row for row in experiments.recorded("training") if {**row, "loss": 0} == {**again, "loss": 0})
    assert kept["loss"] == pytest.approx(again["loss"], abs=0.02)


def learned(placement, depth, warmup):
    rows = experiments.summary(experiments.recorded("training"))
    return next(
        (row["learned"], row["runs"])
        for row in rows
        if (row["placement"], row["depth"], row["warmup"]) == (placement, depth, warmup)
    )


def test_post_norm_learns_shallow_fails_deep_and_warm_up_saves_it_between():
    assert learned("post", 4, 0) == (5, 5)
    assert learned("post", 8, 0) == (0, 5)
    assert learned("post", 8, 100) == (5, 5)
    assert learned("post", 24, 0) == learned("post", 24, 100) == (0, 5)
    assert learned("post", 40, 0) == (0, 3)


@pytest.mark.parametrize("placement", ["pre", "deep", "sandwich"])
@pytest.mark.parametrize("depth", [4, 8, 24])
def test_the_others_learn_without_warm_up(placement, depth):
    assert learned(placement, depth, 0) == (5, 5)


@pytest.mark.parametrize("placement", ["pre", "deep"])
def test_at_40_layers_pre_and_deep_norm_still_learn(placement):
    assert learned(placement, 40, 0) == (3, 3)


def test_deep_norm_ends_below_pre_norm_where_both_learn():
    rows = [row for row in experiments.summary(experiments.recorded("training")) if row["warmup"] == 0]
    ends = {(row["placement"], row["depth"]): row for row in rows}
    for depth in (24, 40):
        assert ends["deep", depth]["worst"] < ends["pre", depth]["best"]


def test_the_mean_subtraction_changes_little_and_the_scale_much():
    ends: dict[str, list[float]] = {}
    for row in experiments.recorded("recentering"):
        if row["step"] == 300:
            ends.setdefault(row["part"], []).append(row["loss"])
    means = {part: sum(losses) / len(losses) for part, losses in ends.items()}
    assert all(len(losses) == 5 for losses in ends.values())
    assert abs(means["both"] - means["scale only"]) < 0.03
    assert min(means["centre only"], means["neither"]) > means["both"] + 0.1


@pytest.mark.slow
def test_alpha_on_the_sublayer_does_not_save_24_blocks(monkeypatch):
    """The exercise norms.deep_block says so: with alpha misplaced the network ends at letter frequencies."""

    def misplaced(self, x):
        return self.outer(x + self.alpha * self.sublayer(x))

    monkeypatch.setattr(norms.Residual, "forward", misplaced)
    final = experiments.train("deep", depth=24, seed=0, steps=300)[-1]["loss"]
    assert abs(final - FREQUENCIES) < 0.1
