"""Grouped-query attention: right answers, and wrong ones with what is said of them."""

import torch


def solution(q, k, v):
    (b, h, t, d), (g, n) = q.shape, k.shape[1:3]
    rows = q.reshape(b, g, h // g * t, d)  # all rows that read one key head
    scores = (rows @ k.mT).reshape(b, h, t, n) / d**0.5
    seen = torch.ones(t, n, dtype=torch.bool).tril(n - t)
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1).masked_fill(~seen, 0)
    return (weights.reshape(b, g, h // g * t, n) @ v).reshape(b, h, t, d)


def by_einsum(q, k, v):
    t, n = q.shape[2], k.shape[2]
    grouped = q.unflatten(1, (k.shape[1], -1))
    scores = torch.einsum("bgrtd,bgnd->bgrtn", grouped * q.shape[3] ** -0.5, k)
    ahead = torch.arange(n) > torch.arange(n - t, n)[:, None]
    scores = scores.masked_fill(ahead, -torch.inf)
    top = scores.amax(-1, keepdim=True)
    exp = (scores - top.masked_fill(top.isinf(), 0)).exp()
    total = exp.sum(-1, keepdim=True)
    weights = exp / total.masked_fill(total == 0, 1)
    return torch.einsum("bgrtn,bgnd->bgrtd", weights, v).flatten(1, 2)


def query_by_query(q, k, v):
    """Return the definition, one query of one head at a time: coded apart from the solution."""
    (_, h, t, d), (g, n) = q.shape, k.shape[1:3]
    output = torch.zeros_like(q)
    for head in range(h):
        keys, values = k[:, head * g // h], v[:, head * g // h]
        for query in range(max(0, t - n), t):
            seen = n - t + query + 1
            scores = (keys[:, :seen] * q[:, head, query, None]).sum(-1) / torch.tensor(d).double().sqrt()
            share = scores.exp() / scores.exp().sum(-1, keepdim=True)
            output[:, head, query] = (share[..., None] * values[:, :seen]).sum(-2)
    return output


def _causal(t, n):
    return torch.ones(t, n, dtype=torch.bool).tril(n - t)


def _scores(q, k):
    return q @ k.repeat_interleave(q.shape[1] // k.shape[1], 1).mT / q.shape[3] ** 0.5


def _read(weights, v):
    return weights @ v.repeat_interleave(weights.shape[1] // v.shape[1], 1)


def _attend(scores, v, seen):
    """Mask, take the softmax, read the values; a query that sees nothing returns 0."""
    return _read(scores.masked_fill(~seen, -torch.inf).softmax(-1).masked_fill(~seen, 0), v)


def tiled(q, k, v):
    """
    saw: the key heads are dealt out in turn: query head i reads key head i mod g
    means: they are tiled; in grouped-query attention neighbours share: head i reads key head i // (h / g)
    look: the order of the two sizes into which you split the query heads; or repeat for repeat_interleave
    """
    times = q.shape[1] // k.shape[1]
    return solution(q, k.repeat(1, times, 1, 1), v.repeat(1, times, 1, 1))


def without_the_scale(q, k, v):
    """
    saw: exactly what you get without a scale
    means: the variance of a score grows with d, and the softmax becomes a choice of one key
    look: the scores are divided by the root of d
    """
    return _attend(_scores(q, k) * q.shape[3] ** 0.5, v, _causal(q.shape[2], k.shape[2]))


def divided_by_d(q, k, v):
    """
    saw: exactly what you get when scores are divided by d
    means: all scores are nearly the same, and every query returns nearly the mean of its values
    look: the root of d, not d
    """
    return _attend(_scores(q, k) / q.shape[3] ** 0.5, v, _causal(q.shape[2], k.shape[2]))


def no_mask(q, k, v):
    """
    saw: every query sees every key
    means: there is no causal mask, or it hides nothing
    look: which keys come after a query
    """
    return _attend(_scores(q, k), v, torch.ones(q.shape[2], k.shape[2], dtype=torch.bool))


def top_left(q, k, v):
    """
    saw: the first query sees only the first key
    means: the mask is aligned top-left; the t queries are the last of n positions
    look: the diagonal: it is shifted by n - t
    """
    return _attend(_scores(q, k), v, torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril())


def strict(q, k, v):
    """
    saw: no query sees its own key
    means: the mask is strict: it allows what comes before, and not the position itself
    look: the diagonal: < or <=, tril or triu, and the number beside it
    """
    t, n = q.shape[2], k.shape[2]
    return _attend(_scores(q, k), v, torch.ones(t, n, dtype=torch.bool).tril(n - t - 1))


def masked_after_the_softmax(q, k, v):
    """
    saw: the weights of the early queries do not sum to 1
    means: the softmax counts hidden keys in its denominator, and their weights are deleted afterwards
    look: the mask comes before the softmax, as -inf
    """
    return _read(_scores(q, k).softmax(-1) * _causal(q.shape[2], k.shape[2]), v)


def masked_with_zero(q, k, v):
    """
    saw: hidden keys take part with a score of 0
    means: exp(0) is 1, and often more than what a visible key gets
    look: the value that hides a score: its exponential must be 0
    """
    return _read(_scores(q, k).masked_fill(~_causal(q.shape[2], k.shape[2]), 0).softmax(-1), v)


def softmax_over_the_queries(q, k, v):
    """
    saw: the weights of each key sum to 1 over the queries, not those of each query over the keys
    means: the softmax runs over the wrong dimension: queries compete for a key
    look: the dimension of the softmax: -1
    """
    seen = _causal(q.shape[2], k.shape[2])
    return _read(_scores(q, k).masked_fill(~seen, -torch.inf).softmax(-2).nan_to_num(0), v)


def nan_where_nothing_is_seen(q, k, v):
    """
    saw: with more queries than keys the first queries give NaN, all else is right
    means: all their scores are -inf, and the softmax of such a row is 0 / 0
    look: what the weights of a row are, of which everything is masked
    """
    seen = _causal(q.shape[2], k.shape[2])
    return _read(_scores(q, k).masked_fill(~seen, -torch.inf).softmax(-1), v)


def mean_where_nothing_is_seen(q, k, v):
    """
    saw: with more queries than keys the first queries return the mean of all values
    means: the mask is a large negative number, and where all scores are equal the softmax is uniform
    look: -inf for a hidden score, and 0 for what such a query returns
    """
    seen = _causal(q.shape[2], k.shape[2])
    return _read(_scores(q, k).masked_fill(~seen, -1e30).softmax(-1), v)


def repeats_the_keys(q, k, v):
    """
    saw: right, but every key and value is copied h / g times
    means: repeat_interleave writes copies, and so does a matrix product that broadcasts an expanded key
    look: reshape the queries instead: (b, g, h/g t, d) meets (b, g, n, d) as it is
    """
    return _attend(_scores(q, k), v, _causal(q.shape[2], k.shape[2]))
