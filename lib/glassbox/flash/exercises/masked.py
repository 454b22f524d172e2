"""Mend a tiled loop that gives NaN where a tile is hidden."""

import torch

from glassbox.flash.exercises import masked_answers as answers
from glassbox.flash.exercises.sizes import block_and
from glassbox.learn.exercise import Debug, Inputs


def drawn(make, t, n, d, e):
    return make.normal(t, d), make.normal(n, d), make.normal(n, e)


def inputs(seed):
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    seen = make.mask(t, n)
    seen[2, :block], seen[2, -1] = False, True  # its first tile is hidden
    seen[3, -1], seen[3, 0] = True, True
    return *drawn(make, t, n, d, e), seen, block


def nothing_hidden(seed):
    """
    saw: wrong even where nothing is hidden
    means: a line is changed that was right
    look: what you changed, for scores that are all finite
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    return *drawn(make, t, n, d, e), torch.ones(t, n, dtype=torch.bool), block


def causal(seed):
    """
    saw: wrong under a causal mask, which was right before
    means: every query sees key 0 there, so a later tile may be hidden and the first one never is
    look: what a hidden tile adds to a row that has seen keys: nothing
    """
    make = Inputs(seed)
    block, d, e, *lengths = block_and(make, 4)
    t, n = sorted(lengths)
    return *drawn(make, t, n, d, e), torch.ones(t, n, dtype=torch.bool).tril(n - t), block


def one_query_and_a_window(seed):
    """
    saw: one query whose window begins behind the first tile is wrong
    means: the first tile is hidden as a whole, and the row has seen nothing when it ends
    look: the maximum after that tile, and the two differences that are taken with it
    """
    make = Inputs(seed)
    block, n, d, e = block_and(make, 3)
    return *drawn(make, 1, n, d, e), torch.arange(n)[None] >= block, block


def a_query_that_sees_nothing(seed):
    """
    saw: wrong where a query sees no key in any tile
    means: it returns 0
    look: the last line, where l is 0
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    return *drawn(make, t, n, d, e), (torch.arange(t) != 1)[:, None].expand(t, n).clone(), block


def very_low_scores(seed):
    """
    saw: rows are lost whose scores are all far below 0
    means: exp(score - m) is 0 for all of them: m is larger than any score that was seen
    look: what m holds before the first visible key, and after a hidden tile
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    seen = torch.ones(t, n, dtype=torch.bool)
    seen[1, :block] = False
    q, k, v = drawn(make, t, n, d, e)
    return q.abs() + 0.5, k - 2000, v, seen, block


def scores_below_any_floor(seed):
    """
    saw: rows are lost whose scores are all below minus a million
    means: somewhere a finite number stands in for -inf, and these scores lie below it
    look: what stands for "no key yet": no finite number does
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    q, k, v = drawn(make, t, n, d, e)
    return q.abs() + 0.5, k - 10_000_000, v, torch.ones(t, n, dtype=torch.bool), block


def hidden_keys_that_would_win(seed):
    """
    saw: rows are lost where a hidden key has by far the largest score
    means: it decides the maximum, and beside it every visible key underflows
    look: the mask comes before the maximum
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    q, k, v = drawn(make, t, n, d, e)
    seen = (torch.arange(n) != 1).expand(t, n).clone()
    return q.abs() + 0.5, k.index_fill(0, torch.tensor([1]), 3000.0), v, seen, block


def a_hidden_tile_in_front_changes_nothing(masked_tiles, q, k, v, seen, block):
    """
    saw: a tile of hidden keys in front of all others changes the result
    means: what nobody sees takes part
    look: m, l and o after a tile in which a row sees nothing: they are as before
    """
    more, hidden = torch.cat((k[:block], k)), torch.zeros(len(q), block, dtype=torch.bool)
    behind = masked_tiles(q, more, torch.cat((v[:block], v)), torch.cat((hidden, seen), 1), block)
    return behind - masked_tiles(q, k, v, seen, block)


masked_tiles = Debug(
    id="flash.masked_tiles",
    title="NaN with a window, and never without",
    statement=(
        "A tiled attention has passed its tests for months, with no mask and with a causal one. A model with "
        "a sliding window comes, and rows of its output are NaN. One head is given: `q` (t, d), `k` (n, d), "
        "`v` (n, e), and `seen` (t, n), True where a query may look. A query that sees no key returns 0. "
        "Mend it; at most three lines change."
    ),
    difficulty=3,
    importance=5,
    minutes=7,
    hints=(
        "A window hides the whole first tile from a query. What is the largest score that this query has "
        "seen, when the tile ends?",
        "Two differences are taken with that maximum, and one division at the end. Why did the causal mask "
        "never show it?",
        "`base = new.masked_fill(new == ____, 0)` takes the place of new in both differences, but not as m; "
        "and `l.masked_fill(l == ____, 1)`",
    ),
    sizes={
        "t": "queries",
        "n": "keys",
        "d": "features of a query and a key",
        "e": "features of a value",
        "block": "keys in a tile",
    },
    solution=answers.solution,
    alternatives=(answers.a_low_start, answers.nothing_for_not_a_number),
    reference=answers.query_by_query,
    inputs=inputs,
    invariants=(a_hidden_tile_in_front_changes_nothing,),
    cases=(
        nothing_hidden,
        causal,
        one_query_and_a_window,
        a_query_that_sees_nothing,
        very_low_scores,
        scores_below_any_floor,
        hidden_keys_that_would_win,
    ),
    mistakes=(
        answers.large_negative_number,
        answers.erased_at_the_end,
        answers.whole_tiles_skipped,
        answers.zero_over_zero,
        answers.maximum_starts_at_zero,
        answers.floor_under_the_maximum,
        answers.stand_in_kept,
        answers.maximum_of_hidden_keys,
        answers.hidden_keys_count,
    ),
    broken=answers.nan_from_hidden_tiles,
    causes={
        "exp overflows where a tile has a large score": "the largest score is subtracted first, so no "
        "exponent is above 0",
        "the last tile is shorter than the others": "split makes it shorter, and every product follows",
        "a row that has seen no key yet takes -inf from -inf": "",
        "old and new maximum are exchanged in the factor": "the factor is exp(old - new), at most 1, as it "
        "should be",
    },
    discussion=(
        "Kernels choose the same stand-in: FlashAttention-2 subtracts 0 where the maximum is -inf. A "
        "sentinel such as -1e30 in place of -inf gives no NaN, and weights of 1/n to a query that sees "
        "nothing, which no test finds that looks for NaN."
    ),
    notes="7 minutes. Most first write nan_to_num in the last line: rows that see keys later stay lost.",
)
