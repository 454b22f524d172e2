"""Byte-pair encoding as defined: count every pair anew, merge the most frequent, write the merge down."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple


class Merge(NamedTuple):
    """One line of a trained BPE: tokens `left` and `right`, side by side, become `new`."""

    left: int
    right: int
    new: int


class State(NamedTuple):
    """A training between two merges."""

    words: dict[tuple[int, ...], int]  # how often each word occurs, spelled in the tokens so far
    tokens: tuple[bytes, ...] | tuple[str, ...]  # id -> spelling
    merges: tuple[Merge, ...] = ()


def start(words: Mapping[bytes, int], alphabet: Sequence[bytes]) -> State:
    """Spell every word in single symbols."""
    place = {symbol: number for number, symbol in enumerate(alphabet)}
    spelled = {tuple(place[word[i : i + 1]] for i in range(len(word))): n for word, n in words.items()}
    return State(spelled, tuple(alphabet))


def pair_counts(words: Mapping[tuple[int, ...], int]) -> Counter:
    counts: Counter = Counter()
    for word, n in words.items():
        for pair in pairwise(word):
            counts[pair] += n
    return counts


def replaced(word: Sequence[int], merge: Merge) -> tuple[int, ...]:
    """From the left, put `new` for each `left`, `right`: of three equal tokens the first two are merged."""
    out, at = [], 0
    while at < len(word):
        here = tuple(word[at : at + 2]) == merge[:2]
        out.append(merge.new if here else word[at])
        at += 1 + here
    return tuple(out)


def choose(state: State, least_count: int = 1) -> tuple[int, int] | None:
    """Return the pair that occurs most; of equals, the one with the smaller ids; None if all are too rare."""
    counts = pair_counts(state.words)
    pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
    return None if pair is None or counts[pair] < least_count else pair


def merged(state: State, pair: tuple[int, int], spelling: bytes | str) -> State:
    """Merge a pair everywhere. A token that spells the same as an older one is it; a pair is listed once."""
    tokens = state.tokens if spelling in state.tokens else (*state.tokens, spelling)
    merge = Merge(*pair, tokens.index(spelling))
    words: Counter = Counter()
    for word, n in state.words.items():
        words[replaced(word, merge)] += n
    return State(dict(words), tokens, state.merges + (() if merge in state.merges else (merge,)))


def step(state: State, least_count: int = 1) -> State:
    """Make one merge; return the state as it came if no pair occurs `least_count` times."""
    pair = choose(state, least_count)
    return state if pair is None else merged(state, pair, state.tokens[pair[0]] + state.tokens[pair[1]])


def train(state: State, vocabulary_size: int, least_count: int = 1) -> State:
    while len(state.tokens) < vocabulary_size and (after := step(state, least_count)) is not state:
        state = after
    return state


def encode(word: Iterable[int], merges: Sequence[Merge]) -> list[int]:
    """Make the merge that was learned first, the leftmost such one, until none applies."""
    rank = {merge[:2]: number for number, merge in enumerate(merges)}
    word = list(word)
    while ranked := [(rank[pair], at) for at, pair in enumerate(pairwise(word)) if pair in rank]:
        number, at = min(ranked)
        word[at : at + 2] = [merges[number].new]
    return word
