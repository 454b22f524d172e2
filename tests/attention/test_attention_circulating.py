"""The listing in circulation: what it computes, what fails, and the layer that its weights make."""

import pytest
import torch
from glassbox.attention import MultiHeadAttention, masks
from glassbox.attention.circulating import (
    ListedGroupedQuery,
    ListedHead,
    ListedMultiHead,
    as_multi_head,
    concatenated_heads,
    fold,
    projections,
)
from glassbox.tiny.seeds import normal

X = normal((10, 512), 100, torch.float32)


@pytest.fixture(scope="module")
def multi_head():
    return ListedMultiHead(512, 64, 8)


@pytest.fixture(scope="module")
def grouped():
    return ListedGroupedQuery(512, 64, 8, 4)


def off(got, expected):
    return (got - expected).abs().max().item()


def test_the_result_has_the_width_of_a_head_and_does_not_add_to_the_stream(multi_head, grouped):
    for listing in (multi_head, grouped):
        assert listing(X).shape == (10, 64)
        with pytest.raises(RuntimeError, match=r"\(512\).*\(64\)"):
            X + listing(X)


def test_there_is_no_mask_a_later_token_moves_an_earlier_row(multi_head, grouped):
    changed = X.clone()
    changed[-1] += 1
    for listing in (multi_head, grouped):
        assert off(listing(changed)[0], listing(X)[0]) > 1e-3
        layer = as_multi_head(listing)
        causal = [layer(x[None], mask=masks.causal())[0, 0] for x in (changed, X)]
        assert torch.equal(*causal)


def test_a_batch_raises_and_where_it_fits_by_chance_the_examples_are_mixed():
    head = ListedHead(512, 64)
    with pytest.raises(RuntimeError):
        head(normal((2, 10, 512), 101, torch.float32))
    batch = normal((64, 64, 512), 102, torch.float32)
    one_by_one = torch.stack([head(x) for x in batch])
    assert head(batch).shape == one_by_one.shape
    assert off(head(batch), one_by_one) > 0.1
    changed = batch.clone()
    changed[1] += 1
    assert off(head(changed)[0], head(batch)[0]) > 0.01
    layer = MultiHeadAttention(512, 1, head_size=64)
    assert torch.equal(layer(changed[:2])[0], layer(batch[:2])[0])


def test_two_projections_in_a_row_are_one(grouped):
    folded = fold(grouped)
    assert folded.shape == (64, 512)
    assert off(concatenated_heads(grouped, X) @ folded.T, grouped(X)) < 1e-5
    wide = ListedGroupedQuery(512, 64, 8, 4).double()
    assert off(concatenated_heads(wide, X.double()) @ fold(wide).T, wide(X.double())) < 1e-13


def test_groups_in_another_order_are_seen(grouped):
    swapped = torch.cat(fold(grouped).chunk(4, 1)[::-1], 1)
    assert off(concatenated_heads(grouped, X) @ swapped.T, grouped(X)) > 0.01


def test_the_listing_has_five_output_projections_and_a_layer_one(grouped):
    assert projections(grouped) == [(f"grouped.{g}.proj", (64, 128)) for g in range(4)] + [
        ("proj", (64, 256))
    ]
    assert projections(as_multi_head(grouped)) == [("output", (512, 512))]


def test_folding_saves_parameters_nowhere_at_this_width(grouped):
    two = sum(rows * columns for _, (rows, columns) in projections(grouped))
    assert two == 4 * 64 * 128 + 64 * 256 and fold(grouped).numel() == 64 * 512 < two


@pytest.mark.parametrize("width", [64, 512])
@pytest.mark.parametrize("make", [ListedMultiHead, lambda *sizes: ListedGroupedQuery(*sizes, 4)])
def test_the_layer_computes_what_the_listing_does(width, make):
    listing = make(width, 64, 8).double()
    layer = as_multi_head(listing)
    batch = normal((3, 10, width), 103)
    got = layer(batch)
    assert off(got[..., :64], torch.stack([listing(x) for x in batch])) < 1e-12
    assert got.shape == batch.shape and got[..., 64:].eq(0).all()


def test_a_layer_with_an_output_of_its_own_adds_to_the_stream(grouped):
    layer = as_multi_head(grouped, normal((512, 512), 104, torch.float32))
    assert (X + layer(X[None])[0]).shape == X.shape
    assert (layer.heads, layer.kv_heads, layer.head_size) == (8, 4, 64)
    assert layer(X[None])[..., 64:].ne(0).any()


def test_a_standard_checkpoint_does_not_load(grouped):
    standard = MultiHeadAttention(512, 8, 4).state_dict()
    with pytest.raises(RuntimeError, match="Missing key"):
        grouped.load_state_dict(standard)


BAD = {
    "groups": (lambda: ListedGroupedQuery(512, 64, 8, 3), "groups: expected a divisor of 8, the heads"),
    "heads": (lambda: ListedMultiHead(512, 64, 0), "heads: expected a whole number >= 1"),
    "listing": (lambda: fold(ListedMultiHead(8, 2, 2)), "listing: expected a ListedGroupedQuery"),
    "output": (
        lambda: as_multi_head(ListedMultiHead(8, 2, 2), torch.ones(2, 4)),
        r"output: expected shape \(8, 4\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, message = BAD[name]
    with pytest.raises((TypeError, ValueError), match=message):
        call()
