"""A tiled loop with a mask: as it is given, right answers, and wrong ones."""

import torch


def nan_from_hidden_tiles(q, k, v, seen, block):
    """
    saw: the planted error is still there: NaN in every row whose first tile is hidden
    means: a maximum of -inf is taken from scores of -inf, or from the old maximum of -inf
    look: the two differences behind the line that finds the maximum
    """
    m, l, o = torch.full_like(q[:, 0], -torch.inf), torch.zeros_like(q[:, 0]), q.new_zeros(len(q), v.shape[1])
    for keys, values, here in zip(k.split(block), v.split(block), seen.split(block, 1), strict=True):
        s = (q @ keys.T / q.shape[1] ** 0.5).masked_fill(~here, -torch.inf)
        new = torch.maximum(m, s.amax(1))
        keep, p = (m - new).exp(), (s - new[:, None]).exp()
        m, l, o = new, keep * l + p.sum(1), keep[:, None] * o + p @ values
    return o / l[:, None]


def solution(q, k, v, seen, block):
    m, l, o = torch.full_like(q[:, 0], -torch.inf), torch.zeros_like(q[:, 0]), q.new_zeros(len(q), v.shape[1])
    for keys, values, here in zip(k.split(block), v.split(block), seen.split(block, 1), strict=True):
        s = (q @ keys.T / q.shape[1] ** 0.5).masked_fill(~here, -torch.inf)
        new = torch.maximum(m, s.amax(1))
        base = new.masked_fill(new == -torch.inf, 0)
        keep, p = (m - base).exp(), (s - base[:, None]).exp()
        m, l, o = new, keep * l + p.sum(1), keep[:, None] * o + p @ values
    return o / l.masked_fill(l == 0, 1)[:, None]


def a_low_start(q, k, v, seen, block):
    m, l, o = torch.full_like(q[:, 0], -1e300), torch.zeros_like(q[:, 0]), q.new_zeros(len(q), v.shape[1])
    for keys, values, here in zip(k.split(block), v.split(block), seen.split(block, 1), strict=True):
        s = (q @ keys.T / q.shape[1] ** 0.5).masked_fill(~here, -torch.inf)
        new = torch.maximum(m, s.amax(1))
        keep, p = (m - new).exp(), (s - new[:, None]).exp()
        m, l, o = new, keep * l + p.sum(1), keep[:, None] * o + p @ values
    return o / l.clamp_min(1)[:, None]


def nothing_for_not_a_number(q, k, v, seen, block):
    m, l, o = torch.full_like(q[:, 0], -torch.inf), torch.zeros_like(q[:, 0]), q.new_zeros(len(q), v.shape[1])
    for keys, values, here in zip(k.split(block), v.split(block), seen.split(block, 1), strict=True):
        s = (q @ keys.T / q.shape[1] ** 0.5).masked_fill(~here, -torch.inf)
        new = torch.maximum(m, s.amax(1))
        keep, p = (m - new).exp().nan_to_num(0), (s - new[:, None]).exp().nan_to_num(0)
        m, l, o = new, keep * l + p.sum(1), keep[:, None] * o + p @ values
    return (o / l[:, None]).nan_to_num(0)


def query_by_query(q, k, v, seen, block):
    """Return the definition: each query meets the keys that it sees, no blocks: coded apart."""
    output = q.new_zeros(len(q), v.shape[1])
    for row, visible in enumerate(seen):
        fits = (k[visible] * q[row]).sum(1) / torch.tensor(q.shape[1]).double().sqrt()
        output[row] = (fits.softmax(0)[:, None] * v[visible]).sum(0)
    return output


def _scores(q, keys, here, hidden=-torch.inf):
    return (q @ keys.T / q.shape[1] ** 0.5).masked_fill(~here, hidden)


def _fold(m, l, o, s, values):
    new = torch.maximum(m, s.amax(1))
    return _fold_below(new, m, l, o, s, values)


def _fold_below(new, m, l, o, s, values):
    """Fold a tile in, with a given new maximum."""
    base = new.masked_fill(new == -torch.inf, 0)
    keep, p = (m - base).exp(), (s - base[:, None]).exp()
    return new, keep * l + p.sum(1), keep[:, None] * o + p @ values


