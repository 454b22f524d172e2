"""The softmax that never holds a whole row: running sums, a step that folds in a block, and their merge."""

from typing import NamedTuple

import torch

from glassbox.attention.reference.core import Attended, softmax
from glassbox.norms.reference import wide


class Running(NamedTuple):
    """What online softmax keeps of a row while it walks over the scores."""

    m: torch.Tensor  # (...): the largest score so far
    l: torch.Tensor  # (...): sum of exp(score - m) so far


class Partial(NamedTuple):
    """What attention keeps of a query while it walks over keys and values; `o` is not yet divided by `l`."""

    m: torch.Tensor  # (...): the largest score so far
    l: torch.Tensor  # (...): sum of exp(score - m) so far
    o: torch.Tensor  # (..., e): sum of exp(score - m) v so far


def base(m):
    """What to subtract from scores whose maximum is `m`: -inf less -inf is not a number."""
    return m.masked_fill(m == -torch.inf, 0)


def start(rows):
    """The state before the first score, for rows of this shape: the identity of `merge_running`."""
    return Running(torch.full_like(rows, -torch.inf), torch.zeros_like(rows))


def step(run, scores):
    """Fold a block of scores (..., n) into the running state."""
    m = torch.maximum(run.m, scores.amax(-1))
    keep = (run.m - base(m)).exp()  # what survives of the old sum
    return Running(m, keep * run.l + (scores - base(m)[..., None]).exp().sum(-1))


def merge_running(one, other):
    """The state of two sets of scores together."""
    m = torch.maximum(one.m, other.m)
    keep_one, keep_other = (one.m - base(m)).exp(), (other.m - base(m)).exp()
    return Running(m, keep_one * one.l + keep_other * other.l)


def partial_start(rows, values):
    """The state before the first key, for rows of this shape: the identity of `merge_partial`."""
    return Partial(*start(rows), rows.new_zeros(*rows.shape, values))


def partial_step(part, scores, v):
    """Fold a block of scores (..., t, n) and values (..., n, e) into the partial result of t queries."""
    m = torch.maximum(part.m, scores.amax(-1))
    keep, p = (part.m - base(m)).exp(), (scores - base(m)[..., None]).exp()
    return Partial(m, keep * part.l + p.sum(-1), keep[..., None] * part.o + p @ v)


def merge_partial(one, other):
    """The partial result of two sets of keys together."""
    m = torch.maximum(one.m, other.m)
    keep_one, keep_other = (one.m - base(m)).exp(), (other.m - base(m)).exp()
    o = keep_one[..., None] * one.o + keep_other[..., None] * other.o
    return Partial(m, keep_one * one.l + keep_other * other.l, o)


def finish(part):
    """Divide once, at the end: the output and the log of the denominator; 0 and -inf for an empty row."""
    empty = part.l == 0
    total = part.l.masked_fill(empty, 1)
    lse = (base(part.m) + total.log()).masked_fill(empty, -torch.inf)
    return Attended(part.o / total[..., None], lse)


def merge(one, other):
    """Two finished results over two sets of keys, as one over both, weighed by their denominators."""
    m = torch.maximum(one.lse, other.lse)
    weight_one, weight_other = (one.lse - base(m)).exp(), (other.lse - base(m)).exp()
    weighted = weight_one[..., None] * wide(one.output) + weight_other[..., None] * wide(other.output)
    merged = finish(Partial(m, weight_one + weight_other, weighted))
    return Attended(merged.output.to(one.output.dtype), merged.lse)


def safe_softmax(scores):
    return softmax(wide(scores))[0].to(scores.dtype)


def online_softmax(scores, block):
    run = start(wide(scores)[..., 0])
    for part in wide(scores).split(block, -1):
        run = step(run, part)
    total = run.l.masked_fill(run.l == 0, 1)[..., None]
    return ((wide(scores) - base(run.m)[..., None]).exp() / total).to(scores.dtype)
