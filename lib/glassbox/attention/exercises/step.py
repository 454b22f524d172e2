"""Whiteboard: one step of causal grouped-query attention with a cache."""

import torch

from glassbox.attention.exercises import step_answers as answers
from glassbox.attention.exercises.sizes import heads_and
from glassbox.learn.exercise import Budget, Implement, Inputs


def drawn(make, b, h, g, t, past, d, m):
    x, w_q = make.normal(b, t, m), make.normal(h * d, m) / m**0.5
    w_k, w_v = make.normal(g * d, m) / m**0.5, make.normal(g * d, m) / m**0.5
    w_o = make.normal(m, h * d) / (h * d) ** 0.5
    return x, w_q, w_k, w_v, w_o, make.normal(b, g, past, d), make.normal(b, g, past, d)


def inputs(seed):
    make = Inputs(seed)
    h, g, b, t, past, d, m = heads_and(make, 5)
    return drawn(make, b, h, g, t, past, d, m)


def the_first_token(seed):
    """
    saw: one token with an empty cache is wrong
    means: its only weight is 1: it is the values, how query heads find their key head, or w_o
    look: how x @ w.T is split into heads, and how the heads are joined again before w_o
    """
    make = Inputs(seed)
    h, g, b, d, m = heads_and(make, 3)
    return drawn(make, b, h, g, 1, 0, d, m)


def a_prompt(seed):
    """
    saw: one token is right, a prompt with an empty cache is wrong
    means: it is the scores: their scale, the mask, or the softmax
    look: two tokens by hand
    """
    make = Inputs(seed)
    h, g, b, t, d, m = heads_and(make, 4)
    return drawn(make, b, h, g, t, 0, d, m)


def one_token_behind_a_cache(seed):
    """
    saw: a prompt is right, one token behind a cache is wrong
    means: the cached keys and values do not take part as they should
    look: the cat, its dimension and its order; the mask of one query, which sees all
    """
    make = Inputs(seed)
    h, g, b, past, d, m = heads_and(make, 4)
    return drawn(make, b, h, g, 1, past, d, m)


def pieces_do_not_matter(gqa_with_cache, x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: the same tokens in two steps give something else than in one
    means: the second step does not go on where the first ended
    look: the mask of the second piece, and what the first leaves in the cache
    """
    weights, cut = (w_q, w_k, w_v, w_o), x.shape[1] // 2
    whole, *_ = gqa_with_cache(x, *weights, keys, values)
    first, *cache = gqa_with_cache(x[:, :cut], *weights, keys, values)
    second, *_ = gqa_with_cache(x[:, cut:], *weights, *cache)
    return torch.cat((first, second), 1) - whole


def what_was_cached_stays(gqa_with_cache, x, w_q, w_k, w_v, w_o, keys, values):
    """
    saw: the cache that is returned does not begin with the one that was given
    means: a cached key or value was changed, lost or moved
    look: the new ones are appended behind the old ones, in the dimension of the tokens
    """
    _, new_keys, new_values = gqa_with_cache(x, w_q, w_k, w_v, w_o, keys, values)
    past = keys.shape[2]
    return torch.cat((new_keys[:, :, :past] - keys, new_values[:, :, :past] - values))


def many_heads():
    m, h, g, d = 6, 60, 20, 3
    rows = torch.ones(h * d, m).double()
    cache = torch.ones(1, g, 5, d).double()
    return torch.ones(1, 30, m).double(), rows, rows[: g * d], rows[: g * d], rows.T.clone(), cache, cache


gqa_with_cache = Implement(
    id="attention.gqa_with_cache",
    title="Causal GQA with a cache, in 25 lines",
    statement=(
        "One step of a layer: t new tokens `x` (b, t, m) arrive behind a cache of `keys` and `values` "
        "(b, g, n, d), which may be empty. Return the output (b, t, m) and the new keys and values (b, "
        "g, n + t, d). A prompt in pieces and then token by token must give what the whole text gives. "
        "Matrices are (outputs, inputs), as in nn.Linear: `w_q` (h d, m), `w_k` and `w_v` (g d, m), "
        "`w_o` (m, h d). Neighbouring query heads share a key head. No positions, and no loop over heads "
        "or tokens."
    ),
    difficulty=4,
    importance=5,
    minutes=12,
    core=False,
    hints=(
        "Which of the n + t keys may the first of the t new tokens see?",
        "Four places: split into heads, append, the mask's diagonal, join the heads before w_o. The "
        "cache tells g and d.",
        "`keys = torch.cat((keys, ____), 2)`, and `seen = torch.ones(t, n + t).tril(____).bool()`",
    ),
    sizes={
        "b": "examples",
        "t": "new tokens",
        "n": "cached tokens, 0 or more",
        "m": "width of the stream",
        "h": "query heads",
        "g": "key heads; g divides h",
        "d": "features of a head",
    },
    returns=("the output", "the new keys", "the new values"),
    solution=answers.solution,
    alternatives=(answers.by_einsum,),
    reference=answers.token_by_token,
    inputs=inputs,
    invariants=(pieces_do_not_matter, what_was_cached_stays),
    cases=(the_first_token, a_prompt, one_token_behind_a_cache),
    mistakes=(
        answers.top_left,
        answers.strict,
        answers.no_mask,
        answers.overwrites_the_cache,
        answers.appends_in_front,
        answers.returns_the_old_cache,
        answers.caches_every_query_head,
        answers.tiled,
        answers.one_key_head_for_all,
        answers.heads_not_joined,
        answers.output_per_group,
        answers.without_the_scale,
        answers.head_by_head,
    ),
    budget=Budget(
        "operators",
        most=150,
        inputs=many_heads,
        means="the number of operations grows with the number of heads or tokens",
        look="a loop over heads or tokens",
    ),
    forbidden=(
        "torch.nn.functional.scaled_dot_product_attention",
        "torch._C._nn.scaled_dot_product_attention",
        "glassbox.attention.scaled_dot_product_attention",
        "glassbox.attention.multi_head_attention",
        "glassbox.attention.reference.core.attention",
        "glassbox.attention.reference.core.multi_head_attention",
    ),
    discussion=(
        "Say where RoPE goes: on q and k, from position n, before the keys are cached. And say that cat "
        "copies the whole cache at each step; servers write into a buffer or into pages."
    ),
    notes="12 minutes on a whiteboard. Top-left masks pass every test with an empty cache.",
)
