"""Online softmax: right answers, and wrong ones with what is said of them."""

import torch


def solution(scores, block):
    m, l, sums = torch.full_like(scores[:, 0], -torch.inf), torch.zeros_like(scores[:, 0]), []
    for s in scores.split(block, -1):
        new = torch.maximum(m, s.amax(-1))
        base = new.masked_fill(new == -torch.inf, 0)  # -inf less -inf is not a number
        l = (m - base).exp() * l + (s - base[:, None]).exp().sum(-1)
        m, sums = new, [*sums, l]
    p = (scores - base[:, None]).exp() / l.masked_fill(l == 0, 1)[:, None]
    return p, torch.stack(sums, -1)


def by_slices(scores, block):
    t, n = scores.shape
    m, l, sums = scores.new_full((t, 1), -torch.inf), scores.new_zeros(t, 1), []
    for first in range(0, n, block):
        s, old = scores[:, first : first + block], m
        m = torch.cat((old, s), 1).amax(1, keepdim=True)
        l = torch.where(l > 0, l * (old - m).exp(), 0) + (s - m).exp().nan_to_num(0).sum(1, keepdim=True)
        sums.append(l)
    return ((scores - m).exp() / l).nan_to_num(0), torch.cat(sums, 1)


def prefix_by_prefix(scores, block):
    """Return the definition, each prefix of the rows from its beginning: coded apart from the solution."""
    sums = []
    for end in range(block, scores.shape[1] + block, block):
        shares = scores[:, :end].softmax(-1)  # the largest score has the share 1 / l
        sums.append((1 / shares.amax(-1)).nan_to_num(0))
    return scores.softmax(-1).nan_to_num(0), torch.stack(sums, -1)


def _safe(m):
    return m.masked_fill(m == -torch.inf, 0)


def _exp_sum(s, base):
    return (s - base[:, None]).exp().sum(-1)


def _start(scores):
    return torch.full_like(scores[:, 0], -torch.inf), torch.zeros_like(scores[:, 0])


def _walk(scores, block, fold, start=None):
    """Fold block after block into (m, l), and return the last m and every l."""
    m, l = _start(scores) if start is None else start
    sums = []
    for s in scores.split(block, -1):
        m, l = fold(m, l, s)
        sums.append(l)
    return m, torch.stack(sums, -1)


def _divided(scores, m, sums):
    l = sums[:, -1]
    return (scores - _safe(m)[:, None]).exp() / l.masked_fill(l == 0, 1)[:, None], sums


def _fold(m, l, s):
    new = torch.maximum(m, s.amax(-1))
    return new, (m - _safe(new)).exp() * l + _exp_sum(s, _safe(new))


def _fold_sum_not_rescaled(m, l, s):
    new = torch.maximum(m, s.amax(-1))
    return new, l + _exp_sum(s, _safe(new))


def sum_not_rescaled(scores, block):
    """
    saw: exactly what you get when the old sum is kept as it is
    means: it was measured against a smaller maximum; against the new one it is worth less
    look: a factor on the old sum
    """
    return _divided(scores, *_walk(scores, block, _fold_sum_not_rescaled))


def _fold_rescaled_the_wrong_way(m, l, s):
    new = torch.maximum(m, s.amax(-1))
    return new, (_safe(new) - m).exp() * l + _exp_sum(s, _safe(new))


def rescaled_the_wrong_way(scores, block):
    """
    saw: NaN, and after that exactly what you get when the old sum is multiplied by exp(new - old)
    means: the factor is upside down: it is at least 1, and infinite at the start, where the old is -inf
    look: exp(s - old) times what is exp(s - new)
    """
    return _divided(scores, *_walk(scores, block, _fold_rescaled_the_wrong_way))


def _fold_both_rescaled(m, l, s):
    new = torch.maximum(m, s.amax(-1))
    return new, (m - _safe(new)).exp() * (l + _exp_sum(s, _safe(new)))


def both_rescaled(scores, block):
    """
    saw: the factor for the old sum is applied to the new block too
    means: the new block is measured against the new maximum already
    look: what the factor multiplies
    """
    return _divided(scores, *_walk(scores, block, _fold_both_rescaled))


def _fold_newest_maximum(m, l, s):
    new = s.amax(-1)
    return new, (m - _safe(new)).exp() * l + _exp_sum(s, _safe(new))


