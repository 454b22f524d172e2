"""Write the backward pass that keeps no weights."""

import torch

from glassbox.flash.exercises import backward_answers as answers
from glassbox.flash.exercises.sizes import block_and
from glassbox.learn.exercise import Budget, Implement, Inputs


def drawn(make, t, n, d, e, part=None):
    """Return q, k, v, the output and log-sum-exp of all n keys, and the output's gradient."""
    q, k, v = 1.5 * make.normal(t, d), make.normal(n, d), make.normal(n, e) + 0.5
    scores = q @ k.T / d**0.5
    return q, k[:part], v[:part], scores.softmax(1) @ v, torch.logsumexp(scores, 1), make.normal(t, e)


def inputs(seed):
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    return *drawn(make, t, n, d, e), block


def one_tile(seed):
    """
    saw: wrong even where one tile holds all keys
    means: it is not how the tiles are put together
    look: the gradient named here, by the chain rule: values, weights, scores, then queries and keys
    """
    make = Inputs(seed)
    t, n, d, e = make.sizes(4)
    return *drawn(make, t, n, d, e), n


def several_tiles(seed):
    """
    saw: one tile is right, several are wrong
    means: something is taken from one tile that belongs to the whole row, or a tile is lost
    look: what of a query is the same in all its tiles, and which gradient sums over them
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    return *drawn(make, t, n, d, e), block


def keys_of_one_device(seed):
    """
    saw: all keys are right; a part of them, with the o and lse of all, is wrong
    means: something is made anew from the keys that are there, which `o` and `lse` already say for all
    look: the denominator of the weights, and D
    """
    make = Inputs(seed)
    block, t, n, d, e = block_and(make, 4)
    return *drawn(make, t, n, d, e, part=-2), block


def a_shift_of_the_values_is_free(tiled_backward, q, k, v, o, lse, do, block):
    """
    saw: adding the same vector to every value, and so to the output, changes dq or dk
    means: the weights sum to 1, so it moves no weight: the scores get the same gradient
    look: the term that takes from each row of do v^T what all its keys have in common
    """
    here = tiled_backward(q, k, v, o, lse, do, block)
    moved = tiled_backward(q, k, v + 3, o + 3, lse, do, block)
    return torch.cat((here[0] - moved[0], here[1] - moved[1]))


def a_shift_of_the_keys_is_free(tiled_backward, q, k, v, o, lse, do, block):
    """
    saw: dk does not sum to 0 over the keys
    means: adding the same vector to every key changes no weight, so no gradient may point there
    look: the gradient of the scores: each of its rows sums to 0
    """
    return tiled_backward(q, k, v, o, lse, do, block)[1].sum(0)


def long_text():
    rows = torch.linspace(-1, 1, 600, dtype=torch.float64).reshape(200, 3)
    return rows, rows, rows, rows, torch.full((200,), 5.5, dtype=torch.float64), rows, 8


tiled_backward = Implement(
    id="flash.tiled_backward",
    title="The backward pass that keeps no weights",
    statement=(
        "One head, no mask. The forward pass kept `q` (t, d), `k` (n, d), `v` (n, e), its output `o` (t, "
        "e) and the log-sum-exp of each query's scores `lse` (t,); `do` (t, e) is the gradient of the "
        "output. Scores are divided by the root of d. Return the gradients by q, k and v, walking over "
        "`block` keys at a time: nothing of t x n numbers may exist. `o` and `lse` may belong to more keys "
        "than `k` holds, as on one device of a ring: then these keys' share of dq is wanted. No autograd."
    ),
    difficulty=4,
    importance=5,
    minutes=15,
    core=False,
    hints=(
        "The forward pass threw the weights away. What is the weight of one key, if you know its score and "
        "the row's log-sum-exp?",
        "Softmax's gradient takes from every entry of a row the row's own mean, weighted: a sum over all "
        "keys. Which product of two things that you were given is the same number?",
        "`p = (____ - lse[:, None]).exp()`, `ds = p * (do @ values.T - ____)`; dv takes p, dq and dk take ds",
    ),
    sizes={
        "t": "queries",
        "n": "keys",
        "d": "features of a query and a key",
        "e": "features of a value",
        "block": "keys in a tile",
    },
    returns=("dq", "dk", "dv"),
    solution=answers.solution,
    alternatives=(answers.by_slices,),
    reference=answers.by_autograd,
    inputs=inputs,
    invariants=(a_shift_of_the_values_is_free, a_shift_of_the_keys_is_free),
    cases=(one_tile, several_tiles, keys_of_one_device),
    mistakes=(
        answers.without_delta,
        answers.delta_of_the_tile,
        answers.delta_not_weighted,
        answers.delta_added,
        answers.delta_averaged,
        answers.softmax_of_the_tile,
        answers.without_the_log_sum_exp,
        answers.divided_by_the_logarithm,
        answers.scores_without_the_scale,
        answers.dq_without_the_scale,
        answers.dk_without_the_scale,
        answers.neither_has_the_scale,
        answers.dq_of_the_last_tile,
        answers.dv_from_the_scores,
        answers.dv_from_the_output,
        answers.whole_matrix,
    ),
    budget=Budget(
        "largest tensor",
        most=30_000,  # a tile of all queries has 12,800, a matrix of t x n 320,000
        inputs=long_text,
        means="something of t x n exists",
        look="the weights, do @ v.T and ds: one block of keys at a time",
    ),
    forbidden=(
        "torch.autograd.grad",
        "torch.autograd.backward",
        "torch.Tensor.backward",
        "torch.nn.functional.scaled_dot_product_attention",
        "torch._C._nn.scaled_dot_product_attention",
        "glassbox.flash.tiled_attention",
        "glassbox.flash.tiled_attention_backward",
        "glassbox.flash.reference.tiled.backward",
    ),
    discussion=(
        "Five products where the naive backward has four: the scores are made again. That costs a quarter "
        "more multiply-adds and saves reading t n weights. With keys outside, dk and dv stay on chip and dq "
        "is summed across blocks, by atomics or in a pass of its own."
    ),
    notes="15 minutes. The scale is forgotten in dk by nearly all; D is what few can derive.",
)
