"""Folds with a planted mistake, and a fold that can be watched: what the forward kernel takes as FOLD.

A fold takes a tile of scores (to base 2) and its values into the running result of a block of queries.
"""

from collections.abc import Callable

from glassbox.attention.kernels.pieces import fold
from glassbox.machine import tl, triton


@triton.jit
def unscaled(m, l, o, s, v):
    """Fold without the rescale: what was summed under an old maximum is kept as it is."""
    new = tl.maximum(m, tl.max(s, axis=1, keep_dims=True))
    p = tl.exp2(s - tl.where(new == float("-inf"), 0.0, new))
    l = l + tl.sum(p, axis=1, keep_dims=True)
    return new, l, tl.dot(p.to(v.dtype), v, o, input_precision="ieee")


@triton.jit
def started_at_one(m, l, o, s, v):
    """Fold that starts at m = 0 and l = 1: a key that nobody sent, with score 0 and value 0."""
    nothing_yet = m == float("-inf")
    return fold(tl.where(nothing_yet, 0.0, m), tl.where(nothing_yet, 1.0, l), o, s, v)


@triton.jit
def unguarded(m, l, o, s, v):
    """Fold that subtracts a maximum of -inf: a row that a whole tile hides becomes NaN."""
    new = tl.maximum(m, tl.max(s, axis=1, keep_dims=True))
    keep, p = tl.exp2(m - new), tl.exp2(s - new)
    l = l * keep + tl.sum(p, axis=1, keep_dims=True)
    return new, l, tl.dot(p.to(v.dtype), v, o * keep, input_precision="ieee")


BUGS = {
    "none": fold,
    "no rescale": unscaled,
    "starts at m = 0, l = 1": started_at_one,
    "hidden tile gives NaN": unguarded,
}


def watched(fold, note: Callable):
    """Return a fold that also calls `note(m, l, o)` after each tile; for the simulator, which runs Python."""

    @triton.jit
    def fold_and_note(m, l, o, s, v):
        m, l, o = fold(m, l, o, s, v)
        note(m, l, o)
        return m, l, o

    return fold_and_note
