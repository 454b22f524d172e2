"""Attention block by block: forward with running sums, backward from q, k, v, o and the log-sum-exp alone.

Heads are split into groups first: queries are (b, g, h/g, t, d), keys and values (b, g, 1, n, d).
"""

from typing import NamedTuple

import torch

from glassbox.attention.reference.core import Attended
from glassbox.flash.reference.scoring import score_and_slope
from glassbox.flash.reference.softmax import base, finish, partial_start, partial_step
from glassbox.norms.reference import wide


class Queries(NamedTuple):
    """A block of queries, and where they stand."""

    q: torch.Tensor  # (b, g, h/g, t, d)
    at: torch.Tensor  # (t,)


class Keys(NamedTuple):
    """A block of keys and values, and where they stand."""

    k: torch.Tensor  # (b, g, 1, n, d)
    v: torch.Tensor  # (b, g, 1, n, e)
    at: torch.Tensor  # (n,)


class Returned(NamedTuple):
    """What the backward pass reads for a block of queries beside the queries."""

    do: torch.Tensor  # (b, g, h/g, t, e): gradient of the output
    lse: torch.Tensor  # (b, g, h/g, t)
    delta: torch.Tensor  # (b, g, h/g, t): rowsum(do * o), less the gradient of the lse


class Gradients(NamedTuple):
    """Gradients by queries, keys and values."""

    dq: torch.Tensor
    dk: torch.Tensor
    dv: torch.Tensor


def grouped(x, groups):
    """(b, h, ...) -> (b, g, h/g, ...): the heads that read one key head, side by side."""
    return wide(x).unflatten(1, (groups, x.shape[1] // groups))


def query_blocks(q, groups, keys, block):
    """The queries in blocks, at the end of the keys: the last query stands at the last key."""
    t = q.shape[2]
    at = torch.arange(keys - t, keys, device=q.device)
    return [Queries(*pair) for pair in zip(grouped(q, groups).split(block, 3), at.split(block), strict=True)]


def key_blocks(k, v, block):
    at = torch.arange(k.shape[2], device=k.device)
    parts = (wide(k)[:, :, None].split(block, 3), wide(v)[:, :, None].split(block, 3), at.split(block))
    return [Keys(*three) for three in zip(*parts, strict=True)]


def forward_step(part, queries, keys, rules):
    """Fold one block of keys and values into the partial result of a block of queries."""
    scores, _ = score_and_slope(queries.q @ keys.k.mT, rules, queries.at, keys.at, slope=False)
    return partial_step(part, scores, keys.v)


def forward_start(queries, values, sinks=None):
    """The state before the first key; a learned sink (b, g, h/g, 1) is a score from the start."""
    part = partial_start(queries.q[..., 0], values)
    return part if sinks is None else part._replace(m=sinks.expand_as(part.m), l=torch.ones_like(part.l))


def forward_rows(queries, blocks, rules, sinks=None):
    """Walk one block of queries over all keys."""
    part = forward_start(queries, blocks[0].v.shape[-1], sinks)
    for keys in blocks:
        part = forward_step(part, queries, keys, rules)
    return finish(part)


def joined(parts, like):
    """Blocks of results (b, g, h/g, t, e) -> the whole (b, h, t, e), output in the type of `like`."""
    output = torch.cat([part.output for part in parts], 3).flatten(1, 2)
    return Attended(output.to(like.dtype), torch.cat([part.lse for part in parts], 3).flatten(1, 2))


def forward(q, k, v, rules, query_block, key_block, sinks=None):
    """Queries outside, keys inside: each output is divided and written once."""
    blocks = key_blocks(k, v, key_block)
    sinks = None if sinks is None else grouped(sinks[None, :, None], k.shape[1])
    rows = [
        forward_rows(queries, blocks, rules, sinks)
        for queries in query_blocks(q, k.shape[1], k.shape[2], query_block)
    ]
    return joined(rows, q)


def tile_gradient(queries, back, keys, rules):
    """The weights of one tile, recomputed, and the gradient by scale * q . k."""
    scores, slope = score_and_slope(queries.q @ keys.k.mT, rules, queries.at, keys.at)
    p = (scores - base(back.lse)[..., None]).exp()
    ds = p * (back.do @ keys.v.mT - back.delta[..., None])
    return p, ds if slope is None else ds * slope


def query_step(dq, queries, back, keys, rules):
    """Add what one block of keys gives to the gradient of a block of queries."""
    _, ds = tile_gradient(queries, back, keys, rules)
    return dq + rules.scale * ds @ keys.k


def key_step(gradients, queries, back, keys, rules):
    """Add what one block of queries gives to the gradients (dk, dv) of a block of keys and values."""
    p, ds = tile_gradient(queries, back, keys, rules)
    dk = rules.scale * (ds.mT @ queries.q).sum(2, keepdim=True)  # all heads of the group read this key
    dv = (p.mT @ back.do).sum(2, keepdim=True)
    return gradients[0] + dk, gradients[1] + dv


def returned_blocks(o, lse, do, dlse, groups, block):
    """What the backward pass reads for each block of queries."""
    o, lse, do = (grouped(x, groups) for x in (o, lse, do))
    delta = (do * o).sum(-1)
    if dlse is not None:
        delta = delta - grouped(dlse, groups)
    parts = (do.split(block, 3), lse.split(block, 3), delta.split(block, 3))
    return [Returned(*three) for three in zip(*parts, strict=True)]


def backward(q, k, v, o, lse, do, rules, query_block, key_block, dlse=None):
    """Two passes without a shared sum: keys inside for dq, queries inside for dk and dv."""
    g, blocks = k.shape[1], key_blocks(k, v, key_block)
    rows = query_blocks(q, g, k.shape[2], query_block)
    rows = list(zip(rows, returned_blocks(o, lse, do, dlse, g, query_block), strict=True))
    dq = [query_gradient(*row, blocks, rules) for row in rows]
    dk, dv = zip(*(key_gradient(rows, keys, rules) for keys in blocks), strict=True)
    dq = torch.cat(dq, 3).flatten(1, 2).to(q.dtype)
    return Gradients(dq, torch.cat(dk, 3).squeeze(2).to(k.dtype), torch.cat(dv, 3).squeeze(2).to(v.dtype))


def sink_gradient(sinks, lse, o, do, dlse):
    """A sink is a key whose value is 0: its weight times -D, summed over the queries of its head."""
    delta = (wide(do) * wide(o)).sum(-1)
    if dlse is not None:
        delta = delta - dlse
    return -((wide(sinks)[:, None] - lse).exp() * delta).sum((0, 2)).to(sinks.dtype)


def query_gradient(queries, back, blocks, rules):
    dq = torch.zeros_like(queries.q)
    for keys in blocks:
        dq = query_step(dq, queries, back, keys, rules)
    return dq


def key_gradient(rows, keys, rules):
    gradients = torch.zeros_like(keys.k), torch.zeros_like(keys.v)
    for queries, back in rows:
        gradients = key_step(gradients, queries, back, keys, rules)
    return gradients
