"""The tiled forward pass: right answers."""

import torch


def solution(q, k, v, block):
    (t, d), n, outputs, logs = q.shape, len(k), [], []
    for i in range(0, t, block):
        rows, at = q[i : i + block] / d**0.5, torch.arange(n - t + i, n - t + min(i + block, t))[:, None]
        m, l, o = torch.full_like(rows[:, :1], -torch.inf), torch.zeros_like(rows[:, :1]), 0
        for j in range(0, n, block):
            s = rows @ k[j : j + block].T
            s = s.masked_fill(torch.arange(j, j + s.shape[1]) > at, -torch.inf)
            new = torch.maximum(m, s.amax(-1, keepdim=True))
            base = new.masked_fill(new == -torch.inf, 0)
            keep, p = (m - base).exp(), (s - base).exp()
            m, l, o = new, keep * l + p.sum(-1, keepdim=True), keep * o + p @ v[j : j + block]
        outputs.append(o / l.masked_fill(l == 0, 1))
        logs.append((m + l.log())[:, 0])
    return torch.cat(outputs), torch.cat(logs)


def keys_outside(q, k, v, block):
    """Walk over the keys for all queries at once, each block cut off where it would reach too far."""
    t, n = len(q), len(k)
    m, l, o = q.new_full((t,), -torch.inf), q.new_zeros(t), q.new_zeros(t, v.shape[1])
    for keys, values, at in zip(k.split(block), v.split(block), torch.arange(n).split(block), strict=True):
        first = max(0, int(at[0]) - (n - t))  # the first query that sees a key of this block
        s = torch.einsum("td,nd->tn", q[first:], keys) * q.shape[1] ** -0.5
        s = torch.where(at <= torch.arange(n - t + first, n)[:, None], s, -torch.inf)
        new = torch.maximum(m[first:], s.amax(1))
        keep, p = (m[first:] - new).exp(), (s - new[:, None]).exp()
        l = torch.cat((l[:first], keep * l[first:] + p.sum(1)))
        o = torch.cat((o[:first], keep[:, None] * o[first:] + p @ values))
        m = torch.cat((m[:first], new))
    return o / l.clamp_min(1)[:, None], m + l.log()


def by_merging(q, k, v, block):
    """Finish every tile by itself, and merge the finished results."""
    (t, d), n = q.shape, len(k)
    outputs, logs = [], []
    for i in range(0, t, block):
        at = torch.arange(n - t + i, n - t + min(i + block, t))[:, None]
        o, lse = q.new_zeros(len(at), v.shape[1]), q.new_full((len(at), 1), -torch.inf)
        for j in range(0, n, block):
            s = q[i : i + block] @ k[j : j + block].T / d**0.5
            s = s.masked_fill(torch.arange(j, j + s.shape[1]) > at, -torch.inf)
            here = s.logsumexp(1, keepdim=True)
            both = torch.logaddexp(lse, here)
            o = (lse - both).exp().nan_to_num(0) * o + (s - both).exp().nan_to_num(0) @ v[j : j + block]
            lse = both
        outputs.append(o)
        logs.append(lse[:, 0])
    return torch.cat(outputs), torch.cat(logs)


def query_by_query(q, k, v, block):
    """Return the definition, one query after the other, no blocks: coded apart from the solution."""
    t, n = len(q), len(k)
    output, log = q.new_zeros(t, v.shape[1]), q.new_full((t,), -torch.inf)
    for query in range(max(0, t - n), t):
        seen = n - t + query + 1
        fits = (k[:seen] * q[query]).sum(1) / torch.tensor(q.shape[1]).double().sqrt()
        output[query] = (fits.softmax(0)[:, None] * v[:seen]).sum(0)
        log[query] = torch.logsumexp(fits, 0)
    return output, log
