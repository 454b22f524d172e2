"""Whiteboard: attention tile by tile."""

import torch

from glassbox.flash.exercises import tiled_answers as answers
from glassbox.flash.exercises import tiled_mistakes as wrong
from glassbox.flash.exercises.sizes import block_and
from glassbox.learn.exercise import Budget, Implement, Inputs


def drawn(make, t, n, d, e):
    return 2 * make.normal(t, d), make.normal(n, d), make.normal(n, e)


def inputs(seed):
    make = Inputs(seed)
    block, d, e, *lengths = block_and(make, 4)
    return *drawn(make, *sorted(lengths, reverse=seed % 2 == 1), d, e), block


def one_tile(seed):
    """
    saw: one query is wrong where a single tile holds all keys
    means: nothing is rescaled and nothing is hidden then
    look: the scale, the sum, the division, and what the log-sum-exp is
    """
    make = Inputs(seed)
    n, d, e = make.sizes(3)
    return *drawn(make, 1, n, d, e), n


def one_query(seed):
    """
    saw: one query is right with one tile, and wrong with several
    means: it is how a tile is folded into the running result; no key is hidden from one query
    look: what the new maximum does to l and to o, and the last, shorter tile
    """
    make = Inputs(seed)
    block, n, d, e = block_and(make, 3)
    return *drawn(make, 1, n, d, e), block


def as_many_queries_as_keys(seed):
    """
    saw: one query is right, as many queries as keys are wrong
    means: a tile hides too much or too little, or is left out
    look: the position of the tile's first query and first key, in the whole text
    """
    make = Inputs(seed)
    block, t, d, e = block_and(make, 3)
    return *drawn(make, t, t, d, e), block


def fewer_queries_than_keys(seed):
    """
    saw: right with as many queries as keys, wrong with fewer
    means: the last query stands at the last key: query i stands at n - t + i
    look: the position of the first query, in the mask and in the tiles that are left out
    """
    make = Inputs(seed)
    block, d, e, *lengths = block_and(make, 4)
    return *drawn(make, *sorted(lengths), d, e), block


def more_queries_than_keys(seed):
    """
    saw: wrong with more queries than keys, where the first queries see nothing
    means: such a query returns 0, and its log-sum-exp is -inf
    look: a row in which every score is hidden: its maximum, its sum, and the division
    """
    make = Inputs(seed)
    block, d, e, *lengths = block_and(make, 4)
    return *drawn(make, *sorted(lengths, reverse=True), d, e), block


def the_block_does_not_matter(tiled_forward, q, k, v, block):
    """
    saw: other blocks give another output
    means: tiling is exact: only the order of the sums changes
    look: what depends on the block and should not: a factor, a mask, a tile that is left out
    """
    return tiled_forward(q, k, v, block)[0] - tiled_forward(q, k, v, block + 1)[0]


def weights_sum_to_one(tiled_forward, q, k, v, block):
    """
    saw: if every value is 1, a query that sees a key does not return 1
    means: its weights do not sum to 1
    look: l must hold exactly the terms that o holds, rescaled alike
    """
    seeing = torch.arange(len(q)) >= len(q) - len(k)
    return (tiled_forward(q, k, torch.ones_like(v), block)[0] - 1)[seeing]


def long_text():
    rows = torch.linspace(-1, 1, 600, dtype=torch.float64).reshape(200, 3)
    return rows, rows, rows, 8


tiled_forward = Implement(
    id="flash.tiled_forward",
    title="FlashAttention's forward pass, in 15 lines",
    statement=(
        "Causal attention of one head: `q` (t, d) to `k` (n, d) and `v` (n, e), by tiles of `block` "
        "queries and `block` keys; the last tiles may be smaller. Return the output (t, e) and the "
        "log-sum-exp of each query's scores (t,). Scores are divided by the root of d. The t queries are the "
        "last of n positions; with more queries than keys, the first see nothing: output 0, log-sum-exp "
        "-inf. Nothing of t x n numbers may ever exist, the mask included."
    ),
    difficulty=4,
    importance=5,
    minutes=14,
    hints=(
        "A query has read two tiles of keys. What must you remember of them to go on, if you may not keep "
        "their scores?",
        "Three numbers live through the inner loop: m, l and o; when the maximum moves, l and o shrink "
        "alike. Look at where the tile lies: its first query stands at n - t + i, its first key at j.",
        "`keep, p = (m - base).exp(), (s - base).exp()`; `l = ____ + p.sum(-1, keepdim=True)`; "
        "`o = ____ + p @ v[j : j + block]`; after the last tile `o / l`, and `m + ____`",
    ),
    sizes={
        "t": "queries",
        "n": "keys",
        "d": "features of a query and a key",
        "e": "features of a value",
        "block": "rows and columns of a tile",
    },
    example=(torch.zeros(2, 1), torch.zeros(3, 1), torch.tensor([[1.0], [2.0], [6.0]]), 2),
    returns=("the output", "the log-sum-exp"),
    solution=answers.solution,
    alternatives=(answers.keys_outside, answers.by_merging),
    reference=answers.query_by_query,
    inputs=inputs,
    invariants=(the_block_does_not_matter, weights_sum_to_one),
    cases=(
        one_tile,
        one_query,
        as_many_queries_as_keys,
        fewer_queries_than_keys,
        more_queries_than_keys,
    ),
    mistakes=(
        wrong.output_not_rescaled,
        wrong.sum_not_rescaled,
        wrong.nothing_rescaled,
        wrong.divided_in_every_tile,
        wrong.never_divided,
        wrong.without_the_scale,
        wrong.no_mask,
        wrong.top_left,
        wrong.strict,
        wrong.each_tile_for_itself,
        wrong.left_out_too_early,
        wrong.left_out_as_if_square,
        wrong.last_tile_dropped,
        wrong.sum_for_the_logarithm,
        wrong.maximum_not_added,
        wrong.nan_where_nothing_is_seen,
        wrong.mean_where_nothing_is_seen,
        wrong.whole_matrix,
    ),
    budget=Budget(
        "largest tensor",
        most=30_000,  # a tile has 512, a block of keys for all queries 12,800, a mask of t x n 40,000
        inputs=long_text,
        means="something of t x n exists: the scores, the weights, or the mask",
        look="the product q @ k.T of the whole, torch.ones(t, n): each tile makes its own",
    ),
    forbidden=(
        "torch.nn.functional.scaled_dot_product_attention",
        "torch._C._nn.scaled_dot_product_attention",
        "glassbox.attention.scaled_dot_product_attention",
        "glassbox.flash.tiled_attention",
        "glassbox.flash.flash_attention",
        "glassbox.flash.reference.tiled.forward",
        "glassbox.flash.reference.softmax.partial_step",
    ),
    discussion=(
        "Say what changes on a GPU: the outer loop is the grid, m, l and o stay in registers, and tiles "
        "above the diagonal are never loaded, which halves the work. Say why o is divided once, at the end: "
        "a division in every tile costs t n e / block operations that are no matrix products."
    ),
    notes="14 minutes on a whiteboard. Watch the offsets: with t = n every alignment looks right.",
)
