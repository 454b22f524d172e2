"""What notebook 03 says of the shipped sweeps, held to their rows with margins and against the noise."""

import pytest
from glassbox.attention import experiments
from glassbox.measured import mean_of


def rows(name, **setting):
    """Return the rows of a sweep that have these values."""
    return [row for row in experiments.recorded(name) if all(row[key] == setting[key] for key in setting)]


def gaps(comparison, base):
    """Return {variant: how it ends against the base variant}, seed by seed."""
    found = experiments.against(rows("quality", comparison=comparison), "variant", base)
    return {row["variant"]: row for row in found}


def ends(comparison):
    """Return {variant: mean, deviation, least, most of the runs' last held-out loss}."""
    return {
        row["variant"]: row for row in experiments.summary(rows("quality", comparison=comparison), "variant")
    }


# Quality.


def test_at_equal_width_fewer_key_heads_cost_about_as_much_as_the_seed_does():
    found, gap = ends("width"), gaps("width", "MHA")
    assert found["MHA"]["mean"] < found["GQA"]["mean"] < found["MQA"]["mean"]
    assert 0.005 < gap["MQA"]["mean"] < 0.03
    noise = found["MHA"]["most"] - found["MHA"]["least"]
    assert gap["MQA"]["mean"] < noise
    assert gap["GQA"]["above"] < 5 and gap["MQA"]["above"] < 5


def test_a_wider_feed_forward_does_not_repay_what_multi_query_attention_saves():
    gap = gaps("parameters", "MHA")
    assert gap["MQA"]["above"] == 5 and gap["MQA"]["mean"] > 3 * gap["MQA"]["error"]
    assert gap["GQA"]["mean"] < 2 * gap["GQA"]["error"]
    assert ends("parameters")["MQA"]["mean"] > ends("width")["MQA"]["mean"] - 0.01


def test_for_the_same_cache_many_queries_on_few_keys_beat_few_or_narrow_heads():
    gap = gaps("cache", "GQA")
    for name in ("MHA, narrow heads", "MHA, few heads"):
        assert gap[name]["above"] == 5 and gap[name]["mean"] > 0.08
    assert gap["MQA"]["above"] == 0 and gap["MQA"]["mean"] < -0.04


def test_latent_attention_is_level_with_grouped_at_its_head_size_and_below_it_with_wider_heads():
    gap = gaps("cache", "GQA")
    assert abs(gap["MLA"]["mean"]) < 2 * gap["MLA"]["error"] and 0 < gap["MLA"]["above"] < 5
    assert gap["MLA, heads of 16"]["above"] == 0 and gap["MLA, heads of 16"]["mean"] < -0.02


def test_multi_query_attention_with_wide_heads_is_at_least_level_with_latent_attention_and_a_whole_cache():
    gap, found = gaps("cache", "MQA"), ends("cache")["MQA"]
    level = gap["MLA, heads of 16"]
    assert 0 < level["mean"] < 2 * level["error"]
    for whole in ("MHA", "MHA, 4 heads of 16"):
        assert found["mean"] < ends("width")[whole]["mean"] - 0.02


def test_wider_heads_help_a_little_at_the_same_width_and_cache():
    gap = gaps("width", "MHA")["MHA, 4 heads of 16"]
    assert gap["above"] == 0 and 0.005 < -gap["mean"] < 0.03


# Conversion.


def conversions(method, step, kv_heads=2):
    """Return the loss of each seed."""
    found = rows("conversion", method=method, kv_heads=kv_heads, step=step)
    return [row["held_out"] for row in found]


def below(some, others, margin=0.0):
    """Tell whether each of `some` is below its partner by a margin."""
    return all(a < b - margin for a, b in zip(some, others, strict=True))


def test_right_after_the_conversion_the_mean_is_not_the_best_choice():
    assert below(conversions("first head", 0, 4), conversions("mean", 0, 4), margin=0.1)
    for method in ("mean", "first head"):
        for kv_heads in (4, 2, 1):
            assert below(conversions("not converted", 0, 8), conversions(method, 0, kv_heads), margin=0.5)
            assert below(conversions(method, 0, kv_heads), conversions("random", 0, kv_heads), margin=0.1)


def test_after_recovery_the_mean_is_best_and_random_heads_are_far_behind():
    mean, first, random = (conversions(method, 200) for method in ("mean", "first head", "random"))
    assert below(mean, first, margin=0.01)
    assert below(first, random, margin=0.1)


def test_half_the_first_training_again_does_not_bring_back_what_the_conversion_took():
    assert below(conversions("not converted", 200, 8), conversions("mean", 200), margin=0.1)
    scratch = [row["held_out"] for row in rows("quality", comparison="width", variant="GQA", step=400)][:3]
    assert below(scratch, conversions("mean", 200), margin=0.03)


# Two lookups.


def accuracy(slots, readout, heads):
    found = experiments.accuracies(rows("lookups", slots=slots, readout=readout, heads=heads))
    return found[0]


@pytest.mark.parametrize("slots", [8, 32])
def test_one_head_before_a_linear_readout_answers_one_of_two_questions_and_two_heads_both(slots):
    assert 0.1 < accuracy(slots, "linear", 1)["least"] < accuracy(slots, "linear", 1)["most"] < 0.2
    assert accuracy(slots, "linear", 2)["least"] > 0.99


