"""The untrained stacks: how the stream and the gradients go with depth for each placement."""

import math

import pytest
import torch
from glassbox.norms import experiments
from glassbox.norms.modules import PLACEMENTS
from glassbox.norms.toy import ToyTransformer, next_byte_loss

DEPTHS, SEEDS = (4, 8, 16), (0, 1)


@pytest.fixture(scope="module")
def rows():
    return experiments.signal_sweep(("post", "pre", "deep", "sandwich", "res-post"), DEPTHS, seeds=SEEDS)


@pytest.fixture(scope="module")
def updates():
    return experiments.model_update(depths=DEPTHS, seeds=SEEDS)


def test_there_is_one_row_per_layer_of_each_network(rows):
    assert len(rows) == 5 * len(SEEDS) * sum(DEPTHS)
    assert rows[0].keys() == {
        "placement", "depth", "gain", "seed", "layer", "stream_rms", "relative_update",
        "token_cosine", "grad_norm",
    }  # fmt: skip
    assert all(math.isfinite(row[name]) for row in rows for name in ("stream_rms", "grad_norm"))


def test_the_same_arguments_give_the_same_rows(rows):
    again = experiments.signal_sweep(("pre",), (4,), seeds=(1,))
    expected = [row for row in rows if (row["placement"], row["depth"], row["seed"]) == ("pre", 4, 1)]
    for row, other in zip(again, expected, strict=True):
        assert {**row, "placement": 0} == pytest.approx({**other, "placement": 0}, rel=1e-9)


# Top-layer gradients: flat for post-norm, as one over the root of the depth for the others.
EXPECTED = {"post": (-0.15, 0.35), "pre": (-0.65, -0.3), "deep": (-0.6, -0.35), "sandwich": (-0.75, -0.3)}


@pytest.mark.parametrize("placement", EXPECTED)
def test_top_gradient_against_depth(rows, placement):
    low, high = EXPECTED[placement]
    assert low < experiments.slopes(experiments.top_layers(rows))[placement] < high


def test_the_stream_grows_where_nothing_pins_it(rows):
    slopes = experiments.slopes(experiments.top_layers(rows), "stream_rms")
    assert slopes["post"] == pytest.approx(0, abs=1e-6)
    assert slopes["deep"] == pytest.approx(0, abs=1e-6)
    assert all(0.35 < slopes[placement] < 0.75 for placement in ("pre", "sandwich", "res-post"))


def test_a_higher_layer_of_a_pre_norm_stack_moves_the_stream_less(rows):
    deep = [row for row in rows if row["placement"] == "pre" and row["depth"] == 16]
    assert experiments.loglog_slope(deep, "relative_update", "layer") == pytest.approx(-0.5, abs=0.25)


def test_deep_norm_is_flat_across_its_layers_and_pre_norm_is_not(rows):
    def across(placement):
        return experiments.loglog_slope(
            [row for row in rows if row["placement"] == placement and row["depth"] == 16],
            "grad_norm",
            "layer",
        )

    assert abs(across("deep")) < 0.1
    assert across("pre") < -0.2


def test_post_norm_mixes_the_tokens_up_as_it_gets_deeper(rows):
    def top(placement, depth):
        chosen = [row for row in experiments.top_layers(rows) if row["placement"] == placement]
        return [row["token_cosine"] for row in chosen if row["depth"] == depth]

    assert min(top("post", 16)) > max(top("post", 4)) > max(top("deep", 16))
    assert max(top("deep", 16)) < 0.2


def test_the_initial_gain_sets_the_stream(rows):
    small, large = (
        experiments.top_layers(experiments.signal_sweep(("pre",), (4,), (gain,), (0,)))[0]["stream_rms"]
        for gain in (0.5, 2.0)
    )
    assert small < 1.5 < 4 < large


def test_update_of_the_matrices_is_flat_for_deep_norm_and_explodes_for_post_norm(updates):
    slopes = experiments.slopes([row for row in updates if row["moving"] == "matrices"], "update")
    assert abs(slopes["deep"]) < 0.2
    assert slopes["post"] > 1.2
    assert slopes["deep"] < slopes["pre"] < slopes["post"]


