"""Write the mask of a chunk that arrives at a cache."""

import torch

from glassbox.learn.exercise import Implement, Inputs


def inputs(seed):
    make = Inputs(seed)
    t, n_past, window = make.sizes(3)
    return t, n_past, None if seed % 3 == 2 else window


def nothing_cached(seed):
    """
    saw: wrong even where nothing is cached and there is no window
    means: then it is the ordinary causal mask
    look: query i sees keys 0 ... i, its own included: True there, False elsewhere
    """
    (t,) = Inputs(seed).sizes(1)
    return t, 0, None


def something_cached(seed):
    """
    saw: right without a cache, wrong with one
    means: query i of the chunk stands at position n_past + i
    look: the positions of the queries, and the number of keys
    """
    t, n_past = Inputs(seed).sizes(2)
    return t, n_past, None


def a_window_alone(seed):
    """
    saw: right without a window, wrong with one, even where nothing is cached
    means: a query sees `window` keys, its own included
    look: which is the oldest key that it still sees
    """
    window, t = sorted(Inputs(seed).sizes(2))
    return t, 0, window


def one_query_and_a_window(seed):
    """
    saw: one query with a cache longer than the window sees the wrong keys
    means: the window ends at the query's own position, wherever its chunk begins
    look: the position from which the window is counted
    """
    window, n_past = sorted(Inputs(seed).sizes(2))
    return 1, n_past, window


def the_last_rows_of_the_whole(chunk_mask, t, n_past, window):
    """
    saw: the mask of a chunk is not the last rows of the whole text's mask
    means: the same text gives another answer when it arrives in pieces
    look: the position of the chunk's first query
    """
    return chunk_mask(t, n_past, window) == chunk_mask(n_past + t, 0, window)[-t:]


def nobody_sees_more_than_the_window(chunk_mask, t, n_past, window):
    """
    saw: a query with enough keys behind it does not see exactly `window` of them
    means: the window counts the keys seen, the query's own included
    look: < or <=, and whether the window is used at all
    """
    least = min(window or n_past + t, n_past + 1)
    return chunk_mask(t, n_past, window).sum(1)[0] == least


def solution(t, n_past, window=None):
    query = torch.arange(n_past, n_past + t)[:, None]
    key = torch.arange(n_past + t)
    seen = key <= query
    return seen if window is None else seen & (query - key < window)


def by_diagonals(t, n_past, window=None):
    seen = torch.ones(t, n_past + t, dtype=torch.bool).tril(n_past)
    return seen if window is None else seen.triu(n_past - window + 1)


def one_by_one(t, n_past, window=None):
    """Return the definition, in Python alone: coded apart from the solution."""
    rows = []
    for position in range(n_past, n_past + t):
        oldest = 0 if window is None else max(0, position + 1 - window)
        rows.append([oldest <= key <= position for key in range(n_past + t)])
    return torch.tensor(rows)


def top_left(t, n_past, window=None):
    """
    saw: the first query sees key 0 alone, however much is cached
    means: the mask is aligned top-left: the chunk's queries are counted from 0
    look: the position of the first query: n_past
    """
    query, key = torch.arange(t)[:, None], torch.arange(n_past + t)
    return (key <= query) & (query - key < (window or torch.inf))


def strict(t, n_past, window=None):
    """
    saw: no query sees its own key
    means: < in place of <=: the very first token of a text would see nothing
    look: the comparison of key and query
    """
    query, key = torch.arange(n_past, n_past + t)[:, None], torch.arange(n_past + t)
    return (key < query) & (query - key < (window or torch.inf))


def one_key_too_many(t, n_past, window=None):
    """
    saw: each query sees window + 1 keys
    means: the window is counted without the query's own key
    look: query - key < window, not <=
    """
    return solution(t, n_past, None if window is None else window + 1)


def one_key_too_few(t, n_past, window=None):
    """
    saw: each query sees window - 1 keys
    means: the query's own key is counted twice
    look: the comparison with the window: the distance to oneself is 0
    """
    return solution(t, n_past, None if window is None else window - 1)


def without_the_window(t, n_past, window=None):
    """
    saw: right without a window; with one, every query still sees all that came before
    means: the window is not used
    look: the second condition
    """
    return solution(t, n_past)


def without_the_cache(t, n_past, window=None):
    """
    saw: the mask is t x t
    means: the cached keys have no columns, so no query would see them
    look: the number of keys: the cached ones and the chunk's own
    """
    return solution(t, 0, window)


def window_from_the_chunk(t, n_past, window=None):
    """
    saw: the window is right in a chunk without a cache, and too long behind one
    means: the distance is counted from the query's place in the chunk, not from its position
    look: the position that you subtract the key's from
    """
    query, key = torch.arange(t)[:, None], torch.arange(n_past + t)
    return (key <= query + n_past) & (query - key < (window or torch.inf))


def turned_round(t, n_past, window=None):
    """
    saw: True and False are each other's
    means: here True is "may see"; some libraries mean "is hidden"
    look: the last line
    """
    return ~solution(t, n_past, window)


def ones_and_zeros(t, n_past, window=None):
    """
    saw: the numbers are right, but they are floats
    means: a float mask is added to the scores by most functions, and 0 and 1 hide nothing there
    look: dtype=torch.bool, or a comparison
    """
    return solution(t, n_past, window).float()


chunk_mask = Implement(
    id="attention.chunk_mask",
    title="The mask of a chunk, behind a cache",
    statement=(
        "`n_past` keys are cached, and a chunk of `t` tokens arrives. Return the boolean mask of its "
        "queries, (t, n_past + t): True where a query may see a key. It is causal; with a `window`, a "
        "query sees at most that many keys, its own included."
    ),
    difficulty=2,
    importance=5,
    minutes=6,
    hints=(
        "One token arrives behind 1000. How many keys does it see, and how many with a window of 4?",
        "Write down the positions of the queries, and those of the keys. All else follows from their "
        "difference.",
        "`query = torch.arange(____, n_past + t)[:, None]`, then `(key <= query) & (query - key < ____)`",
    ),
    sizes={"t": "queries of the chunk", "n_past": "cached keys", "window": "keys seen at most, or None"},
    example=(2, 3, 2),
    solution=solution,
    alternatives=(by_diagonals,),
    reference=one_by_one,
    inputs=inputs,
    invariants=(the_last_rows_of_the_whole, nobody_sees_more_than_the_window),
    cases=(nothing_cached, something_cached, a_window_alone, one_query_and_a_window),
    mistakes=(
        top_left,
        strict,
        one_key_too_many,
        one_key_too_few,
        without_the_window,
        without_the_cache,
        window_from_the_chunk,
        turned_round,
        ones_and_zeros,
    ),
    forbidden=("glassbox.attention.masks.causal", "glassbox.attention.masks.sliding_window"),
    discussion=(
        "is_causal=True of PyTorch's attention is top-left aligned: with a cache, pass the mask, or for "
        "a single token no mask at all."
    ),
    notes="6 minutes. Without a chunk of several tokens behind a cache, top-left alignment is never seen.",
)
