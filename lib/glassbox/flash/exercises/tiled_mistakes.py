"""The tiled forward pass: wrong answers, with what is said of them."""

import torch


def _causal(query, key):
    return key <= query


def _fold(m, l, o, s, v):
    new = torch.maximum(m, s.amax(-1, keepdim=True))
    base = new.masked_fill(new == -torch.inf, 0)
    keep, p = (m - base).exp(), (s - base).exp()
    return new, keep * l + p.sum(-1, keepdim=True), keep * o + p @ v


def _finish(m, l, o):
    return o / l.masked_fill(l == 0, 1), (m + l.log())[:, 0]


def _tiles(q, k, v, block, *, seen=_causal, fold=_fold, finish=_finish, skip=None, hidden=-torch.inf):
    """The right answer, with one part of it exchanged."""
    t, n, finished = len(q), len(k), []
    for i in range(0, t, block):
        rows = q[i : i + block] / q.shape[1] ** 0.5
        query = torch.arange(i, i + len(rows))[:, None] + n - t
        state = rows.new_full((len(rows), 1), -torch.inf), rows.new_zeros(len(rows), 1)
        state = *state, rows.new_zeros(len(rows), v.shape[1])
        for j in range(0, n, block):
            if skip is not None and skip(i, j):
                continue
            keys, values = k[j : j + block], v[j : j + block]
            visible = seen(query, torch.arange(j, j + len(keys)))
            state = fold(*state, (rows @ keys.T).masked_fill(~visible, hidden), values)
        finished.append(finish(*state))
    outputs, logs = zip(*finished, strict=True)
    return torch.cat(outputs), torch.cat(logs)


def _fold_output_not_rescaled(m, l, o, s, values):
    new, total, added = _fold(m, l, torch.zeros_like(o), s, values)
    return new, total, o + added


def output_not_rescaled(q, k, v, block):
    """
    saw: the log-sum-exp is right; the output is what you get when o is not rescaled
    means: l was measured against the new maximum and o against old ones
    look: the factor on o, where a tile is added
    """
    return _tiles(q, k, v, block, fold=_fold_output_not_rescaled)


def _fold_sum_not_rescaled(m, l, o, s, values):
    new, added, rescaled = _fold(m, torch.zeros_like(l), o, s, values)
    return new, l + added, rescaled


def sum_not_rescaled(q, k, v, block):
    """
    saw: o is rescaled when the maximum moves, l is not
    means: the denominator counts the old tiles too high: the weights sum to less than 1
    look: the factor on l
    """
    return _tiles(q, k, v, block, fold=_fold_sum_not_rescaled)


def _fold_nothing_rescaled(m, l, o, s, values):
    new, total, added = _fold(m, torch.zeros_like(l), torch.zeros_like(o), s, values)
    return new, l + total, o + added


def nothing_rescaled(q, k, v, block):
    """
    saw: the weights sum to 1, and each tile has a share of its own that is too large or too small
    means: neither l nor o is rescaled: each tile is measured against another maximum
    look: what exp(s - old) must be multiplied by to be exp(s - new)
    """
    return _tiles(q, k, v, block, fold=_fold_nothing_rescaled)


def _fold_divided_in_every_tile(m, l, o, s, values):
    new, total, output = _fold(m, l, o, s, values)
    return new, total, output / total.masked_fill(total == 0, 1)


def divided_in_every_tile(q, k, v, block):
    """
    saw: right with one tile; with several, o is divided by l in each of them
    means: what was divided before is divided again; the old output would have to be multiplied by the old l
    look: one division, after the last tile
    """
    fold = _fold_divided_in_every_tile
    return _tiles(q, k, v, block, fold=fold, finish=lambda m, l, o: (o, (m + l.log())[:, 0]))


def never_divided(q, k, v, block):
    """
    saw: the output of each query is too large by a factor of its own: l
    means: o is the sum of exp(s - m) v; the division by l is missing
    look: what is left to do after the last tile
    """
    return _tiles(q, k, v, block, finish=lambda m, l, o: (o, (m + l.log())[:, 0]))


def without_the_scale(q, k, v, block):
    """
    saw: exactly what you get without a scale
    means: the scores are not divided by the root of d
    look: the product of queries and keys
    """
    return _tiles(q * q.shape[1] ** 0.5, k, v, block)


