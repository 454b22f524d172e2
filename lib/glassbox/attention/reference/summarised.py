"""Attention to fewer keys or from fewer queries: means of runs of keys, clusters of queries, two levels."""

import torch

from glassbox.attention.reference.core import attention, by_group
from glassbox.norms.reference import wide


def run_means(x, stride):
    """(b, g, n, d) -> (b, g, runs, d): the mean of each run of `stride`; the last run may be shorter."""
    runs = [run.mean(-2) for run in wide(x).split(stride, -2)]
    return torch.stack(runs, -2)


def run_sizes(n, stride, like):
    """The number of keys in each run, on the device of `like` and in its wide type."""
    sizes = [min(stride, n - first) for first in range(0, n, stride)]
    return torch.tensor(sizes, dtype=wide(like[:0]).dtype, device=like.device)


def positions(t, n, x):
    """The positions of t queries at the end of n keys, as a column."""
    return torch.arange(n - t, n, device=x.device)[:, None]


def pooled_attention(q, k, v, stride, causal=True):
    t, n = q.shape[2], k.shape[2]
    size = run_sizes(n, stride, q)
    last = size.long().cumsum(0) - 1
    mask = last <= positions(t, n, q) if causal else None
    bias = size.log().expand(t, -1)  # a mean stands for so many keys
    return attention(wide(q), run_means(k, stride), run_means(v, stride), mask, bias).output.to(q.dtype)


def k_means(x, clusters, steps=10):
    """(b, h, t, d) -> (b, h, t): each row's cluster, by Lloyd's steps from evenly spaced rows."""
    x = wide(x.detach())
    first = torch.arange(clusters, device=x.device) * x.shape[-2] // clusters
    centre = x[..., first, :]
    for _ in range(steps):
        member = memberships(nearest(x, centre), clusters, x)
        moved = cluster_means(x, member)
        centre = torch.where(member.sum(-2)[..., None] > 0, moved, centre)
    return nearest(x, centre)


def nearest(x, centre):
    """The number of the centre that is nearest to each row; the lowest of equals."""
    return torch.cdist(x, centre, compute_mode="donot_use_mm_for_euclid_dist").argmin(-1)


def memberships(label, clusters, like):
    """(b, h, t) -> (b, h, t, clusters): 1 where a row belongs to the cluster."""
    return (label[..., None] == torch.arange(clusters, device=label.device)).to(like.dtype)


def cluster_means(x, member):
    """The mean of each cluster's rows; zeros where it has none."""
    return member.mT @ x / member.sum(-2).clamp(min=1)[..., None]


def clustered_attention(q, k, v, clusters, steps=10):
    member = memberships(k_means(q, clusters, steps), clusters, wide(q))
    answers = attention(cluster_means(wide(q), member), wide(k), wide(v)).output
    return (member @ answers).to(q.dtype)


def reopened(q, summary, bias, others, opened):
    """True for the `opened` chunks among the `others` whose summaries fit the query best."""
    scores = (by_group(q, summary.shape[1]) @ summary.mT).reshape(*q.shape[:3], -1) * q.shape[-1] ** -0.5
    scores = (scores + bias).masked_fill(~others, -torch.inf)
    best = scores.topk(min(opened, scores.shape[-1]), -1).indices
    return torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True) & others


def two_level_attention(q, k, v, chunk, opened=0, causal=True):
    t, n, q_wide = q.shape[2], k.shape[2], wide(q)
    key_summary, value_summary = run_means(k, chunk), run_means(v, chunk)
    bias = run_sizes(n, chunk, q).log().expand(t, -1)
    at, every = positions(t, n, q), torch.arange(key_summary.shape[2], device=q.device)
    own = every == at.div(chunk, rounding_mode="floor")
    others = every < at.div(chunk, rounding_mode="floor") if causal else ~own
    read = reopened(q_wide, key_summary, bias, others, opened)
    key = torch.arange(n, device=q.device)
    exact = (own | read)[..., key // chunk] & (
        key <= at if causal else torch.ones_like(key, dtype=torch.bool)
    )
    return attention(
        q_wide,
        torch.cat((key_summary, wide(k)), 2),
        torch.cat((value_summary, wide(v)), 2),
        torch.cat((others & ~read, exact), -1),
        torch.cat((bias, bias.new_zeros(t, n)), -1),
    ).output.to(q.dtype)
