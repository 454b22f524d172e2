"""Hashing and random features: what they compare, and where they become exact attention."""

import pytest
import torch
from glassbox.attention.api.approximate import (
    hash_attention,
    positive_features,
    random_feature_attention,
    same_bucket,
)
from glassbox.attention.masks import causal
from glassbox.measured import loglog_slope
from glassbox.tiny.seeds import normal
from numpy.polynomial.hermite_e import hermegauss
from torch.nn import functional


def inputs(b=2, h=4, t=6, n=6, d=4, e=5, groups=None, seed=0):
    groups = h if groups is None else groups
    return (
        normal((b, h, t, d), seed),
        normal((b, groups, n, d), seed + 1),
        normal((b, groups, n, e), seed + 2),
    )


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def exact(q, k, v, **options):
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    return functional.scaled_dot_product_attention(q, k, v, **options)


# Hashing.


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("t, n", [(6, 6), (1, 6), (3, 7)])
def test_one_bucket_is_exact_attention(groups, t, n):
    q, k, v = inputs(t=t, n=n, groups=groups)
    whole = torch.zeros(1, 4, 3).double()
    assert close(hash_attention(q, k, v, whole), exact(q, k, v))
    seen = causal().dense(t, n)
    assert close(hash_attention(q, k, v, whole, causal()), exact(q, k, v, attn_mask=seen))


def buckets_one_by_one(x, rotation):
    """Each row's bucket as its sentence: the nearest of the directions +-column of the rotation."""
    directions = torch.cat((rotation.T, -rotation.T))
    return [max(range(len(directions)), key=lambda at: float(directions[at] @ row)) for row in x]


def test_a_pair_is_compared_if_some_round_puts_it_in_one_bucket():
    q, k, _ = inputs(b=1, h=2, groups=1, t=9, n=11)
    rotations = normal((3, 4, 2), 7)
    got = same_bucket(q, k, rotations)
    for head in range(2):
        rounds = [
            [[i == j for j in buckets_one_by_one(k[0, 0], r)] for i in buckets_one_by_one(q[0, head], r)]
            for r in rotations
        ]
        assert torch.equal(got[0, head], torch.tensor(rounds).any(0))
    assert 0 < got.double().mean() < 1


def test_hashing_is_attention_over_the_pairs_in_one_bucket():
    q, k, v = inputs(t=9, n=9, groups=2)
    rotations = normal((2, 4, 2), 5)
    near = same_bucket(q, k, rotations) & causal().dense(9, 9)
    rows = near.any(-1)
    got = hash_attention(q, k, v, rotations, causal())
    assert close(got[rows], exact(q, k, v, attn_mask=near)[rows])
    assert got[~rows].eq(0).all() and not rows.all()


def test_the_length_of_a_vector_does_not_change_its_bucket_and_its_sign_does():
    q, _, _ = inputs(n=6)
    rotations = normal((1, 4, 3), 5)
    assert torch.equal(same_bucket(q, 9 * q, rotations), same_bucket(q, q, rotations))
    assert not same_bucket(q, -q, rotations).diagonal(dim1=-2, dim2=-1).any()


def test_more_rounds_compare_more_pairs():
    q, k, _ = inputs(t=32, n=32)
    few, many = (same_bucket(q, k, normal((8, 4, 4), 3)[:r]) for r in (2, 8))
    assert (many | ~few).all() and few.sum() < many.sum()


# Random features.


def nodes(points=40):
    """Directions and weights whose weighted sum is the mean over Normal(0, 1)^2 (Gauss-Hermite)."""
    at, weight = (torch.from_numpy(x) for x in hermegauss(points))
    weight = weight / weight.sum()
    return torch.cartesian_prod(at, at), torch.outer(weight, weight).flatten()


def test_the_features_mean_is_the_exponential_of_the_product():
    x, y = normal((5, 2), 0), normal((7, 2), 1)
    directions, weight = nodes()
    products = (
        positive_features(x, directions) * len(directions) * weight @ positive_features(y, directions).T
    )
    assert close(products, (x @ y.T).exp())
    assert positive_features(x, directions).gt(0).all()


def estimate_by_sentence(q, k, v, directions, mask):
    """Each pair's weight by the features themselves, then the weighted mean."""
    root = q.shape[-1] ** 0.25
    weights = positive_features(q / root, directions) @ positive_features(k / root, directions).mT
    weights = weights * mask
    return weights @ v / weights.sum(-1, keepdim=True)