def no_mask(q, k, v, block):
    """
    saw: every query sees every key
    means: there is no causal mask, or it hides nothing
    look: a tile that the diagonal crosses
    """
    return _tiles(q, k, v, block, seen=lambda query, key: key == key + 0 * query)


def top_left(q, k, v, block):
    """
    saw: the first query sees only the first key
    means: the mask is aligned top-left: the queries are counted from 0, as if t were n
    look: the t queries are the last of n positions
    """
    return _tiles(q, k, v, block, seen=lambda query, key: key <= query - len(k) + len(q))


def strict(q, k, v, block):
    """
    saw: no query sees its own key
    means: the mask is strict: it hides the diagonal
    look: < or <=
    """
    return _tiles(q, k, v, block, seen=lambda query, key: key < query)


def each_tile_for_itself(q, k, v, block):
    """
    saw: every tile is masked along a diagonal of its own
    means: query and key are counted from the corner of the tile, not in the whole text
    look: the first query and the first key of the tile: both are to be added
    """
    return _tiles(q, k, v, block, seen=lambda query, key: key - key[0] <= query - query[0])


def left_out_too_early(q, k, v, block):
    """
    saw: tiles that the diagonal crosses are left out
    means: a tile is empty for the block's first query, and not for its last
    look: compare the tile's first key with the last query of the block
    """
    return _tiles(q, k, v, block, skip=lambda i, j: j > len(k) - len(q) + i)


def left_out_as_if_square(q, k, v, block):
    """
    saw: the mask is right; with fewer queries than keys, visible tiles are left out
    means: tiles to the right of the diagonal are skipped as if query i stood at i
    look: the test that leaves a tile out: query i stands at n - t + i
    """
    return _tiles(q, k, v, block, skip=lambda i, j: j > i + block - 1)


def last_tile_dropped(q, k, v, block):
    """
    saw: the last keys take no part where n is no multiple of the block
    means: the last, smaller tile is left out
    look: the end of the inner loop: the number of tiles is rounded up
    """
    return _tiles(q, k, v, block, skip=lambda i, j: j + block > len(k))


def sum_for_the_logarithm(q, k, v, block):
    """
    saw: the output is right; in place of the log-sum-exp you return l
    means: l is relative to a maximum that nobody else knows; m + log l is not
    look: what two devices would need to merge their results
    """
    return _tiles(q, k, v, block, finish=lambda m, l, o: (_finish(m, l, o)[0], l[:, 0]))


def maximum_not_added(q, k, v, block):
    """
    saw: the output is right; the log-sum-exp lacks the maximum
    means: log l is the logarithm of the sum of exp(s - m)
    look: how m comes back
    """
    return _tiles(q, k, v, block, finish=lambda m, l, o: (_finish(m, l, o)[0], l.log()[:, 0]))


def _fold_nan_where_nothing_is_seen(m, l, o, s, values):
    new = torch.maximum(m, s.amax(-1, keepdim=True))
    keep, p = (m - new).exp(), (s - new).exp()
    return new, keep * l + p.sum(-1, keepdim=True), keep * o + p @ values


def nan_where_nothing_is_seen(q, k, v, block):
    """
    saw: with more queries than keys the first queries give NaN, all else is right
    means: their maximum stays -inf, and -inf less -inf is not a number
    look: what is subtracted while the maximum is -inf; and the division where l is 0
    """
    return _tiles(q, k, v, block, fold=_fold_nan_where_nothing_is_seen)


def mean_where_nothing_is_seen(q, k, v, block):
    """
    saw: with more queries than keys the first queries return the mean of all values
    means: the mask is a large negative number; where all scores are that number, each weight is the same
    look: -inf for a hidden score, and 0 for what such a query returns
    """
    return _tiles(q, k, v, block, hidden=-1e30)


def whole_matrix(q, k, v, block):
    """
    saw: right, but something of t x n numbers exists
    means: all scores, all weights or the whole mask are made at once: that is what tiling is there to avoid
    look: each tile makes its own scores and its own mask, from the positions of its rows and columns
    """
    t, n = len(q), len(k)
    scores = (q @ k.T / q.shape[1] ** 0.5).masked_fill(torch.ones(t, n).triu(n - t + 1).bool(), -torch.inf)
    return scores.softmax(1).nan_to_num(0) @ v, torch.logsumexp(scores, 1)
