"""The families on the tiny model's heads: exact where they should be, counted right, and honestly bad."""

import pytest
import torch
from glassbox import tiny
from glassbox.attention import scaled_dot_product_attention
from glassbox.attention.api.summarised import two_level_attention
from glassbox.attention.experiments.families import averaging, compression, families, inside, two_level_pairs
from glassbox.attention.experiments.traced import maps, relative_error, traced_heads
from glassbox.attention.masks import causal
from glassbox.tiny.seeds import normal
from glassbox.tiny.text import stories


@pytest.fixture(scope="module")
def rows():
    return families(128)


def pick(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_the_traced_heads_are_those_of_the_model():
    q, k, v = traced_heads(40)
    model, trace = tiny.load().double(), {}
    model(tiny.as_tokens(stories()[:40])[None], trace)
    assert q.shape == k.shape == v.shape == (2, 4, 40, 16)
    mixed = scaled_dot_product_attention(q, k, v, causal())
    for layer, block in enumerate(model.blocks):
        written = block.attention.output(mixed[layer].transpose(0, 1).flatten(1))
        assert torch.allclose(written, trace[f"block{layer}.attention"][0], atol=1e-10)
    assert torch.allclose(maps(traced_heads(40)) @ v, mixed, atol=1e-12)


def test_every_family_has_a_row_and_exact_attention_is_the_reference(rows):
    assert len({row["family"] for row in rows}) == 7
    assert rows[0] == {
        "family": "exact",
        "method": "softmax",
        "setting": 0,
        "mask": "causal",
        "multiply_adds": 1,
        "error": 0,
    }
    assert all(row["error"] > 1e-3 and row["multiply_adds"] > 0 for row in rows[1:])


@pytest.mark.parametrize("method", ["window", "hashing", "clustered queries", "projection"])
def test_more_work_is_less_error(rows, method):
    tried = pick(rows, method=method)
    assert tried[-1]["error"] < tried[0]["error"]
    work = [row["multiply_adds"] for row in tried]
    assert work == sorted(work) and work[0] < work[-1]


def test_a_window_fits_heads_that_look_near_and_blind_means_do_not(rows):
    assert pick(rows, method="window", setting=32)[0]["error"] < 0.1
    assert pick(rows, method="pooled keys", setting=16)[0]["error"] > 0.7
    summaries, opened = (
        pick(rows, method=name, setting=16)[0] for name in ("two levels", "two levels, 1 opened")
    )
    assert opened["error"] < summaries["error"] / 2


def test_shares_are_of_the_pairs_below_the_diagonal(rows):
    n = 128
    whole = n * (n + 1) / 2
    assert pick(rows, method="window", setting=8)[0]["multiply_adds"] == (8 * n - 28) / whole
    assert pick(rows, method="Gaussian alone", setting=4)[0]["multiply_adds"] == 0.5
    assert {row["multiply_adds"] for row in pick(rows, family="modified heads")} == {1}


@pytest.mark.parametrize("n, chunk, opened", [(12, 4, 0), (13, 4, 1), (13, 5, 9), (7, 7, 0)])
def test_two_level_pairs_are_those_that_the_definition_reads(n, chunk, opened):
    q, k, v = (normal((1, 1, n, 3), seed) for seed in range(3))
    v.requires_grad_()
    expected = 0
    for row in range(n):
        output = two_level_attention(q, k, v, chunk, opened)[0, 0, row].sum()
        felt = torch.autograd.grad(output, v)[0][0, 0, :, 0]
        own = row // chunk
        read = min(opened, own)
        assert (felt != 0).sum() == row + 1
        expected += row % chunk + 1 + read * chunk + own
    assert two_level_pairs(n, chunk, opened) == expected


def test_compression_begins_at_exact_and_gets_worse():
    rows = compression((1, 2, 8), 64)
    for method in ("pooled keys", "clustered queries"):
        errors = [row["error"] for row in pick(rows, method=method)]
        assert errors[0] < 1e-12 and errors[0] < errors[1] < errors[2]
    assert [row["multiply_adds"] for row in pick(rows, method="pooled keys")] == [1, 0.5, 0.125]


def test_hashing_keeps_the_width_and_drops_pairs_while_a_projection_keeps_fewer_keys():
    exact, hashing, low_rank = inside(128, rank=16)
    assert (hashing["keys"], hashing["width"]) == (exact["keys"], exact["width"]) == (128, 16)
    assert 0 < hashing["pairs"] < exact["pairs"] / 3
    assert low_rank == {"method": "low rank", "keys": 16, "width": 16, "pairs": 128 * 16}


def test_the_projection_averages_neighbours():
    assert averaging(2, 5).tolist() == [[1 / 3, 1 / 3, 1 / 3, 0, 0], [0, 0, 0, 0.5, 0.5]]
    assert torch.equal(averaging(4, 4), torch.eye(4).double())


def test_the_error_is_relative_and_not_squared():
    assert relative_error(torch.tensor([3.0, 3.0]), torch.tensor([2.0, 2.0])) == 0.5
