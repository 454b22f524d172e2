"""Write grouped-query attention that copies no key."""

import torch

from glassbox.attention.exercises import grouped_answers as answers
from glassbox.attention.exercises.sizes import heads_and
from glassbox.learn.exercise import Budget, Implement, Inputs


def drawn(make, b, h, g, t, n, d):
    return make.normal(b, h, t, d), make.normal(b, g, n, d), make.normal(b, g, n, d)


def inputs(seed):
    make = Inputs(seed)
    h, g, b, d, *lengths = heads_and(make, 4)
    return drawn(make, b, h, g, *sorted(lengths), d)


def one_query_of_one_head(seed):
    """
    saw: one query of one head is wrong, where nothing is masked
    means: it is not the mask and not the heads
    look: the scale, the softmax and its dimension: two keys by hand
    """
    make = Inputs(seed)
    n, d = make.sizes(2)
    return drawn(make, 1, 1, 1, 1, n, d)


def one_query_of_many_heads(seed):
    """
    saw: one query is right with one head, and wrong with h query heads and g key heads
    means: a query head reads the key or the value of another group
    look: how h is split: the first size must be g
    """
    make = Inputs(seed)
    h, g, b, n, d = heads_and(make, 3)
    return drawn(make, b, h, g, 1, n, d)


def as_many_queries_as_keys(seed):
    """
    saw: one query is right, several with as many keys are wrong
    means: the mask hides too much or too little
    look: query i sees keys 0 ... i: the diagonal, and the value that hides a score
    """
    make = Inputs(seed)
    t, d = make.sizes(2)
    return drawn(make, 1, 1, 1, t, t, d)


def fewer_queries_than_keys(seed):
    """
    saw: right with as many queries as keys, wrong with fewer
    means: the mask is not aligned at the bottom right: the last query sees all keys
    look: by how much the diagonal is shifted
    """
    make = Inputs(seed)
    d, *lengths = make.sizes(3)
    return drawn(make, 1, 1, 1, *sorted(lengths), d)


def more_queries_than_keys(seed):
    """
    saw: wrong with more queries than keys, where the first queries see nothing
    means: such a query has no weights, and returns 0
    look: what the softmax makes of a row in which every score is hidden
    """
    make = Inputs(seed)
    d, *lengths = make.sizes(3)
    return drawn(make, 1, 1, 1, *sorted(lengths, reverse=True), d)


def weights_sum_to_one(grouped_attention, q, k, v):
    """
    saw: if every value is 1, the output is not 1
    means: the weights of a query do not sum to 1
    look: the dimension of the softmax, and whether the mask comes before it
    """
    return grouped_attention(q, k, torch.ones_like(v)) - 1


def nothing_from_the_future(grouped_attention, q, k, v):
    """
    saw: another last key and value change what earlier queries return
    means: they see a key that comes after them
    look: the mask: which side of the diagonal is hidden, and with what
    """
    ahead = torch.arange(k.shape[2])[:, None] == k.shape[2] - 1
    other = grouped_attention(q, torch.where(ahead, 3.0, k), torch.where(ahead, -3.0, v))
    return (grouped_attention(q, k, v) - other)[:, :, :-1]


def the_last_query_alone(grouped_attention, q, k, v):
    """
    saw: the last query alone returns something else than it does among the others
    means: decoding one token would not give what the whole text gives
    look: the mask of one query and n keys: it sees all of them
    """
    return grouped_attention(q[:, :, -1:], k, v) - grouped_attention(q, k, v)[:, :, -1:]


def one_step_of_decoding():
    k = torch.linspace(-1, 1, 3 * 1000 * 18, dtype=torch.float64).reshape(1, 3, 1000, 18)
    return torch.ones(1, 36, 1, 18, dtype=torch.float64), k, k


grouped_attention = Implement(
    id="attention.grouped_attention",
    title="Grouped-query attention without copies",
    statement=(
        "Causal attention of `q` (b, h, t, d) to `k` and `v` (b, g, n, d): query heads 0 ... h/g - 1 "
        "read key head 0, the next h/g read key head 1, and so on. The t queries are the last of n "
        "positions, so the last query sees every key. With more queries than keys the first ones see "
        "nothing and return 0. Write no key or value twice."
    ),
    difficulty=3,
    importance=5,
    minutes=12,
    hints=(
        "One query arrives, 1000 keys are cached. Which of them may it see?",
        "Look at two places: how h is split into g groups, and by how much the mask's diagonal is shifted.",
        "`rows = q.reshape(b, ____, h // g * t, d)` meets k as it is; `seen = torch.ones(t, n).tril(____)`",
    ),
    sizes={
        "b": "examples",
        "h": "query heads",
        "g": "key heads; g divides h",
        "t": "queries",
        "n": "keys",
        "d": "features of a head",
    },
    example=(
        torch.zeros(1, 1, 2, 1),
        torch.zeros(1, 1, 3, 1),
        torch.tensor([1.0, 2.0, 6.0]).reshape(1, 1, 3, 1),
    ),
    solution=answers.solution,
    alternatives=(answers.by_einsum,),
    reference=answers.query_by_query,
    inputs=inputs,
    invariants=(weights_sum_to_one, nothing_from_the_future, the_last_query_alone),
    cases=(
        one_query_of_one_head,
        one_query_of_many_heads,
        as_many_queries_as_keys,
        fewer_queries_than_keys,
        more_queries_than_keys,
    ),
    mistakes=(
        answers.tiled,
        answers.without_the_scale,
        answers.divided_by_d,
        answers.no_mask,
        answers.top_left,
        answers.strict,
        answers.masked_after_the_softmax,
        answers.masked_with_zero,
        answers.softmax_over_the_queries,
        answers.nan_where_nothing_is_seen,
        answers.mean_where_nothing_is_seen,
        answers.repeats_the_keys,
    ),
    budget=Budget(
        "largest tensor",
        most=800_000,  # the keys and the scores have half as much, repeated keys six times as much
        inputs=one_step_of_decoding,
        means="the keys or the values are written more than once",
        look="repeat_interleave, expand with reshape, and products that broadcast over the heads of a group",
    ),
    forbidden=(
        "torch.nn.functional.scaled_dot_product_attention",
        "torch._C._nn.scaled_dot_product_attention",
        "glassbox.attention.scaled_dot_product_attention",
        "glassbox.attention.reference.core.attention",
    ),
    discussion=(
        "The grouping saves memory and what is read of it; the number of multiply-adds is that of full heads."
    ),
    notes="12 minutes. Tiled heads and a top-left mask are what most hand in; both train without complaint.",
)
