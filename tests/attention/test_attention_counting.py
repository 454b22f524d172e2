"""Costs: the formulas, what ran, and torch's own counter agree; what is quadratic and what is not."""

import pytest
import torch
from glassbox.attention import MultiHeadAttention
from glassbox.attention.experiments import counting
from glassbox.measured import loglog_slope
from glassbox.tiny.seeds import normal
from torch.utils.flop_counter import FlopCounterMode


def pick(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_formula_count_and_torchs_counter_agree(kv_heads):
    rows = counting.complexity((16, 48), 32, 4, kv_heads)
    assert all(row["counted"] == row["multiply_adds"] for row in rows)
    layer = MultiHeadAttention(32, 4, kv_heads)
    for length in (16, 48):
        with FlopCounterMode(display=False) as counter:
            layer(normal((1, length, 32), 0, torch.float32))
        both = sum(row["counted"] for row in pick(rows, length=length))
        assert counter.get_total_flops() == 2 * both


def test_the_parts_of_mha_are_equal_at_twice_the_width():
    parts = {row["part"]: row["counted"] for row in counting.complexity((64,), 32)}
    assert parts["projections"] == parts["attention"] == 4 * 64 * 32**2


def test_fewer_key_heads_save_projections_and_no_attention():
    mha, mqa = (counting.complexity((64,), 32, 4, kv_heads) for kv_heads in (4, 1))
    assert [row["counted"] for row in pick(mha, part="attention")] == [2 * 64**2 * 32]
    assert pick(mha, part="attention") == pick(mqa, part="attention")
    assert pick(mqa, part="projections")[0]["counted"] == 2.5 * 64 * 32**2


def test_the_counter_sees_every_way_to_write_a_product():
    a, b = torch.ones(3, 4, 5), torch.ones(5, 6)
    for call in (
        lambda: a @ b,
        lambda: a.matmul(b),
        lambda: torch.matmul(a, b),
        lambda: torch.nn.functional.linear(a, b.T),
    ):
        assert counting.counted(call) == 3 * 4 * 5 * 6
    assert counting.counted(lambda: a * 2) == 0


def test_saved_bytes_are_what_the_operations_keep():
    n, heads, d = 128, 4, 16
    kept = {row["form"]: row["bytes"] for row in counting.saved_bytes((n,), heads, d)}
    qkv, weights = 3 * heads * n * d * 4, heads * n * n * 4
    assert kept["every step kept"] == qkv + weights + n * n  # the softmax's weights, the mask's bytes
    assert kept["torch's fused"] == qkv + heads * n * d * 4 + heads * n * 4  # the output, the log-sum-exp


def test_kept_bytes_are_quadratic_unless_the_weights_are_computed_again():
    rows = counting.saved_bytes()
    assert 1.8 < loglog_slope(pick(rows, form="every step kept"), "bytes", "length") < 2
    assert loglog_slope(pick(rows, form="torch's fused"), "bytes", "length") == pytest.approx(1)


def test_one_product_for_three_reads_x_once_and_changes_nothing():
    three, fused = counting.projections(64, 4, 2, 32)
    assert three == {"form": "three", "matmuls": 3, "bytes_read": 3 * 64 * 32 * 8, "equal": True}
    assert fused == {"form": "fused", "matmuls": 1, "bytes_read": 64 * 32 * 8, "equal": True}


def test_softmax_does_not_know_the_head_size_and_the_products_do():
    rows = counting.softmax_cost()
    assert {row["operations"] for row in pick(rows, part="softmax")} == {256**2}
    for part in ("scores", "values"):
        assert loglog_slope(pick(rows, part=part), "operations", "size") == pytest.approx(1)


def test_self_attention_compares_every_token_with_every_token():
    rows = counting.compared_pairs()
    assert rows[0]["entries"] == 64**2
    for column in ("entries", "multiply_adds"):
        assert loglog_slope(rows, column, "length") == pytest.approx(2)


def test_a_relative_bias_takes_no_score_away_and_a_window_does():
    rows = counting.score_entries((64, 128), window=16)
    entries = {(row["pattern"], row["length"]): row["entries"] for row in rows}
    assert entries["dense with a relative bias", 128] == entries["dense", 128] == 128**2
    assert entries["causal", 128] == 128 * 129 // 2
    assert entries["causal window", 128] == 128 * 16 - 15 * 16 // 2


def test_sharing_keys_saves_few_parameters_and_much_cache():
    rows = {row["kv_heads"]: row for row in counting.sharing_saves()}
    one, all_heads = rows[1], rows[8]
    assert (all_heads["block_share"], round(one["block_share"], 3)) == (0, 0.146)
    assert one["parameters_saved"] == 1.75 * 512**2
    assert all_heads["cache_bytes"] == 8 * one["cache_bytes"] == 8192 * all_heads["bytes_per_token"]
    assert one["bytes_per_token"] == 2 * 64 * 2
