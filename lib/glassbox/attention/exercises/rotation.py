"""Mend a cached step whose rotation begins again."""

import torch

from glassbox.attention.exercises import rotation_answers as answers
from glassbox.learn.exercise import Debug, Inputs

HALVES = (3, 5, 6, 7)


def drawn(make, b, h, past, t, half):
    q, k, v = (make.normal(b, h, t, 2 * half) for _ in range(3))
    return q, k, v, make.normal(b, h, past, 2 * half), make.normal(b, h, past, 2 * half)


def inputs(seed):
    make = Inputs(seed)
    half = make.pick(HALVES)
    return drawn(make, *[size for size in make.sizes(6) if size not in (half, 2 * half)][:4], half)


def nothing_cached(seed):
    """
    saw: wrong even where nothing is cached
    means: a line is changed that was right
    look: what you changed, for keys of length 0: the new tokens stand at 0, 1, 2, ...
    """
    make = Inputs(seed)
    half = make.pick(HALVES)
    b, h, t = make.sizes(3)
    return drawn(make, b, h, 0, t, half)


def one_new_token(seed):
    """
    saw: one new token behind a cache is wrong
    means: nothing is hidden from it, so it is its position, or that of a key
    look: by how many positions each key lies behind the query
    """
    make = Inputs(seed)
    half = make.pick(HALVES)
    b, h, past = make.sizes(3)
    return drawn(make, b, h, past, 1, half)


def in_two_steps(cached_rotation, q, k, v, keys, values):
    """
    saw: the same tokens in two steps give something else than in one
    means: the second step does not go on where the first ended
    look: what the position of a query depends on, and what the first step leaves in the cache
    """
    cut = q.shape[-2] // 2
    whole, *_ = cached_rotation(q, k, v, keys, values)
    first = cached_rotation(q[..., :cut, :], k[..., :cut, :], v[..., :cut, :], keys, values)
    second = cached_rotation(q[..., cut:, :], k[..., cut:, :], v[..., cut:, :], *first[1:])
    return torch.cat((first[0], second[0]), -2) - whole


cached_rotation = Debug(
    id="attention.cached_rotation",
    title="Right at first, then it drifts",
    statement=(
        "A model with rotary positions answers well when it reads the whole text at once. With its "
        "cache, the prompt is still right, and from the second step on every token is off. One step is "
        "given: `q`, `k`, `v` (b, h, t, d) of the new tokens, and the cache, whose `keys` (b, h, n_past, "
        "d) are stored as they were before RoPE. Mend it: one line is wrong."
    ),
    difficulty=3,
    importance=5,
    minutes=7,
    hints=(
        "Five keys are cached and one token arrives. How far behind it is the oldest key, and how far "
        "does this code take it to be?",
        "Look at the line that numbers queries and keys: one of the two counts from the wrong place.",
        "`query_at, key_at = torch.arange(____, ____ + t), torch.arange(n_past + t)`",
    ),
    sizes={
        "b": "examples",
        "h": "heads",
        "t": "new tokens",
        "n_past": "cached tokens",
        "d": "features of a head, an even number",
    },
    returns=("the output", "the new keys", "the new values"),
    solution=answers.solution,
    alternatives=(answers.by_distance,),
    reference=answers.with_complex_numbers,
    inputs=inputs,
    invariants=(in_two_steps,),
    cases=(nothing_cached, one_new_token),
    mistakes=(
        answers.without_rotation,
        answers.one_position_late,
        answers.one_position_early,
        answers.from_the_end,
        answers.from_all_keys,
        answers.all_at_one_position,
        answers.new_keys_alone,
        answers.turned_keys_in_the_cache,
        answers.values_turned_too,
    ),
    broken=answers.every_step_begins_at_zero,
    causes={
        "keys are cached before RoPE instead of after it": "each step turns all of them, and to the right "
        "places: it costs time, and no accuracy",
        "rounding errors pile up in the cache": "what is stored is not touched again, and rounding is far "
        "smaller",
        "each step counts its queries from 0, and the keys from the start of the text": "",
        "the mask of the new tokens hides cached keys": "it hides only what comes after a query",
    },
    discussion=(
        "Most caches hold turned keys, so that each is turned once; then k is turned from n_past as q "
        "is. Cached before RoPE, keys can be given new positions, as StreamingLLM does."
    ),
    notes="7 minutes. Turning all keys from 0 looks suspicious and is right; shifting both mends nothing.",
)
