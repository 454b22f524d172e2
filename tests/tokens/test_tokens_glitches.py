"""Tokens that the model never met: which they are, where their vectors are, and the shipped rows."""

from importlib import import_module
from math import prod

import pytest
import torch
from glassbox.attention.experiments.training import rate
from glassbox.tokens import experiments

# The package exports a function of the same name as this module.
module = import_module("glassbox.tokens.experiments.glitches")

ROWS = experiments.recorded("glitches")
NEIGHBOURS = experiments.recorded("glitch_neighbours")


def of(setup, group, column):
    found = [row[column] for row in ROWS if (row["setup"], row["group"]) == (setup, group)]
    assert len(found) == 3
    return found


@pytest.fixture(scope="module")
def groups():
    return experiments.token_groups()


def test_no_unseen_token_is_in_the_stories_and_every_seen_one_is_frequent(groups):
    ids = list(module._ids())
    assert not set(groups["unseen"]) & set(ids)
    assert all(ids.count(token) >= module.FREQUENT for token in groups["seen"][::20])
    assert (len(groups["unseen"]), len(groups["seen"])) == (447, 496)


def test_unseen_tokens_are_bytes_tokens_of_other_text_and_steps_on_the_way_to_longer_ones(groups):
    reasons = experiments.origins()
    assert reasons == {"a byte": 187, "other text": 243, "only in longer tokens": 17}
    tokenizer = experiments.wide_tokenizer()
    alone = set(tokenizer.encode(module.wide_text()))
    on_the_way = [t for t in groups["unseen"] if module.origin(t) == "only in longer tokens"]
    parts = {part for merge in tokenizer.model.merges for part in merge[:2]}
    assert not alone & set(on_the_way) and set(on_the_way) <= parts


def test_neighbours_are_those_of_the_largest_cosine():
    table = torch.tensor([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [-1.0, 0.0]])
    assert module.nearest(table, [0, 3], 2).tolist() == [[1, 2], [2, 1]]
    assert module.cosines(table, [0])[0].tolist() == pytest.approx([1, 0.9988, 0, -1], abs=1e-4)


def test_an_untied_table_keeps_the_start_of_what_was_never_read_and_a_decayed_one_shrinks_it(groups):
    start = module.trained("untied", 0, 1).start
    for setup in ("untied", "decayed"):
        weight = module.trained(setup, 0, 4).model.embed.weight
        left = prod(1 - module.SETUPS[setup][0] * rate(step, 4, module.PEAK) for step in range(4))
        unseen = groups["unseen"]
        torch.testing.assert_close(weight[unseen], left * start[unseen], rtol=1e-6, atol=0)
        assert not torch.allclose(weight[groups["seen"]], left * start[groups["seen"]], rtol=1e-3)


def test_a_tied_model_has_one_table_and_moves_what_it_never_read(groups):
    run = module.trained("tied", 0, 4)
    assert run.model.head.weight is run.model.embed.weight
    assert (run.model.embed.weight - run.start)[groups["unseen"]].abs().amax(1).min() > 1e-4


def test_the_rows_have_the_shipped_columns():
    rows = experiments.glitches(("untied",), (0,), steps=4)
    assert [row.keys() for row in rows] == [ROWS[0].keys()] * 2
    assert rows[0]["moved"] == 0 and rows[1]["moved"] > 0
    again = experiments.glitch_neighbours(("tied",), 0, 2, steps=4)
    assert {row["table"] for row in again} == {"output"} and len(again) == 2 * 2 * module.NEAREST
    assert again[0].keys() == NEIGHBOURS[0].keys()


# The shipped rows.


def test_the_shipped_rows_cover_three_seeds_of_every_setup():
    runs = [(row["setup"], row["seed"], row["group"]) for row in ROWS]
    wanted = [(setup, seed, group) for setup in module.SETUPS for seed in range(3) for group in module.GROUPS]
    assert runs == wanted
    assert {row["step"] for row in ROWS} == {module.STEPS}
    assert {(row["group"], row["tokens"]) for row in ROWS} == {("unseen", 447), ("seen", 496)}


