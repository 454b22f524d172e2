"""Pooled keys, clustered queries, two levels, priors: each against its sentence and its exact limit."""

import pytest
import torch
from glassbox.attention import scaled_dot_product_attention
from glassbox.attention.api.summarised import (
    clustered_attention,
    locality_prior,
    pooled_attention,
    prior_attention,
    two_level_attention,
)
from glassbox.attention.masks import block_sparse, causal
from glassbox.attention.reference.summarised import k_means
from glassbox.tiny.seeds import normal
from torch.nn import functional


def inputs(b=2, h=4, t=7, n=7, d=4, e=5, groups=2, seed=0):
    return (
        normal((b, h, t, d), seed),
        normal((b, groups, n, d), seed + 1),
        normal((b, groups, n, e), seed + 2),
    )


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def exact(q, k, v, seen=None):
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)


def blurred(x, stride):
    """Each row replaced by the mean of its run."""
    return torch.cat([run.mean(-2, keepdim=True).expand_as(run) for run in x.split(stride, -2)], -2)


SHAPES = [(7, 7), (1, 7), (3, 8)]


@pytest.mark.parametrize("t, n", SHAPES)
@pytest.mark.parametrize("seen", [True, False])
def test_stride_one_and_one_chunk_and_all_opened_are_exact(t, n, seen):
    q, k, v = inputs(t=t, n=n)
    expected = exact(q, k, v, causal().dense(t, n) if seen else None)
    assert close(pooled_attention(q, k, v, 1, seen), expected)
    for chunk, opened in ((n, 0), (2 * n, 0), (2, n), (3, 99), (1, 0)):
        assert close(two_level_attention(q, k, v, chunk, opened, seen), expected)


@pytest.mark.parametrize("stride", [2, 3, 4, 7, 9])
def test_pooling_replaces_keys_and_values_by_the_means_of_their_runs(stride):
    q, k, v = inputs(t=5, n=11)
    expected = exact(q, blurred(k, stride), blurred(v, stride))
    assert close(pooled_attention(q, k, v, stride, False), expected)