@pytest.mark.parametrize("t, n", [(6, 6), (1, 6), (3, 7)])
@pytest.mark.parametrize("seen", [True, False])
def test_random_features_are_their_sentence(t, n, seen):
    q, k, v = inputs(t=t, n=n)
    directions = normal((16, 4), 9)
    mask = causal().dense(t, n) if seen else torch.ones(t, n)
    expected = estimate_by_sentence(q, k, v, directions, mask)
    assert close(random_feature_attention(q, k, v, directions, seen), expected)


def test_the_error_falls_as_one_over_the_root_of_the_number_of_features():
    q, k, v = (x / 2 for x in inputs(t=16, n=16))
    rows = [
        {"features": m, "error": float((random_feature_attention(q, k, v, normal((m, 4), seed), False)
                                        - exact(q, k, v)).square().mean())}
        for m in (64, 1024, 16384) for seed in range(4)
    ]  # fmt: skip
    assert loglog_slope(rows, "error", "features") == pytest.approx(-1, abs=0.15)
    assert rows[-1]["error"] < 1e-3


def test_long_vectors_do_not_overflow():
    q, k, v = (x.float() for x in inputs())
    assert random_feature_attention(60 * q, 60 * k, v, normal((32, 4), 9).float()).isfinite().all()


def test_a_query_before_all_keys_gets_zero():
    q, k, v = inputs(t=7, n=3)
    got = random_feature_attention(q, k, v, normal((8, 4), 9))
    assert got[:, :, :4].eq(0).all() and got[:, :, 4:].ne(0).any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_computed_in_float32_and_cast_once(dtype):
    halves, extra = [x.to(dtype) for x in inputs()], {"d": normal((8, 4), 9), "r": normal((2, 4, 2), 9)}
    wide, extra = [x.float() for x in halves], {name: x.to(dtype) for name, x in extra.items()}
    for call, name in ((random_feature_attention, "d"), (hash_attention, "r")):
        assert torch.equal(call(*halves, extra[name]), call(*wide, extra[name].float()).to(dtype))


def test_gradcheck():
    leaves = [x.requires_grad_() for x in inputs(1, 2, 3, 3, 2, 2)]
    assert torch.autograd.gradcheck(lambda *x: random_feature_attention(*x, normal((5, 2), 9)), leaves)
    assert torch.autograd.gradcheck(lambda *x: hash_attention(*x, normal((2, 2, 1), 9)), leaves)


RIGHT = inputs()
DIRECTIONS = normal((16, 4), 9)
MISTAKES = {
    "not scaled": lambda q, k, v: random_feature_attention(2**0.5 * q, 2**0.5 * k, v, DIRECTIONS),
    "not causal": lambda q, k, v: random_feature_attention(q, k, v, DIRECTIONS, False),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    expected = estimate_by_sentence(*RIGHT, DIRECTIONS, causal().dense(6, 6))
    assert not close(MISTAKES[name](*RIGHT), expected, 1e-3)


Q, K, V = (x.float() for x in inputs())
BAD = {
    "no columns": (lambda: hash_attention(Q, K, V, torch.ones(1, 4, 0)), "rotations: expected at least one"),
    "rotation size": (lambda: hash_attention(Q, K, V, torch.ones(1, 3, 2)), r"rotations: expected shape"),
    "a matrix": (lambda: same_bucket(Q, K, torch.ones(4, 2)), "rotations: expected 3 dimensions"),
    "no directions": (
        lambda: random_feature_attention(Q, K, V, torch.ones(0, 4)),
        "directions: expected at least one row",
    ),
    "direction size": (lambda: positive_features(Q, torch.ones(5, 3)), r"directions: expected shape"),
    "key heads": (
        lambda: random_feature_attention(Q, K[:, :2], V[:, :2], torch.ones(5, 4)),
        "k: expected as many heads as q, 4",
    ),
    "causal": (lambda: random_feature_attention(Q, K, V, torch.ones(5, 4), 1), "causal: expected True"),
    "dtype": (lambda: hash_attention(Q, K, V, normal((1, 4, 2), 0)), "rotations: expected the dtype of q"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, message = BAD[name]
    with pytest.raises((TypeError, ValueError), match=message):
        call()