def test_the_shipped_decay_is_that_of_the_schedule():
    left = prod(1 - 0.1 * rate(step, module.STEPS, module.PEAK) for step in range(module.STEPS))
    assert of("decayed", "unseen", "moved") == pytest.approx([1 - left] * 3, rel=2e-3)
    assert of("untied", "unseen", "moved") == [0, 0, 0]
    other = prod(1 - 0.1 * module.PEAK for _ in range(module.STEPS))
    assert 1 - other != pytest.approx(1 - left, rel=0.1), "a constant rate would be seen"


def test_in_an_input_table_of_its_own_an_untrained_vector_has_neighbours_by_chance():
    chance = 446 / 1023
    for setup in ("untied", "decayed"):
        assert of(setup, "unseen", "input_neighbours") == pytest.approx([chance] * 3, abs=0.05)
        assert of(setup, "unseen", "output_neighbours") > [0.95] * 3


def test_output_vectors_of_tokens_never_met_are_nearly_one():
    for setup in module.SETUPS:
        assert min(of(setup, "unseen", "output_alike")) > 0.97
        assert max(of(setup, "seen", "output_alike")) < 0.06
        assert min(of(setup, "unseen", "output_neighbours")) > 0.95
        assert max(of(setup, "seen", "output_neighbours")) < 0.03


def test_in_a_tied_table_the_tokens_never_met_moved_furthest():
    """They do not stay at their start: every step pushes all of them the same way."""
    unseen, seen = (of("tied", group, "moved") for group in module.GROUPS)
    assert min(unseen) > 1.7 * max(seen)
    assert min(of("tied", "unseen", "norm")) > 1.7 * max(of("tied", "seen", "norm"))
    assert min(of("tied", "unseen", "input_neighbours")) > 0.95


def test_a_model_can_read_such_a_token_and_not_say_it():
    for setup in module.SETUPS:
        assert max(of(setup, "unseen", "most_probable")) < 1e-3
        assert min(of(setup, "seen", "most_probable")) > 10 * max(of(setup, "unseen", "most_probable"))


def test_a_wrong_common_word_misleads_more_than_a_token_never_met():
    """Both spoil the next prediction; the unknown one leaves it in doubt, the wrong one sure of itself."""
    for setup in ("untied", "decayed"):
        kept, unseen = (of(setup, "unseen", name) for name in ("bits_kept", "bits_after"))
        assert min(unseen) > max(kept) + 2
        assert max(unseen) + 0.5 < min(of(setup, "seen", "bits_after"))
        assert min(of(setup, "unseen", "entropy_after")) > max(of(setup, "seen", "entropy_after")) + 1


def test_neighbours_are_shipped_for_eight_tokens_of_each_group_and_table():
    runs = {(row["setup"], row["table"], row["group"], row["token"]) for row in NEIGHBOURS}
    tables = {(setup, table) for setup in ("untied", "decayed") for table in ("input", "output")}
    settings = {(run[0], run[1]) for run in runs}
    assert settings == tables | {("tied", "output")} and len(runs) == 5 * 2 * 8
    assert len(NEIGHBOURS) == module.NEAREST * len(runs)


def test_the_shipped_neighbours_are_unseen_in_the_output_and_whatever_comes_in_the_input(groups):
    shares = {}
    for table in ("input", "output"):
        found = [r for r in NEIGHBOURS if r["group"] == "unseen" and r["table"] == table]
        shares[table] = sum(row["neighbour"] in groups["unseen"] for row in found) / len(found)
        assert all(-1 <= row["cosine"] <= 1 for row in found)
    assert shares["output"] > 0.95 and 0.2 < shares["input"] < 0.7
    closest = [r for r in NEIGHBOURS if r["table"] == "output" and r["rank"] == 1]
    for row in closest:
        assert (row["cosine"] > 0.97) == (row["group"] == "unseen"), row
