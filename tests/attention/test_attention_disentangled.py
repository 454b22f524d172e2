"""DeBERTa's terms against one pair at a time, and the attention that they add up to."""

import pytest
import torch
from glassbox.attention import scaled_dot_product_attention
from glassbox.attention.api.disentangled import disentangled_attention, disentangled_terms
from glassbox.attention.masks import padding
from glassbox.tiny.seeds import normal


def inputs(b=2, h=3, t=6, n=6, d=4, e=5, reach=2, seed=0):
    sizes = ((b, h, t, d), (b, h, n, d), (b, h, n, e), (h, 2 * reach, d), (h, 2 * reach, d))
    return [normal(size, seed + at) for at, size in enumerate(sizes)]


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def delta(i, j, reach):
    """Equation 3 of the paper."""
    if i - j <= -reach:
        return 0
    return 2 * reach - 1 if i - j >= reach else i - j + reach


def one_pair_at_a_time(q, k, v, position_query, position_key):
    reach, n, t = position_key.shape[1] // 2, k.shape[2], q.shape[2]
    terms = torch.zeros(3, *q.shape[:3], n).double()
    for row, i in enumerate(range(n - t, n)):
        for j in range(n):
            one, other = q[:, :, row], k[:, :, j]
            terms[0, :, :, row, j] = (one * other).sum(-1)
            terms[1, :, :, row, j] = (one * position_key[:, delta(i, j, reach)]).sum(-1)
            terms[2, :, :, row, j] = (other * position_query[:, delta(j, i, reach)]).sum(-1)
    return terms


@pytest.mark.parametrize("reach", [1, 2, 4, 9])
@pytest.mark.parametrize("t, n", [(6, 6), (1, 6), (3, 7)])
def test_the_terms_are_the_papers(reach, t, n):
    case = inputs(t=t, n=n, reach=reach)
    expected = one_pair_at_a_time(*case)
    q, k, _, position_query, position_key = case
    for got, wanted in zip(disentangled_terms(q, k, position_query, position_key), expected, strict=True):
        assert close(got, wanted)


def test_attention_weighs_by_the_sum_over_the_root_of_3d():
    case = inputs()
    weights = (one_pair_at_a_time(*case).sum(0) / 12**0.5).softmax(-1)
    assert close(disentangled_attention(*case), weights @ case[2])


def test_tables_of_zeros_leave_attention_with_the_papers_scale():
    q, k, v, table, _ = inputs(t=3, n=7)
    zeros = torch.zeros_like(table)
    mask = padding(normal((2, 7), 8) > -1)
    expected = scaled_dot_product_attention(q, k, v, mask, scale=12**-0.5)
    assert close(disentangled_attention(q, k, v, zeros, zeros, mask), expected)


def test_far_away_all_distances_are_one():
    q, k, _, position_query, position_key = inputs(t=9, n=9, reach=2)
    terms = disentangled_terms(q, k, position_query, position_key)
    assert close(terms.content_to_position[:, :, 8, 0], terms.content_to_position[:, :, 8, 6])
    assert not close(terms.content_to_position[:, :, 8, 6], terms.content_to_position[:, :, 8, 8], 1e-3)


def test_gradcheck():
    leaves = [x.requires_grad_() for x in inputs(1, 2, 3, 4, 2, 2)]
    assert torch.autograd.gradcheck(disentangled_attention, leaves)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_computed_in_float32_and_cast_once(dtype):
    halves = [x.to(dtype) for x in inputs()]
    expected = disentangled_attention(*(x.float() for x in halves)).to(dtype)
    assert torch.equal(disentangled_attention(*halves), expected)


CASE = inputs()
MISTAKES = {
    "delta(i, j) in the third term": lambda q, k, pq, pk: disentangled_terms(q, k, pq.flip(1), pk)[2],
    "tables swapped": lambda q, k, pq, pk: disentangled_terms(q, k, pk, pq)[2],
    "the query's content": lambda q, k, pq, pk: disentangled_terms(q, k, pk, pq)[1],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    q, k, _, position_query, position_key = CASE
    wrong = MISTAKES[name](q, k, position_query, position_key)
    assert not close(wrong, one_pair_at_a_time(*CASE)[2], 1e-3)


Q, K, V, TABLE, OTHER = CASE
BAD = {
    "odd": (lambda: disentangled_terms(Q, K, TABLE[:, :3], OTHER[:, :3]), "position_query: expected an even"),
    "unequal": (lambda: disentangled_terms(Q, K, TABLE[:, :2], OTHER), "position_query: expected shape"),
    "heads": (lambda: disentangled_terms(Q, K, TABLE, OTHER[:2]), "position_key: expected shape"),
    "key heads": (lambda: disentangled_attention(Q, K[:, :1], V[:, :1], TABLE, OTHER), "k: expected as many"),
    "dtype": (
        lambda: disentangled_attention(Q, K, V, TABLE.float(), OTHER),
        "position_query: expected the d",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, message = BAD[name]
    with pytest.raises((TypeError, ValueError), match=message):
        call()