@pytest.mark.parametrize("t, n", SHAPES)
def test_a_causal_query_sees_the_runs_that_are_over(t, n):
    q, k, v = inputs(t=t, n=n)
    last = torch.tensor([min(n, 3 * (j // 3) + 3) - 1 for j in range(n)])
    seen = last <= torch.arange(n - t, n)[:, None]
    rows = seen.any(-1)
    got = pooled_attention(q, k, v, 3)
    assert close(got[:, :, rows], exact(q, blurred(k, 3), blurred(v, 3), seen)[:, :, rows])
    assert got[:, :, ~rows].eq(0).all()


@pytest.mark.parametrize("t, n", SHAPES)
def test_two_levels_are_the_own_chunk_and_the_means_of_the_earlier_ones(t, n):
    q, k, v = inputs(t=t, n=n, groups=4)
    got = two_level_attention(q, k, v, 3)
    for i, position in enumerate(range(n - t, n)):
        first = position // 3 * 3
        keys, values = (
            torch.cat((blurred(x, 3)[:, :, :first], x[:, :, first : position + 1]), 2) for x in (k, v)
        )
        assert close(got[:, :, i : i + 1], exact(q[:, :, i : i + 1], keys, values))


def test_the_best_summaries_are_opened():
    q, k, v = inputs(b=1, h=1, t=1, n=12, groups=1)
    k[0, 0, 4:8] += q[0, 0, 0]
    keys, values = blurred(k, 4), blurred(v, 4)
    for x, opened in ((keys, k), (values, v)):
        x[:, :, 4:] = opened[:, :, 4:]
    assert close(two_level_attention(q, k, v, 4, opened=1), exact(q, keys, values))
    assert not close(two_level_attention(q, k, v, 4), exact(q, keys, values), 1e-3)


def test_a_chunk_of_the_future_is_never_read():
    q, k, v = inputs(n=9, t=9)
    v.requires_grad_()
    for got in (two_level_attention(q, k, v, 3, opened=1), pooled_attention(q, k, v, 2)):
        reach = torch.autograd.grad(got[:, :, :4].sum(), v)[0].abs().amax((0, 1, 3))
        assert reach[4:].eq(0).all() and reach[:2].gt(1e-6).all()


# Clusters.


@pytest.mark.parametrize("t, n", [(7, 7), (1, 5), (5, 9)])
def test_as_many_clusters_as_queries_is_exact(t, n):
    q, k, v = inputs(t=t, n=n)
    assert close(clustered_attention(q, k, v, t), exact(q, k, v))


def test_one_cluster_answers_the_mean_query_for_all():
    q, k, v = inputs()
    expected = exact(q.mean(-2, keepdim=True), k, v).expand(-1, -1, 7, -1)
    assert close(clustered_attention(q, k, v, 1), expected)


def test_clusters_that_lie_apart_are_found_and_get_one_answer():
    q, k, v = inputs(b=1, h=2, t=12)
    near = 20 * normal((3, 4), 8)[[0, 0, 1, 2, 1, 2, 0, 1, 0, 2, 2, 1]] + q
    labels = k_means(near, 3)
    assert labels[0].tolist() == [labels[0, 0].tolist()] * 2
    assert [labels[0, 0, i].item() for i in (0, 2, 3)] == [labels[0, 0, i].item() for i in (8, 4, 10)]
    got = clustered_attention(near, k, v, 3)
    assert close(got[:, :, 0], got[:, :, 6]) and not close(got[:, :, 0], got[:, :, 2], 1e-3)


def test_a_cluster_without_members_does_no_harm():
    q, k, v = inputs()
    assert close(clustered_attention(torch.ones_like(q), k, v, 3), exact(torch.ones_like(q), k, v))


# Priors.


def test_the_prior_is_a_bell_around_the_querys_own_position():
    prior = locality_prior(2, 5, 2.0, torch.float64)
    assert close(prior, torch.tensor([[-9, -4, -1, 0, -1], [-16, -9, -4, -1, 0]]).double() / 8)


def test_the_prior_alone_is_attention_with_queries_of_zero():
    q, k, v = inputs(t=3, n=7, groups=4)
    prior = locality_prior(3, 7, 1.5, torch.float64)
    for mask in (None, causal()):
        expected = scaled_dot_product_attention(0 * q, k, v, mask, prior)
        assert close(prior_attention(v, prior, mask), expected)
    assert not close(prior_attention(v, prior), prior_attention(v, prior, causal()), 1e-3)


def test_a_narrow_prior_copies_and_a_wide_one_averages():
    _, _, v = inputs()
    assert close(prior_attention(v, locality_prior(7, 7, 0.01, torch.float64)), v)
    wide = prior_attention(v, locality_prior(7, 7, 1e9, torch.float64))
    assert close(wide, v.mean(-2, keepdim=True).expand_as(v))


# All of them.


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_computed_in_float32_and_cast_once(dtype):
    halves = [x.to(dtype) for x in inputs(groups=4)]
    wide = [x.float() for x in halves]
    calls = {
        "pooled": lambda q, k, v: pooled_attention(q, k, v, 2),
        "clustered": lambda q, k, v: clustered_attention(q, k, v, 3),
        "two levels": lambda q, k, v: two_level_attention(q, k, v, 2, 1),
        "prior": lambda q, k, v: prior_attention(v, locality_prior(7, 7, 2.0, v.dtype).to(v.dtype)),
    }
    for name, call in calls.items():
        if name != "prior":
            assert torch.equal(call(*halves), call(*wide).to(dtype)), name
    assert calls["prior"](*halves).dtype == dtype


def test_gradcheck():
    leaves = [x.requires_grad_() for x in inputs(1, 2, 4, 4, 2, 2, 2)]
    for call in (
        lambda *x: pooled_attention(*x, 2),
        lambda *x: clustered_attention(*x, 2),
        lambda *x: two_level_attention(*x, 2, 1),
        lambda q, k, v: prior_attention(v, q @ k.mT),
    ):
        assert torch.autograd.gradcheck(call, leaves)


RIGHT = inputs(groups=4)
MISTAKES = {
    "means count as one key": (
        lambda q, k, v: exact(q, torch.stack([r.mean(-2) for r in k.split(3, -2)], -2),
                              torch.stack([r.mean(-2) for r in v.split(3, -2)], -2)),
        lambda q, k, v: pooled_attention(q, k, v, 3, False),
    ),
    "an unfinished run is seen": (
        lambda q, k, v: exact(q, blurred(k, 3), blurred(v, 3), causal().dense(7, 7))[:, :, 2:],
        lambda q, k, v: pooled_attention(q, k, v, 3)[:, :, 2:],
    ),
    "chunks without summaries": (
        lambda q, k, v: exact(q, k, v, (causal() & block_sparse(torch.eye(3).bool(), 3)).dense(7, 7)),
        lambda q, k, v: two_level_attention(q, k, v, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    wrong, right = MISTAKES[name]
    assert not close(wrong(*RIGHT), right(*RIGHT), 1e-3)


Q, K, V = RIGHT
BAD = {
    "stride": (lambda: pooled_attention(Q, K, V, 0), "stride: expected a whole number >= 1; came 0"),
    "clusters": (lambda: clustered_attention(Q, K, V, 8), "clusters: expected at most the 7 queries; came 8"),
    "steps": (lambda: clustered_attention(Q, K, V, 2, -1), "steps: expected a whole number >= 0"),
    "chunk": (lambda: two_level_attention(Q, K, V, 0), "chunk: expected a whole number >= 1"),
    "opened": (lambda: two_level_attention(Q, K, V, 2, -1), "opened: expected a whole number >= 0"),
    "causal": (lambda: two_level_attention(Q, K, V, 2, 1, "yes"), "causal: expected True or False"),
    "width": (lambda: locality_prior(3, 3, 0.0), "width: expected a finite number > 0"),
    "prior": (lambda: prior_attention(V, torch.ones(7, 6).double()), r"bias: expected shape \(7, 7\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, message = BAD[name]
    with pytest.raises((TypeError, ValueError), match=message):
        call()
