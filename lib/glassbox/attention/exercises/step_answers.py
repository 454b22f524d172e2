"""A step with a cache: right answers, and wrong ones with what is said of them."""

import torch


def solution(x, w_q, w_k, w_v, w_o, keys, values):
    (b, t, _), (g, n, d) = x.shape, keys.shape[1:]
    q, k, v = (heads.unflatten(2, (-1, d)).transpose(1, 2) for heads in (x @ w_q.T, x @ w_k.T, x @ w_v.T))
    keys, values = torch.cat((keys, k), 2), torch.cat((values, v), 2)
    rows = q.reshape(b, g, -1, d)  # query heads that share a key head lie next to each other
    scores = (rows @ keys.mT / d**0.5).reshape(b, -1, t, n + t)
    seen = torch.ones(t, n + t, dtype=torch.bool).tril(n)
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    read = (weights.reshape(b, g, -1, n + t) @ values).reshape(b, -1, t, d)
    return read.transpose(1, 2).flatten(2) @ w_o.T, keys, values


def by_einsum(x, w_q, w_k, w_v, w_o, keys, values):
    g, n, d = keys.shape[1:]
    keys = torch.cat((keys, torch.einsum("btm,gdm->bgtd", x, w_k.unflatten(0, (g, d)))), 2)
    values = torch.cat((values, torch.einsum("btm,gdm->bgtd", x, w_v.unflatten(0, (g, d)))), 2)
    q = torch.einsum("btm,grdm->bgrtd", x, w_q.unflatten(0, (g, -1, d)))
    scores = torch.einsum("bgrtd,bgnd->bgrtn", q, keys) * d**-0.5
    place = torch.arange(keys.shape[2])
    weights = scores.masked_fill(place > place[n:, None], -torch.inf).softmax(-1)
    read = torch.einsum("bgrtn,bgnd->bgrtd", weights, values)
    return torch.einsum("bgrtd,mgrd->btm", read, w_o.unflatten(1, (g, -1, d))), keys, values


