"""The pieces that the decode kernels share. What is None is left out when the kernel is compiled."""

from glassbox.machine import tl, triton

LN2 = tl.constexpr(0.6931471805599453)


@triton.jit
def place(heads, groups, HEADS: tl.constexpr):
    """Return what a program works on: a sequence, a key head, up to HEADS query heads of its group.

    Programs that read the same key head stand side by side, so that the later ones find it in L2.
    """
    group = heads // groups
    tiles = (group + HEADS - 1) // HEADS
    tile, pair = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    member = tile * HEADS + tl.arange(0, HEADS)[:, None]
    sequence, key_head = pair // groups, pair % groups
    return sequence.to(tl.int64), key_head.to(tl.int64), key_head * group + member, member < group


@triton.jit
def share(lengths_ptr, sequence, n, KEYS: tl.constexpr):
    """Return the first key of this program's split and the end of it: whole tiles, shared out evenly.

    Every sequence is cut by its own length; the grid is that of the longest. A split may be empty.
    """
    length = n
    if lengths_ptr is not None:
        length = tl.minimum(tl.load(lengths_ptr + sequence), n)
    tiles = (length + KEYS - 1) // KEYS
    width = (tiles + tl.num_programs(1) - 1) // tl.num_programs(1) * KEYS
    first = tl.program_id(1) * width
    return first, tl.minimum(first + width, length)


@triton.jit
def fold(m, l, o, s, v):
    """Fold a tile of keys into the softmax so far: largest score m, sum of weights l, weighted values o.

    Scores are to base 2, the base of the hardware's exponential.
    """
    new = tl.maximum(m, tl.max(s, axis=1, keep_dims=True))
    base = tl.where(new == float("-inf"), 0.0, new)  # -inf less -inf is not a number
    keep, p = tl.exp2(m - base), tl.exp2(s - base)
    l = l * keep + tl.sum(p, axis=1, keep_dims=True)
    return new, l, tl.dot(p.to(v.dtype), v, o * keep, input_precision="ieee")


@triton.jit
def finish(m, l, o, o_ptr, lse_ptr, sequence, head, heads, e, column, known):
    """Store the outputs and the natural log-sum-exps of a split; 0 and -inf where there was no key."""
    empty = l == 0
    l = tl.where(empty, 1.0, l)
    row = (sequence * heads + head) * tl.num_programs(1) + tl.program_id(1)
    tl.store(lse_ptr + row, tl.where(empty, float("-inf"), (m + tl.log2(l)) * LN2), mask=known)
    tl.store(o_ptr + row * e + column, o / l, mask=known & (column < e))
