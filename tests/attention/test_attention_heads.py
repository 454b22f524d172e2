"""Heads: removed from the trained model one by one, and with shared projections."""

import pytest
import torch
from glassbox import tiny
from glassbox.attention.experiments import heads
from glassbox.measured import mean_of

BYTES = 257


def test_a_removed_head_adds_nothing_and_comes_back():
    model = tiny.load().double()
    tokens = tiny.as_tokens(heads.held_out(40))[None]
    before, trace = model(tokens), {}
    everything = [(layer, head) for layer in range(2) for head in range(4)]
    with heads.without(model, everything):
        model(tokens, trace)
    assert all(trace[f"block{layer}.attention"].eq(0).all() for layer in range(2))
    assert torch.equal(model(tokens), before)
    with heads.without(model, [(1, 2)]):
        assert model.blocks[1].attention.output.weight[:, 32:48].eq(0).all()
        assert model.blocks[1].attention.output.weight[:, :32].ne(0).any()
        assert model.blocks[0].attention.output.weight[:, 32:48].ne(0).any()


def test_the_heads_come_back_after_an_error():
    model = tiny.load()
    before = model.blocks[0].attention.output.weight.clone()
    with pytest.raises(KeyError), heads.without(model, [(0, 1)]):
        raise KeyError
    assert torch.equal(model.blocks[0].attention.output.weight, before)


def test_every_head_of_the_tiny_model_is_missed():
    rows = heads.single_heads(BYTES)
    assert [(row["layer"], row["head"]) for row in rows] == [(i, j) for i in range(2) for j in range(4)]
    whole = tiny.bits_per_byte(tiny.load().double(), heads.held_out(BYTES))
    for row in rows:
        assert row["increase"] == pytest.approx(row["loss"] - whole) and row["increase"] > 0.1


def test_pruning_removes_what_is_missed_least():
    single = heads.single_heads(BYTES)
    rows = heads.prune_heads(BYTES)
    assert [row["heads"] for row in rows] == list(range(8, -1, -1))
    least = min(single, key=lambda row: row["loss"])
    assert rows[1]["removed"] == f"{least['layer']}.{least['head']}"
    assert rows[1]["loss"] == pytest.approx(least["loss"])
    assert len({row["removed"] for row in rows}) == 9
    assert rows[-1]["loss"] > rows[0]["loss"] + 3


def test_heads_with_one_query_still_look_at_different_places_and_save_no_cache():
    rows = heads.head_maps_with_shared_query(seeds=(0, 1))
    correlation = mean_of(rows, "correlation", "shared")
    cached = mean_of(rows, "cached_numbers", "shared")
    assert abs(correlation["query"]) < 0.2 and abs(correlation["key"]) < 0.2
    assert correlation["query and key"] == pytest.approx(1)
    assert cached["query"] == cached["nothing"] == 2 * 8 * 16
    assert cached["key and value"] == cached["nothing"] / 8
