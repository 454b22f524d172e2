"""A cached step with rotary positions: as it is given, right answers, and wrong ones."""

import torch


def every_step_begins_at_zero(q, k, v, keys, values):
    """
    saw: the planted error is still there: right with an empty cache, and wrong behind one
    means: query and keys are turned as if each key lay n_past positions nearer, or behind the query
    look: the position of the first new query, and that of the first key in the cache
    """
    n_past, t, half = keys.shape[-2], q.shape[-2], q.shape[-1] // 2
    keys, values = torch.cat((keys, k), -2), torch.cat((values, v), -2)
    query_at, key_at = torch.arange(t), torch.arange(n_past + t)
    speed = 10_000.0 ** (-torch.arange(half, dtype=q.dtype) / half)
    turned = []
    for x, at in ((q, query_at), (keys, key_at)):
        angle, (a, b) = at[:, None] * speed, x.chunk(2, -1)
        turned.append(torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1))
    scores = turned[0] @ turned[1].mT / (2 * half) ** 0.5
    seen = torch.ones(t, n_past + t, dtype=torch.bool).tril(n_past)
    return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ values, keys, values


def solution(q, k, v, keys, values):
    n_past, t, half = keys.shape[-2], q.shape[-2], q.shape[-1] // 2
    keys, values = torch.cat((keys, k), -2), torch.cat((values, v), -2)
    query_at, key_at = torch.arange(n_past, n_past + t), torch.arange(n_past + t)
    speed = 10_000.0 ** (-torch.arange(half, dtype=q.dtype) / half)
    turned = []
    for x, at in ((q, query_at), (keys, key_at)):
        angle, (a, b) = at[:, None] * speed, x.chunk(2, -1)
        turned.append(torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1))
    scores = turned[0] @ turned[1].mT / (2 * half) ** 0.5
    seen = torch.ones(t, n_past + t, dtype=torch.bool).tril(n_past)
    return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ values, keys, values


def by_distance(q, k, v, keys, values):
    """Count from the first new token: cached keys have negative positions."""
    n_past, t = keys.shape[-2], q.shape[-2]
    keys, values = torch.cat((keys, k), -2), torch.cat((values, v), -2)
    scores = _turned(q, 0) @ _turned(keys, -n_past).mT / q.shape[-1] ** 0.5
    hidden = torch.ones(t, n_past + t, dtype=torch.bool).triu(n_past + 1)
    return scores.masked_fill(hidden, -torch.inf).softmax(-1) @ values, keys, values


def with_complex_numbers(q, k, v, keys, values):
    """Return the definition with pairs as complex numbers and no cache: coded apart from the solution."""
    keys, values = torch.cat((keys, k), -2), torch.cat((values, v), -2)
    first = keys.shape[-2] - q.shape[-2]
    speed = 10_000.0 ** -torch.linspace(0, 1, q.shape[-1] // 2 + 1, dtype=torch.float64)[:-1]
    pairs = [torch.complex(*each.chunk(2, -1)) for each in (q, keys)]
    outputs = []
    for row in range(q.shape[-2]):
        behind = first + row - torch.arange(first + row + 1)
        turn = torch.polar(torch.ones(len(behind), len(speed)).double(), behind[:, None] * speed)
        fits = (pairs[0][..., row, None, :] * pairs[1][..., : first + row + 1, :].conj() * turn).real.sum(-1)
        share = (fits / q.shape[-1] ** 0.5).softmax(-1)
        outputs.append((share[..., None] * values[..., : first + row + 1, :]).sum(-2))
    return torch.stack(outputs, -2), keys, values


def _turned(x, first, step=1):
    half = x.shape[-1] // 2
    speed = 10_000.0 ** (-torch.arange(half, dtype=x.dtype) / half)
    angle = (first + step * torch.arange(x.shape[-2]))[:, None] * speed
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1)


def _attend(q, keys, values):
    """Causal attention to keys that are turned already."""
    t, n = q.shape[-2], keys.shape[-2]
    scores = (q @ keys.mT / q.shape[-1] ** 0.5).masked_fill(
        torch.ones(t, n, dtype=torch.bool).triu(n - t + 1), -torch.inf
    )
    return scores.softmax(-1) @ values


def _joined(k, v, keys, values):
    return torch.cat((keys, k), -2), torch.cat((values, v), -2)


def without_rotation(q, k, v, keys, values):
    """
    saw: nothing is turned any more
    means: the order of the cached tokens no longer counts
    look: the rotation of queries and keys
    """
    keys, values = _joined(k, v, keys, values)
    return _attend(q, keys, values), keys, values


def one_position_late(q, k, v, keys, values):
    """
    saw: every query stands one position too late, even with an empty cache
    means: n_past keys stand at 0 ... n_past - 1, and the next position is n_past, not n_past + 1
    look: the first position of the queries
    """
    n_past = keys.shape[-2]
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, n_past + 1), _turned(keys, 0), values), keys, values


def one_position_early(q, k, v, keys, values):
    """
    saw: every query stands one position too early, even with an empty cache
    means: n_past keys stand at 0 ... n_past - 1, and the next position is n_past
    look: the first position of the queries
    """
    n_past = keys.shape[-2]
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, n_past - 1), _turned(keys, 0), values), keys, values


def from_the_end(q, k, v, keys, values):
    """
    saw: one new token is right, of several each stands t - 1 positions too late
    means: the first new query begins where the last one belongs
    look: the number of keys before the new ones are appended, or after
    """
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, keys.shape[-2] - 1), _turned(keys, 0), values), keys, values


def from_all_keys(q, k, v, keys, values):
    """
    saw: each query stands t positions too late, even with an empty cache
    means: the keys were counted after the new ones had been appended
    look: n_past, or keys.shape after the cat
    """
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, keys.shape[-2]), _turned(keys, 0), values), keys, values


def all_at_one_position(q, k, v, keys, values):
    """
    saw: one new token is right, of several all stand at n_past
    means: the positions of a chunk do not go on
    look: n_past, n_past + 1, ...: one position for each query
    """
    n_past = keys.shape[-2]
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, n_past, step=0), _turned(keys, 0), values), keys, values


def new_keys_alone(q, k, v, keys, values):
    """
    saw: queries and new keys are at the right positions, cached keys are not turned
    means: this cache holds keys as they were before RoPE, so all of them are turned at every step
    look: which keys are turned
    """
    n_past = keys.shape[-2]
    turned = torch.cat((keys, _turned(k, n_past)), -2)
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, n_past), turned, values), keys, values


def turned_keys_in_the_cache(q, k, v, keys, values):
    """
    saw: the output is right, and the cache that is returned holds turned keys
    means: the next step turns them once more
    look: what is returned: this cache holds keys as they were before RoPE
    """
    n_past = keys.shape[-2]
    keys, values = _joined(k, v, keys, values)
    turned = _turned(keys, 0)
    return _attend(_turned(q, n_past), turned, values), turned, values


def values_turned_too(q, k, v, keys, values):
    """
    saw: the scores are right, and what is read is turned
    means: RoPE was given to the values: they carry no position
    look: what the rotation is applied to
    """
    n_past = keys.shape[-2]
    keys, values = _joined(k, v, keys, values)
    return _attend(_turned(q, n_past), _turned(keys, 0), _turned(values, 0)), keys, values