def test_the_two_heads_look_at_the_two_places_asked_for():
    for seed in range(3):
        maps = rows("lookups", slots=32, readout="linear", heads=2, seed=seed)
        shares = sorted((row["first"], row["second"]) for row in maps)
        assert shares[0][1] > 0.9 and shares[1][0] > 0.9


def test_one_head_may_read_two_places_at_unequal_weights_if_the_readout_is_not_linear_and_may_not_learn_it():
    runs = rows("lookups", slots=8, readout="two layers", heads=1)
    able = [row for row in runs if row["accuracy"] == 1.0]
    assert len(able) == 2 and len(runs) == 3
    for row in able:
        assert sorted((row["first"], row["second"])) == pytest.approx([0.25, 0.67], abs=0.05)
    assert accuracy(8, "two layers", 1)["least"] < 0.2
    assert accuracy(8, "two layers", 2)["least"] == 1.0


def test_with_heads_of_two_numbers_the_lookup_among_32_slots_suffers():
    for readout in ("linear", "two layers"):
        assert accuracy(32, readout, 8)["least"] > 0.98
        assert accuracy(32, readout, 16)["most"] < 0.7


# Priors.


def early(kind):
    return next(row for row in experiments.summary(rows("prior", kind=kind), "kind"))


def test_any_hint_of_distance_beats_the_mask_alone_early_on():
    for kind in ("RoPE", "Gaussian prior", "distance prior", "Gaussian alone"):
        assert early(kind)["most"] < early("nothing")["least"] - 0.15


def test_a_prior_that_compares_nothing_is_early_on_as_good_as_one_that_compares():
    alone, added = early("Gaussian alone"), early("Gaussian prior")
    assert abs(alone["mean"] - added["mean"]) < max(alone["deviation"], added["deviation"])


def test_a_distance_prior_on_top_of_rotation_helps():
    assert early("RoPE and distance prior")["most"] < early("RoPE")["least"] - 0.05


def test_only_a_prior_gives_heads_of_different_reach_so_early():
    for row in rows("prior", step=30):
        near = row["farthest"] / row["nearest"]
        assert near > 6 if "prior" in row["kind"] or "alone" in row["kind"] else near < 1.5


# Reversal.


def reversed_at(score, length):
    return [row["accuracy"] for row in rows("reversal", score=score, length=length)]


def test_without_attention_accuracy_falls_with_length_and_with_it_hardly():
    assert min(reversed_at("none", 4)) > 0.9 and max(reversed_at("none", 12)) < 0.55
    assert min(reversed_at("additive", 12)) > 0.95 and min(reversed_at("dot product", 12)) > 0.8


def test_beyond_the_trained_lengths_additive_attention_still_reads():
    assert min(reversed_at("additive", 20)) > 0.8
    assert max(reversed_at("none", 20)) < 0.35
    assert max(reversed_at("dot product", 20)) < min(reversed_at("additive", 20))


def test_the_alignment_of_both_scores_is_the_mirrored_diagonal():
    assert experiments.looks_mirrored(rows("alignment")) == {"additive": 1.0, "dot product": 1.0}


# Stability.


def spread(kv_heads, peak):
    found = experiments.gradient_spread(rows("stability", kv_heads=kv_heads, peak=peak))
    return found[0]


def test_at_this_size_one_key_head_shows_no_wilder_gradients_than_eight():
    for peak in (8e-3, 1e-1):
        eight, one = spread(8, peak), spread(1, peak)
        assert 0.8 < one["largest"] / eight["largest"] < 1.1
        assert one["worst"] < 1.2 * eight["worst"]


def test_a_rate_twelve_times_too_high_costs_loss_but_no_run_diverges():
    for kv_heads in (8, 1):
        assert spread(kv_heads, 1e-1)["least"] > spread(kv_heads, 8e-3)["most"] - 0.02
        assert spread(kv_heads, 1e-1)["most"] < 2.6


def test_a_training_step_takes_about_as_long_with_one_key_head_as_with_eight():
    assert experiments.step_time(rows("stability")) == pytest.approx(1, abs=0.15)


# Sharing.


def test_one_query_for_all_heads_saves_no_cache_and_costs_the_most():
    found = {row["shared"]: row for row in experiments.against(rows("sharing"), "shared", "nothing")}
    assert found["queries"]["above"] == 3 and found["queries"]["mean"] > 0.03
    for name in ("keys", "values", "keys and values"):
        assert abs(found[name]["mean"]) < 0.02
    cached = {row["shared"]: row["cached"] for row in rows("sharing")}
    assert cached["queries"] == cached["nothing"] == 8 * cached["keys and values"]


def test_heads_with_one_query_look_no_more_alike_than_heads_with_their_own():
    alike = mean_of(experiments.finals(rows("sharing")), "alike", "shared")
    assert max(alike.values()) < 0.35
    assert alike["queries"] < alike["nothing"] + 0.03


# The time of a token.


def test_with_a_cache_the_time_of_a_token_grows_less_than_without():
    times = rows("decode_time")
    for kv_heads in (8, 1):
        cached, recomputed = (experiments.growth(times, form, kv_heads) for form in ("cached", "recomputed"))
        assert recomputed > 2 * cached
        (there,) = rows("decode_time", form="recomputed", kv_heads=kv_heads, length=1024)
        (kept,) = rows("decode_time", form="cached", kv_heads=kv_heads, length=1024)
        assert there["seconds"] > 4 * kept["seconds"]