def _start(q, v, m=-torch.inf):
    return torch.full_like(q[:, 0], m), torch.zeros_like(q[:, 0]), q.new_zeros(len(q), v.shape[1])


def _tiles(k, v, seen, block):
    return zip(k.split(block), v.split(block), seen.split(block, 1), strict=True)


def _divided(l, o):
    return o / l.masked_fill(l == 0, 1)[:, None]


def large_negative_number(q, k, v, seen, block):
    """
    saw: no NaN any more; a query that sees nothing returns the mean of all values
    means: hidden scores are a large negative number: beside each other they are all the same, exp(0)
    look: -inf for what is hidden; mend what is done with it
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        m, l, o = _fold(m, l, o, _scores(q, keys, here, -1e30), values)
    return _divided(l, o)


def erased_at_the_end(q, k, v, seen, block):
    """
    saw: no NaN any more, but a row whose first tile was hidden returns 0, though it sees later keys
    means: NaN is erased at the end; the row was lost at its first tile
    look: where the NaN begins
    """
    return nan_from_hidden_tiles(q, k, v, seen, block).nan_to_num(0)


def whole_tiles_skipped(q, k, v, seen, block):
    """
    saw: a tile that all queries miss is skipped; where one row sees a key of it, the others still give NaN
    means: whether a tile is hidden is a question of each row
    look: the rows of a tile that sees something for some
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        if not here.any():
            continue
        s = _scores(q, keys, here)
        new = torch.maximum(m, s.amax(1))
        keep, p = (m - new).exp(), (s - new[:, None]).exp()
        m, l, o = new, keep * l + p.sum(1), keep[:, None] * o + p @ values
    return o / l[:, None]


def zero_over_zero(q, k, v, seen, block):
    """
    saw: hidden tiles are right now; a query that sees nothing at all is still NaN
    means: its l is 0, and 0 / 0 is not a number
    look: the last line
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        m, l, o = _fold(m, l, o, _scores(q, keys, here), values)
    return o / l[:, None]


def maximum_starts_at_zero(q, k, v, seen, block):
    """
    saw: no NaN any more; rows whose scores are all far below 0 are lost
    means: the maximum starts at 0, which is no score: beside it such scores underflow
    look: the maximum of no score at all is -inf
    """
    m, l, o = _start(q, v, m=0.0)
    for keys, values, here in _tiles(k, v, seen, block):
        m, l, o = _fold(m, l, o, _scores(q, keys, here), values)
    return _divided(l, o)


def floor_under_the_maximum(q, k, v, seen, block):
    """
    saw: no NaN any more; rows whose scores are all below some large negative number return 0
    means: a floor under the maximum stands in for -inf: beside it such scores underflow, and the row is lost
    look: no finite number is below every score; what is subtracted is the question, not the maximum
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        s = _scores(q, keys, here)
        new = torch.maximum(m, s.amax(1)).clamp_min(-5e4)
        m, l, o = _fold_below(new, m, l, o, s, values)
    return _divided(l, o)


def stand_in_kept(q, k, v, seen, block):
    """
    saw: no NaN any more; behind a hidden tile, scores far below 0 are lost
    means: the 0 that stands in for -inf is kept as the maximum of the row
    look: what m becomes: the true maximum, -inf where nothing was seen
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        m, l, o = _fold(m, l, o, _scores(q, keys, here), values)
        m = m.masked_fill(m == -torch.inf, 0)
    return _divided(l, o)


def maximum_of_hidden_keys(q, k, v, seen, block):
    """
    saw: no NaN any more; a hidden key with a large score makes all others 0
    means: the maximum is taken before the mask
    look: the order: mask, maximum, exponential
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        new = torch.maximum(m, _scores(q, keys, torch.ones_like(here)).amax(1))
        m, l, o = _fold_below(new, m, l, o, _scores(q, keys, here), values)
    return _divided(l, o)


def hidden_keys_count(q, k, v, seen, block):
    """
    saw: no NaN any more; hidden keys take part with a score of 0
    means: exp(0) is 1, often more than what a visible key gets
    look: the value that hides a score
    """
    m, l, o = _start(q, v)
    for keys, values, here in _tiles(k, v, seen, block):
        m, l, o = _fold(m, l, o, _scores(q, keys, here, 0.0), values)
    return _divided(l, o)
