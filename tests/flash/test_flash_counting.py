"""Counts of tiled attention: formulas against what runs, and against a memory that counts."""

import math

import pytest
import torch
from glassbox import flash
from glassbox.attention import scaled_dot_product_attention
from glassbox.attention.experiments.counting import counted
from glassbox.attention.masks import causal, documents, sliding_window
from glassbox.flash import counting, experiments, orders
from glassbox.tiny.seeds import normal


def inputs(t=8, n=12, d=3, e=5):
    return normal((1, 1, t, d), 0), normal((1, 1, n, d), 1), normal((1, 1, n, e), 2)


def test_tiling_does_not_change_the_multiply_adds():
    rows = experiments.multiply_adds()
    assert {row["multiply_adds"] for row in rows} == {67_108_864} == {1024**2 * 64}
    assert counting.tile_products(1024, 32, 64) != round(1024**1.5 * 64)
    assert counting.tile_products(10, 4, 3) == 300  # the last block is shorter


def test_the_multiply_adds_that_run_are_those_of_two_products():
    q = normal((1, 1, 1024, 64), 0, torch.float32)
    ran = counted(lambda: flash.tiled_attention(q, q, q, query_block=32, key_block=32))
    assert (
        ran
        == 2 * counting.tile_products(1024, 32, 64)
        == counted(lambda: scaled_dot_product_attention(q, q, q))
    )


@pytest.mark.parametrize("mask", [None, causal()])
def test_both_loop_orders_equal_attention(mask):
    expected = scaled_dot_product_attention(*inputs(), mask, return_lse=True)
    for walk in (orders.queries_outside, orders.keys_outside):
        got = walk(*inputs(), 3, 4, mask).attended
        assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(got, expected, strict=True))


def test_keys_outside_stores_each_block_once_per_key_block_and_queries_outside_once():
    inner, outer = orders.keys_outside(*inputs(), 2, 4), orders.queries_outside(*inputs(), 2, 4)
    assert dict(inner.memory.stores) == {(name, block): 3 for name in "oml" for block in range(4)}
    assert dict(outer.memory.stores) == {(name, block): 1 for name in ("o", "lse") for block in range(4)}
    assert all(inner.memory.loads[name, 0] == 3 for name in "qoml") and inner.memory.loads["k", 2] == 1
    assert outer.memory.loads["q", 0] == 1 and outer.memory.loads["k", 2] == 4


def test_keys_outside_changes_the_first_output_until_the_last_block():
    first = orders.keys_outside(*inputs(), 2, 4).first_output
    assert len(first) == 3 and not any(torch.allclose(output, first[2]) for output in first[:2])
    expected = scaled_dot_product_attention(*inputs())[:, :, :2]
    assert torch.allclose(first[2][:, :, 0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t, n, block", [(8, 12, 4), (7, 10, 4), (5, 5, 8)])
def test_the_formulas_for_bytes_are_what_the_memory_counts(t, n, block):
    case = inputs(t, n)
    outer, inner = orders.queries_outside(*case, block, 2), orders.keys_outside(*case, 2, block)
    assert 4 * outer.memory.moved == counting.queries_outside_bytes(t, n, 3, 5, block)
    assert 4 * inner.memory.moved == counting.keys_outside_bytes(t, n, 3, 5, block)


def test_naive_attention_moves_the_scores_four_times():
    assert counting.naive_bytes(1000, 1000, 1, 1, 2) == 2 * (4_000_000 + 4_000)


def test_a_long_sequence_saves_and_a_single_query_saves_almost_nothing():
    n, d = 8192, 128
    assert counting.naive_bytes(n, n, d, d) / counting.queries_outside_bytes(n, n, d, d, n // 8) > 10
    assert counting.naive_bytes(1, n, d, d) / counting.queries_outside_bytes(1, n, d, d, 128) < 1.02


def test_visible_tiles():
    assert counting.visible_tiles(8, 8, 2, 2) == 16 and counting.visible_tiles(8, 8, 2, 2, causal()) == 10
    assert counting.visible_tiles(2, 8, 2, 2, causal()) == 4
    assert counting.visible_tiles(8, 8, 2, 2, causal() & sliding_window(1)) == 4
    two = documents(torch.tensor([[0, 0, 1, 1], [0, 0, 0, 0]]))
    assert counting.visible_tiles(4, 4, 2, 2, two) == 2 + 4


def test_the_worked_instance():
    first, second = experiments.worked_instance()
    assert first == {
        "group": 1,
        "scores": [1, 2],
        "m": 2,
        "l": pytest.approx(1 + math.exp(-1), rel=1e-15),
        "keep": 0,
    }
    whole = sum(math.exp(score - 4) for score in (1, 2, 3, 4))
    assert second["m"] == 4 and second["l"] == pytest.approx(whole, rel=1e-15)
    assert second["keep"] == pytest.approx(math.exp(-2), rel=1e-15)
    assert len(experiments.worked_instance((5, 1, 1), 2)) == 2


def test_rows_of_the_experiments():
    stores = {(row["order"], row["part"]): row["stores"] for row in orders.store_rows()}
    expected = {("keys_outside", part): 4 for part in "lmo"} | {
        ("queries_outside", part): 1 for part in ("lse", "o")
    }
    assert stores == expected
    rows = experiments.traffic()
    long = {row["order"]: row["bytes"] for row in rows if row["length"] == 8192}
    assert len(rows) == 9 and long["naive"] > long["keys outside"] > long["queries outside"]
    assert round(long["naive"] / long["queries outside"], 1) == 2.0


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="block: expected a whole number >= 1"):
        counting.tile_products(8, 0, 4)
    with pytest.raises(TypeError, match="item"):
        counting.naive_bytes(8, 8, 4, 4, 0.5)
    with pytest.raises(ValueError, match="group"):
        experiments.worked_instance(group=0)
    with pytest.raises(ValueError, match="scores"):
        experiments.worked_instance(())