def token_by_token(x, w_q, w_k, w_v, w_o, keys, values):
    """Return the definition: one token of one head at a time, the cache kept as lists."""
    g, d, h = keys.shape[1], keys.shape[3], len(w_q) // keys.shape[3]
    k = [list(keys[:, j].unbind(1)) for j in range(g)]
    v = [list(values[:, j].unbind(1)) for j in range(g)]
    outputs = []
    for token in x.unbind(1):
        for j in range(g):
            k[j].append(token @ w_k[j * d : (j + 1) * d].T)
            v[j].append(token @ w_v[j * d : (j + 1) * d].T)
        read = [_one(token @ w_q[i * d : (i + 1) * d].T, k[i * g // h], v[i * g // h]) for i in range(h)]
        outputs.append(torch.cat(read, -1) @ w_o.T)
    together = [torch.stack([torch.stack(head, 1) for head in each], 1) for each in (k, v)]
    return torch.stack(outputs, 1), *together


def _one(query, keys, values):
    fits = [(query * key).sum(-1, keepdim=True) / query.shape[-1] ** 0.5 for key in keys]
    share = torch.cat(fits, -1).softmax(-1)
    return sum(share[:, place, None] * value for place, value in enumerate(values))


def _split(x, matrix, d):
    return (x @ matrix.T).unflatten(2, (-1, d)).transpose(1, 2)


def _attend(q, keys, values, diagonal, scale=None):
    """Attend with as many key heads as query heads; `diagonal` is that of the mask."""
    scale = q.shape[3] ** -0.5 if scale is None else scale
    seen = torch.ones(q.shape[2], keys.shape[2], dtype=torch.bool).tril(diagonal)
    return (q @ keys.mT * scale).masked_fill(~seen, -torch.inf).softmax(-1).masked_fill(~seen, 0) @ values


def _for_all(x, heads):
    return x.repeat_interleave(heads // x.shape[1], 1)


def _joined(heads, w_o):
    return heads.transpose(1, 2).flatten(2) @ w_o.T


def _appended(x, w_k, w_v, keys, values):
    d = keys.shape[3]
    return torch.cat((keys, _split(x, w_k, d)), 2), torch.cat((values, _split(x, w_v, d)), 2)


def _with_mask(x, w_q, w_k, w_v, w_o, keys, values, diagonal, scale=None):
    q = _split(x, w_q, keys.shape[3])
    keys, values = _appended(x, w_k, w_v, keys, values)
    read = _attend(q, _for_all(keys, q.shape[1]), _for_all(values, q.shape[1]), diagonal, scale)
    return _joined(read, w_o), keys, values


def top_left(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: behind a cache, the first new token sees only the oldest cached key
    means: the mask is aligned top-left; the new tokens are the last of n + t
    look: the diagonal: it is shifted by the number of cached tokens
    """
    return _with_mask(x, w_q, w_k, w_v, w_o, keys, values, 0)


def strict(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: no new token sees its own key
    means: the mask is strict; a token's own key and value are in the cache before it reads
    look: the diagonal, < or <=
    """
    return _with_mask(x, w_q, w_k, w_v, w_o, keys, values, keys.shape[2] - 1)


def no_mask(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: a token alone is right, in a chunk every token sees those that follow
    means: there is no causal mask
    look: decoding one token needs none, a prompt does
    """
    return _with_mask(x, w_q, w_k, w_v, w_o, keys, values, keys.shape[2] + x.shape[1])


def without_the_scale(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: exactly what you get without a scale
    means: the scores are not divided by the root of d
    look: the argument of the softmax
    """
    return _with_mask(x, w_q, w_k, w_v, w_o, keys, values, keys.shape[2], scale=1.0)


def overwrites_the_cache(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: right with an empty cache; behind one, only the new keys are left
    means: the cache is overwritten: each step forgets all that came before
    look: append with torch.cat, then attend to all
    """
    return _with_mask(x, w_q, w_k, w_v, w_o, keys[:, :, :0], values[:, :, :0], 0)


def appends_in_front(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: the new keys stand before the cached ones
    means: the two are joined in the wrong order: the mask then hides cached keys in place of later ones
    look: the order in torch.cat
    """
    n, d = keys.shape[2:]
    q = _split(x, w_q, d)
    keys, values = torch.cat((_split(x, w_k, d), keys), 2), torch.cat((_split(x, w_v, d), values), 2)
    read = _attend(q, _for_all(keys, q.shape[1]), _for_all(values, q.shape[1]), n)
    return _joined(read, w_o), keys, values


def returns_the_old_cache(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: the output is right, and the cache that is returned is the one that was given
    means: the new keys and values are used once and lost
    look: the `return` line
    """
    return _with_mask(x, w_q, w_k, w_v, w_o, keys, values, keys.shape[2])[0], keys, values


def caches_every_query_head(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: the output is right, and the cache that is returned has h heads
    means: keys and values are stored as they were repeated: nothing is saved, and the next step cannot append
    look: what you return: the keys before they are repeated
    """
    output, keys, values = _with_mask(x, w_q, w_k, w_v, w_o, keys, values, keys.shape[2])
    h = len(w_q) // keys.shape[3]
    return output, _for_all(keys, h), _for_all(values, h)


def tiled(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: the key heads are dealt out in turn: query head i reads key head i mod g
    means: they are tiled; neighbours share: head i reads key head i // (h / g)
    look: repeat for repeat_interleave, or the order of the two sizes into which h is split
    """
    n, q = keys.shape[2], _split(x, w_q, keys.shape[3])
    keys, values = _appended(x, w_k, w_v, keys, values)
    times = q.shape[1] // keys.shape[1]
    read = _attend(q, keys.repeat(1, times, 1, 1), values.repeat(1, times, 1, 1), n)
    return _joined(read, w_o), keys, values


def one_key_head_for_all(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: every query head reads key head 0
    means: that is multi-query attention; here g key heads serve h / g query heads each
    look: the way from key heads to query heads
    """
    n, q = keys.shape[2], _split(x, w_q, keys.shape[3])
    keys, values = _appended(x, w_k, w_v, keys, values)
    return _joined(_attend(q, keys[:, :1], values[:, :1], n), w_o), keys, values


def heads_not_joined(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: what enters w_o mixes tokens: (b, h, t, d) was reshaped to (b, t, h d) as it lies in memory
    means: heads and tokens must change places first
    look: transpose(1, 2) before the reshape
    """
    n, q = keys.shape[2], _split(x, w_q, keys.shape[3])
    keys, values = _appended(x, w_k, w_v, keys, values)
    read = _attend(q, _for_all(keys, q.shape[1]), _for_all(values, q.shape[1]), n)
    return read.reshape(*x.shape[:2], -1) @ w_o.T, keys, values


def output_per_group(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: every group of query heads goes through the same columns of w_o, those of the first
    means: an output matrix per group is not GQA's; one matrix takes all h d numbers at once
    look: join all heads, then one product
    """
    g, n, d = keys.shape[1:]
    q = _split(x, w_q, d)
    keys, values = _appended(x, w_k, w_v, keys, values)
    read = _attend(q, _for_all(keys, q.shape[1]), _for_all(values, q.shape[1]), n)
    groups = read.transpose(1, 2).flatten(2).chunk(g, -1)
    return sum(group @ w_o[:, : group.shape[-1]].T for group in groups), keys, values


def head_by_head(x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: right, but with several tensor operations for every head
    means: a Python loop walks over the heads
    look: one product serves all of them
    """
    n, d = keys.shape[2:]
    h, q = len(w_q) // d, _split(x, w_q, d)
    keys, values = _appended(x, w_k, w_v, keys, values)
    places = [i * keys.shape[1] // h for i in range(h)]
    read = [_attend(q[:, i, None], keys[:, j, None], values[:, j, None], n) for i, j in enumerate(places)]
    return _joined(torch.cat(read, 1), w_o), keys, values
