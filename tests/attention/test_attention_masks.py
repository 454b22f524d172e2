"""Masks: every rule against its sentence, pair by pair; the conventions; the algebra; bad arguments."""

import pytest
import torch
from glassbox.attention.masks import (
    blank_filling,
    block_sparse,
    causal,
    dilated,
    documents,
    full,
    padding,
    prefix_lm,
    sinks,
    sliding_window,
    strided,
)
from torch.nn import functional

LAYOUT = torch.tensor([[1, 0, 0, 1], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 1, 1]], dtype=torch.bool)
IDS = torch.tensor([[5, 5, 5, 2, 2, 9, 9, 9, 9], [1, 1, 1, 1, 1, 1, 1, 1, 4]])
VALID = torch.tensor([[1, 1, 1, 1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1, 1, 1, 1]], dtype=torch.bool)
PREFIX = torch.tensor([4, 0])

# name -> the mask, and what it says of sequence s, query i and key j
RULES = {
    "full": (full(), lambda s, i, j: True),
    "causal": (causal(), lambda s, i, j: j <= i),
    "prefix": (prefix_lm(3), lambda s, i, j: j <= i or j < 3),
    "prefix per sequence": (prefix_lm(PREFIX), lambda s, i, j: j <= i or j < PREFIX[s]),
    "blank filling": (blank_filling(5), lambda s, i, j: j < 5 if i < 5 else j <= i),
    "window": (sliding_window(3), lambda s, i, j: i - 3 < j < i + 3),
    "sinks": (sinks(2), lambda s, i, j: j in (0, 1)),
    "dilated": (dilated(3), lambda s, i, j: j in range(i % 3, 99, 3)),
    "strided": (strided(3), lambda s, i, j: abs(i - j) < 3 or (i - j) % 3 == 0),
    "blocks": (block_sparse(LAYOUT, 3), lambda s, i, j: bool(LAYOUT[i // 3][j // 3])),
    "documents": (documents(IDS), lambda s, i, j: bool(IDS[s][i] == IDS[s][j])),
    "padding": (padding(VALID), lambda s, i, j: bool(VALID[s][j])),
}


def brute(rule, sequences, t, n, first):
    return torch.tensor(
        [[[rule(s, i, j) for j in range(n)] for i in range(first, first + t)] for s in range(sequences)]
    ).reshape(sequences, t, n)


SIZES = [(9, 9), (1, 9), (4, 7), (1, 1), (9, 8)]  # t, n; with t > n a query stands before the first key


def fits(mask, t, n):
    return mask.queries is None or t <= n


def is_its_sentence(mask, name, t, n):
    rule, sequences = RULES[name][1], RULES[name][0].sequences
    expected = brute(rule, sequences or 1, t, n, n - t)
    return torch.equal(mask.dense(t, n), expected[0] if sequences is None else expected[:, None])


@pytest.mark.parametrize(
    "name, t, n", [(name, t, n) for name in RULES for t, n in SIZES if fits(RULES[name][0], t, n)]
)
def test_every_mask_is_its_sentence(name, t, n):
    mask = RULES[name][0]
    assert is_its_sentence(mask, name, t, n)
    assert mask.dense(t, n).dtype == torch.bool and mask.dense(t, n).is_contiguous()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("t", [0, 1, 4])
def test_decoding_is_the_last_rows_of_prefill(name, t):
    mask = RULES[name][0] & causal()
    assert torch.equal(mask.dense(t, 9), mask.dense(9, 9)[..., 9 - t :, :])


def test_causal_is_bottom_right_unless_the_first_position_is_given():
    bottom_right, top_left = causal().dense(2, 5), causal().dense(2, 5, first=0)
    assert bottom_right.sum(-1).tolist() == [4, 5]
    assert top_left.sum(-1).tolist() == [1, 2]


def test_is_causal_of_torch_means_top_left():
    q, k = torch.randn(2, 1, 1, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    q = q[..., :2, :]
    torchs = functional.scaled_dot_product_attention(q, k, k, is_causal=True)
    top_left, bottom_right = (
        functional.scaled_dot_product_attention(q, k, k, attn_mask=causal().dense(2, 5, first=first))
        for first in (0, None)
    )
    assert torch.allclose(torchs, top_left) and not torch.allclose(torchs, bottom_right)


def test_more_queries_than_keys_leave_the_first_rows_empty():
    assert causal().dense(5, 2).sum(-1).tolist() == [0, 0, 0, 1, 2]


def test_the_window_counts_the_query_itself():
    assert (causal() & sliding_window(3)).dense(6, 6).sum(-1).tolist() == [1, 2, 3, 3, 3, 3]
    assert sliding_window(3).dense(9, 9)[4].sum() == 5
    assert torch.equal(sliding_window(1).dense(4, 4), torch.eye(4, dtype=torch.bool))


def test_sinks_come_on_top_of_the_window_and_not_from_the_future():
    seen = (causal() & (sinks(2) | sliding_window(3))).dense(7, 7)
    assert seen.sum(-1).tolist() == [1, 2, 3, 4, 5, 5, 5]
    assert not (seen & ~causal().dense(7, 7)).any()


def test_a_dilated_window_sees_that_many_keys_that_far_apart():
    mask = causal() & sliding_window(3 * (4 - 1) + 1) & dilated(3)
    assert mask.dense(15, 15)[14].nonzero().flatten().tolist() == [5, 8, 11, 14]


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_strided_is_the_papers_pair_of_sets(stride):
    """Child et al. 2019: one head sees {max(0, i - l), ..., i}, the other {j: (i - j) mod l = 0}."""
    got = (causal() & strided(stride)).dense(11, 11)
    for i in range(11):
        near, far = set(range(max(0, i - stride), i + 1)), {j for j in range(i + 1) if (i - j) % stride == 0}
        assert set(got[i].nonzero().flatten().tolist()) == near | far


def test_a_prefix_of_none_or_one_is_causal_and_of_all_is_full():
    assert torch.equal(prefix_lm(0).dense(6, 6), causal().dense(6, 6))
    assert torch.equal(prefix_lm(1).dense(6, 6), causal().dense(6, 6))
    assert torch.equal(prefix_lm(6).dense(6, 6), full().dense(6, 6))


def test_blank_filling_hides_the_blanks_from_the_text_and_is_a_prefix_mask():
    seen = blank_filling(4).dense(7, 7)
    assert not seen[:4, 4:].any() and seen[4:, :4].all()
    assert torch.equal(seen[4:, 4:], causal().dense(3, 3))
    assert torch.equal(seen, prefix_lm(4).dense(7, 7))


def test_documents_are_numbers_not_runs():
    seen = documents(torch.tensor([[1, 2, 1]])).dense(3, 3)[0, 0]
    assert seen.tolist() == [[True, False, True], [False, True, False], [True, False, True]]


def test_packed_causal_documents_are_a_block_diagonal_of_causal_masks():
    seen = (causal() & documents(torch.tensor([[0, 0, 0, 1, 1]]))).dense(5, 5)[0, 0]
    assert torch.equal(seen, torch.block_diag(torch.ones(3, 3).tril(), torch.ones(2, 2).tril()).bool())


def test_padding_hides_keys_and_leaves_queries():
    right, left = padding(VALID).dense(9, 9)[:, 0]
    assert right.all(0).tolist() == VALID[0].tolist() and right.any(-1).all()
    assert (causal() & padding(VALID)).dense(9, 9)[1, 0].any(-1).tolist() == VALID[1].tolist()
    assert left.any(-1).all()


def test_padding_of_a_source_fits_any_number_of_queries():
    assert (full() & padding(VALID)).dense(12, 9).shape == (2, 1, 12, 9)


# The algebra.


def test_and_or_not_are_those_of_the_matrices():
    a, b = prefix_lm(PREFIX), sliding_window(2)
    matrix_a, matrix_b = a.dense(7, 8), b.dense(7, 8)
    assert torch.equal((a & b).dense(7, 8), matrix_a & matrix_b)
    assert torch.equal((b | a).dense(7, 8), matrix_a | matrix_b)
    assert torch.equal((~a).dense(7, 8), ~matrix_a)
    assert torch.equal((~(a | b)).dense(7, 8), (~a & ~b).dense(7, 8))


def test_data_of_either_side_bound_the_joined_mask():
    joined = causal() & documents(IDS) & padding(VALID[:, :7])
    assert (joined.sequences, joined.keys, joined.queries) == (2, 7, 9)
    assert ((~joined).sequences, (~joined).keys, (~joined).queries) == (2, 7, 9)


def test_empty_sizes_pass():
    assert causal().dense(0, 0).shape == (0, 0)
    assert padding(torch.ones(0, 4, dtype=torch.bool)).dense(3, 4).shape == (0, 1, 3, 4)


BAD = {
    "and": (lambda: causal() and full(), TypeError, "mask: expected & | ~ between masks; came `and`"),
    "not": (lambda: not causal(), TypeError, "mask: expected & | ~"),
    "a matrix": (lambda: causal() & VALID, TypeError, "other: expected a Mask; came a bool tensor"),
    "two batches": (
        lambda: padding(VALID) | prefix_lm(torch.tensor([1, 2, 3])),
        ValueError,
        "other: expected a mask of 2 sequences; came 'one of 3'",
    ),
    "keys without data": (
        lambda: padding(VALID).dense(1, 10),
        ValueError,
        "n: expected at most 9 keys, for which the mask has data; came 10",
    ),
    "queries without data": (
        lambda: documents(IDS).dense(9, 8),
        ValueError,
        "t: expected queries at positions 0 to 8; came '9 from position -1'",
    ),
    "beyond the layout": (lambda: block_sparse(LAYOUT, 2).dense(1, 9), ValueError, "n: expected at most 8"),
    "queries beyond": (lambda: documents(IDS).dense(2, 9, first=8), ValueError, "t: .*'2 from position 8'"),
    "negative t": (lambda: causal().dense(-1, 3), ValueError, "t: expected a whole number >= 0; came -1"),
    "half a key": (lambda: causal().dense(1, 1.5), TypeError, "n: expected a whole number"),
    "no window": (lambda: sliding_window(0), ValueError, "window: expected a whole number >= 1; came 0"),
    "no step": (lambda: dilated(0), ValueError, "step: expected a whole number >= 1"),
    "no stride": (lambda: strided(True), TypeError, "stride: expected a whole number"),
    "negative sinks": (lambda: sinks(-1), ValueError, "count: expected a whole number >= 0"),
    "negative prefix": (lambda: prefix_lm(-1), ValueError, "prefix: expected a whole number >= 0"),
    "negative prefixes": (
        lambda: prefix_lm(torch.tensor([2, -3])),
        ValueError,
        "prefix: expected whole numbers >= 0; came -3",
    ),
    "real prefixes": (lambda: prefix_lm(torch.ones(2)), TypeError, "prefix: expected one whole number"),
    "prefix matrix": (lambda: prefix_lm(IDS), ValueError, r"prefix: .*came a int64 tensor of shape \(2, 9\)"),
    "layout of numbers": (lambda: block_sparse(LAYOUT.int(), 2), TypeError, "layout: expected a matrix of b"),
    "flat layout": (lambda: block_sparse(LAYOUT[0], 2), ValueError, "layout: expected a matrix of bools"),
    "no block": (lambda: block_sparse(LAYOUT, 0), ValueError, "block: expected a whole number >= 1"),
    "ids as list": (lambda: documents([1, 2]), TypeError, "ids: expected a matrix of whole numbers"),
    "flat ids": (lambda: documents(IDS[0]), ValueError, "ids: expected a matrix of whole numbers"),
    "lengths as padding": (lambda: padding(torch.tensor([3, 4])), TypeError, "valid: expected a matrix of b"),
    "flat padding": (lambda: padding(VALID[0]), ValueError, "valid: expected a matrix of bools"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


# Planted mistakes: the comparison with the sentence must see each.

PLANTED = {
    "top-left alignment": ("causal", lambda t, n: causal().dense(t, n, first=0)),
    "the query cannot see itself": ("causal", lambda t, n: causal().dense(t, n) & ~dilated(99).dense(t, n)),
    "the future is seen": ("causal", lambda t, n: ~causal().dense(t, n)),
    "the window is one too wide": ("window", sliding_window(4).dense),
    "the window looks back only": ("window", (sliding_window(3) & causal()).dense),
    "the prefix is one too long": ("prefix", prefix_lm(4).dense),
    "the prefix is causal inside": ("prefix", causal().dense),
    "the layout is transposed": ("blocks", block_sparse(LAYOUT.mT, 3).dense),
    "padding is turned round": ("padding", padding(~VALID).dense),
    "the sequences are exchanged": ("documents", documents(IDS.flip(0)).dense),
}


class Drawn:
    """A mask from a function of t and n."""

    def __init__(self, dense):
        self.dense = dense


@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_seen(name):
    rule, dense = PLANTED[name]
    assert not all(is_its_sentence(Drawn(dense), rule, t, n) for t, n in SIZES[:3])
