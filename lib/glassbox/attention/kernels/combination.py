"""Merging the splits of a sequence into one output."""

from glassbox.machine import tl, triton


@triton.jit
def combine_splits(
    part_ptr, part_lse_ptr, o_ptr, lse_ptr, splits, e, SPLITS: tl.constexpr, E: tl.constexpr
):  # fmt: skip
    """Merge the splits of one query head, in a fixed order, so that two runs agree to the bit.

        lse = log sum exp(lse_i),  o = sum exp(lse_i - lse) o_i     over the splits

    An empty split has lse_i = -inf and weighs nothing; where all are empty, o = 0 and lse = -inf.
    Bytes, with S splits: rows S (4 e + 4) + rows (e o + 4)
    """
    row = tl.program_id(0).to(tl.int64)
    split, column = tl.arange(0, SPLITS)[:, None], tl.arange(0, E)[None, :]
    there, inside = split < splits, column < e
    lse = tl.load(part_lse_ptr + row * splits + split, mask=there, other=float("-inf"))
    top = tl.max(lse, axis=0, keep_dims=True)
    base = tl.where(top == float("-inf"), 0.0, top)  # -inf less -inf is not a number
    weight = tl.exp(lse - base)
    total = tl.sum(weight, axis=0, keep_dims=True)
    empty = total == 0
    total = tl.where(empty, 1.0, total)
    part = tl.load(part_ptr + (row * splits + split) * e + column, mask=there & inside, other=0.0)
    o = tl.sum(weight * part, axis=0, keep_dims=True) / total
    here = tl.arange(0, 1)[None, :]
    tl.store(o_ptr + row * e + column, o, mask=inside)
    tl.store(lse_ptr + row + here, tl.where(empty, float("-inf"), base + tl.log(total)))