def newest_maximum(scores, block):
    """
    saw: sums shrink and grow with the blocks: each is measured against the newest block's maximum
    means: the maximum forgets the blocks before; the factor can overflow, and a hidden block wipes all
    look: the maximum of the old one and the block's
    """
    return _divided(scores, *_walk(scores, block, _fold_newest_maximum))


def maximum_of_the_last_block(scores, block):
    """
    saw: the running sums are right, the softmax is off by a factor of its own in each row
    means: at the end the last block's maximum is subtracted, and l belongs to the maximum of the row
    look: the exponent in the last step
    """
    _, sums = solution(scores, block)
    return _divided(scores, scores.split(block, -1)[-1].amax(-1), sums)


def maximum_starts_at_zero(scores, block):
    """
    saw: rows without a score above 0 have wrong sums
    means: the maximum starts at 0, and 0 is no score of the row; far below 0 such a row is lost
    look: the maximum of no score at all
    """
    start = torch.zeros_like(scores[:, 0]), torch.zeros_like(scores[:, 0])
    return _divided(scores, *_walk(scores, block, _fold, start))


def first_score_twice(scores, block):
    """
    saw: the first score of each row counts twice
    means: the walk starts with m at the first score and l at 1, and reads that score again
    look: m and l before the first block: those of no score at all
    """
    start = scores[:, 0], torch.ones_like(scores[:, 0])
    return _divided(scores, *_walk(scores, block, _fold, start))


def without_the_maximum(scores, block):
    """
    saw: exactly what you get when nothing is subtracted
    means: exp overflows in float64 above 709, in float16 above 11
    look: the argument of exp
    """
    sums = _walk(scores, block, lambda m, l, s: (m, l + s.exp().sum(-1)))[1]
    return _divided(scores, torch.zeros_like(scores[:, 0]), sums)


def _fold_one_maximum_for_all(m, l, s):
    new = torch.maximum(m, s.max())
    return new, (m - _safe(new)).exp() * l + _exp_sum(s, _safe(new))


def one_maximum_for_all(scores, block):
    """
    saw: one maximum serves all rows
    means: the sums are measured against another row's score, and a row far below it underflows to 0
    look: the dimension of the maximum
    """
    return _divided(scores, *_walk(scores, block, _fold_one_maximum_for_all))


def _fold_nan_while_nothing_is_seen(m, l, s):
    new = torch.maximum(m, s.amax(-1))
    return new, (m - new).exp() * l + _exp_sum(s, new)


def nan_while_nothing_is_seen(scores, block):
    """
    saw: rows whose first block is hidden are NaN to the end
    means: their maximum is -inf after it, and -inf less -inf is not a number; 0 times NaN is NaN
    look: what is subtracted while the maximum is -inf
    """
    return _divided(scores, *_walk(scores, block, _fold_nan_while_nothing_is_seen))


def nan_where_nothing_is_seen(scores, block):
    """
    saw: the running sums are right; rows that are hidden as a whole are NaN in the softmax
    means: their sum is 0, and 0 / 0 is not a number
    look: the division; the softmax of such a row is 0
    """
    m, sums = _walk(scores, block, _fold)
    return (scores - _safe(m)[:, None]).exp() / sums[:, -1:], sums


def measured_against_the_last(scores, block):
    """
    saw: the softmax is right; the sums before the last are measured against a maximum not yet seen
    means: the row is read twice: first for its maximum, then for its sum. That is safe softmax
    look: one walk: both numbers move at each block
    """
    m = scores.amax(-1)
    return _divided(scores, *_walk(scores, block, lambda _, l, s: (m, l + _exp_sum(s, _safe(m)))))


def _fold_each_block_for_itself(m, l, s):
    new = torch.maximum(m, s.amax(-1))
    return new, _exp_sum(s, _safe(new))


def each_block_for_itself(scores, block):
    """
    saw: each sum is that of its own block alone
    means: the old sum is dropped, not rescaled
    look: what is left of l when a block comes
    """
    return _divided(scores, *_walk(scores, block, _fold_each_block_for_itself))


def short_block_dropped(scores, block):
    """
    saw: there is one running sum too few
    means: the last block is shorter, and it is left out
    look: how many blocks n scores have: the division is rounded up
    """
    whole = scores.shape[1] // block * block
    return _divided(scores, *_walk(scores[:, :whole], block, _fold))