def test_update_of_the_norms_is_outside_deep_norms_bound(updates):
    slopes = experiments.slopes([row for row in updates if row["moving"] == "norms"], "update")
    assert 0.7 < slopes["deep"] < 1.2


def test_updates_show_the_scales_they_come_from(updates):
    row = next(row for row in updates if row["placement"] == "deep" and row["depth"] == 8)
    assert (row["alpha"], row["beta"]) == pytest.approx((2.0, 0.5 / 2**0.5))
    assert next(row for row in updates if row["placement"] == "pre")["alpha"] == 1


def test_token_cosine_is_one_for_equal_tokens_and_zero_for_right_angles():
    assert experiments.token_cosine(torch.ones(4, 3)) == pytest.approx(1)
    assert experiments.token_cosine(torch.eye(4)) == pytest.approx(0)
    assert experiments.token_cosine(torch.tensor([[1.0, 0.0], [-2.0, 0.0]])) == pytest.approx(-1)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_toy_is_causal(placement):
    model = ToyTransformer(2, placement)
    tokens = torch.arange(12)[None]
    changed = tokens.clone()
    changed[0, 8:] = 77
    assert torch.equal(model(tokens)[:, :8], model(changed)[:, :8])
    assert not torch.equal(model(tokens)[:, 8:], model(changed)[:, 8:])


@pytest.mark.parametrize(
    "placement, norm", [("pre", "LayerNorm"), ("post", "Identity"), ("deep", "Identity")]
)
def test_a_final_norm_only_where_the_last_block_does_not_end_in_one(placement, norm):
    assert type(ToyTransformer(2, placement).final).__name__ == norm


def test_the_untrained_toy_is_near_even_odds():
    model = ToyTransformer(2)
    window = torch.arange(33)[None]
    assert next_byte_loss(model, window).item() == pytest.approx(math.log(256), abs=0.5)


def test_the_trace_is_the_stream_before_each_layer_and_at_the_end():
    model, trace = ToyTransformer(3), []
    model(torch.arange(5)[None], trace)
    assert len(trace) == 4
    assert torch.equal(trace[0], model.embed(torch.arange(5)[None]))


def gradients(factors):
    """Rows of a deep network whose first gradient is that of its seed's shallow one times a factor."""
    return [
        {"placement": "post", "depth": depth, "gain": gain, "seed": seed, "layer": layer}
        | {"grad_norm": gain * (seed + 1) * (factor if depth == 4 and layer == 1 else 1)}
        for gain in (0.5, 1.0)
        for seed, factor in enumerate(factors)
        for depth in (2, 4)
        for layer in range(1, depth + 1)
    ]


def test_the_gradient_changes_seed_by_seed():
    found = experiments.gradient_change(2, 4, range(3), gradients([0.5, 4.0, 1.5]))
    assert found == [
        {"placement": "post", "block": "first", "median": 1.5, "least": 0.5, "most": 4.0},
        {"placement": "post", "block": "last", "median": 1.0, "least": 1.0, "most": 1.0},
    ]
    assert experiments.gradient_change(2, 4, [1], gradients([0.5, 4.0, 1.5]))[0]["least"] == 4.0


@pytest.mark.parametrize(
    "bad, name", [({"shallow": 3}, "shallow"), ({"deep": 9}, "deep"), ({"seeds": [7]}, "seeds")]
)
def test_a_change_of_what_was_not_run_is_refused(bad, name):
    arguments = {"shallow": 2, "deep": 4, "seeds": [0], "rows": gradients([1.0])} | bad
    with pytest.raises(ValueError, match=f"^{name}: expected one of the rows"):
        experiments.gradient_change(**arguments)


def test_the_update_changes_seed_by_seed_and_matrices_alone_count():
    rows = [
        {"placement": "deep", "depth": depth, "seed": seed, "moving": moving, "update": update}
        for seed, deep in enumerate((3.0, 8.0))
        for moving, factor in (("matrices", 1), ("norms", 100))
        for depth, update in ((4, 1.0 + seed), (32, factor * deep))
    ]
    assert experiments.update_change(seeds=(0, 1), rows=rows) == [
        {"placement": "deep", "median": 3.5, "least": 3.0, "most": 4.0}
    ]
