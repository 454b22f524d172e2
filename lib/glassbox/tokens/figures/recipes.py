"""The rows of the merge player: one text under four recipes, at every number of learned tokens."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from glassbox.arguments import bad_value, expect_choice, expect_whole
from glassbox.tokens.alphabet import show
from glassbox.tokens.bert import BertWords
from glassbox.tokens.figures.fewest import fewest
from glassbox.tokens.figures.pruning import prune_rows
from glassbox.tokens.marked import marked
from glassbox.tokens.patterns import by_pattern
from glassbox.tokens.reference import bpe, unigram, wordpiece
from glassbox.tokens.steps import merge_rows
from glassbox.tokens.wordpiece import UNKNOWN

TOP = 6
KEPT = "learned", "tokens", "table", "done", "merges", "symbols", "scores"
COLUMNS = "recipe", "learned", "words", "tokens", "fewest", "table", "done"


class Recipe(NamedTuple):
    """How a text is cut into words of single symbols, the rows of its training, and what encodes a word."""

    words: Callable[[str], list[list[str]]]
    rows: Callable[[str, int], list[dict]]
    encode: Callable[[Sequence[str], dict], list[str]]


def recipe_rows(text: str, steps: int = 26, recipes: Sequence[str] = ()) -> list[dict]:
    """Train each recipe on one text; return what the merge player shows.

    A row has `recipe`, `learned` (the tokens longer than a symbol so far), `words` (the text, word by word
    and token by token: {"token", "id", "cells"}), `tokens` (how many), `fewest` (how many would
    do with these tokens),
    `longer` (the words that got more tokens than needed: {"made", "allowed"}), `done` (the step in words),
    `table` (what comes next, as in `merge_rows`), and what encodes another text: `merges` and the `symbols`
    that occur, or `scores`.

    Convention: BPE and WordPiece take `steps` merges, from few tokens to many; Unigram goes from all
        substrings that occur twice down to characters.
    Raises: ValueError for an unknown recipe, or an empty text.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("steps", steps, 1)
    for name in recipes:
        expect_choice("recipes", name, RECIPES)
    return [row for name in recipes or RECIPES for row in _rows(name, text, steps)]


def _rows(name: str, text: str, steps: int) -> list[dict]:
    words = RECIPES[name].words(text)
    if not words:
        raise bad_value("text", "one with words in it", text)
    return [{"recipe": name, **_told(row, words)} for row in RECIPES[name].rows(text, steps)]


def _told(row: dict, words: Sequence[Sequence[str]]) -> dict:
    made = _by_word(row["pieces"], words)
    allowed = [fewest(word, set(row["learned"])) for word in words]
    longer = {
        tuple(piece["token"] for piece in one): other
        for one, other in zip(made, allowed, strict=True)
        if len(other) < len(one)
    }
    told = {key: row[key] for key in KEPT if key in row}
    return told | {
        "words": made,
        "fewest": sum(map(len, allowed)),
        "longer": [{"made": list(one), "allowed": other} for one, other in longer.items()],
    }


def _by_word(pieces: Sequence[dict], words: Sequence[Sequence[str]]) -> list[list[dict]]:
    """Put pieces back into words; `cells` says how many symbols each covers."""
    found, rest = [], iter(pieces)
    for word in words:
        found.append([])
        at = 0
        while at < len(word):
            piece = next(rest)
            cells = len(piece["token"]) - len(word[at]) + 1
            found[-1].append(piece | {"cells": cells})
            at += cells
    return found


# ---- the recipes


def _bytes(text: str, pattern: str) -> list[list[str]]:
    return [list(show(word.encode("utf-8"))) for word in by_pattern(pattern).words(text)]


def _bert(text: str) -> list[list[str]]:
    return [
        [word[0], *(wordpiece.INSIDE + character for character in word[1:])]
        for word in BertWords().words(text)
    ]


def _marked(text: str) -> list[list[str]]:
    return [list(word) for word in marked().words(text)]


def _merging(text: str, steps: int, **settings) -> list[dict]:
    merges, rows = [], []
    for row in merge_rows(text, steps, top=TOP, **settings):
        if row["new"] is not None:
            merges.append((row["left"], row["right"], row["new"]))
        learned = list(dict.fromkeys(new for _, _, new in merges))
        rows.append(row | {"merges": tuple(merges), "learned": learned, "done": _merged(row)})
    symbols = {piece["token"] for piece in rows[0]["pieces"]}
    return [row | {"symbols": symbols} for row in rows]


def _merged(row: dict) -> str:
    if row["new"] is None:
        return "before the first merge"
    times = "once" if row["count"] == 1 else f"{row['count']} times"
    return f"merge {row['step']}: {row['left']} + {row['right']} → {row['new']}, made {times}"


def _pruning(text: str, _: int) -> list[dict]:
    rows = prune_rows(text, top=TOP)
    return [row | {"done": _pruned(row["gone"], len(row["learned"]))} for row in rows]


def _pruned(gone: Sequence[str], left: int) -> str:
    if not gone:
        return f"start: all {left} substrings that occur twice and earn their place"
    shown = ", ".join(gone[:4]) + (", ..." if len(gone) > 4 else "")
    return f"taken out: {shown}; {left} learned piece{'s' * (left != 1)} left"


def _longest_match(word: Sequence[str], row: dict) -> list[str]:
    plain = "".join(symbol.removeprefix(wordpiece.INSIDE) for symbol in word)
    return wordpiece.encode(plain, {*row["learned"], *row["symbols"]}) or [UNKNOWN]


def _viterbi(word: Sequence[str], row: dict) -> list[str]:
    rare = min(row["scores"].values()) - 10
    unknown = {character: rare for character in word if character not in row["scores"]}
    return list(unigram.best("".join(word), row["scores"] | unknown))


def _by_rank(word: Sequence[str], row: dict) -> list[str]:
    tokens = list(dict.fromkeys([*word, *(token for merge in row["merges"] for token in merge)]))
    number = {token: place for place, token in enumerate(tokens)}
    merges = [bpe.Merge(*(number[token] for token in merge)) for merge in row["merges"]]
    return [tokens[place] for place in bpe.encode([number[symbol] for symbol in word], merges)]


RECIPES = {
    "BPE": Recipe(partial(_bytes, pattern="gpt2"), _merging, _by_rank),
    "BPE, whole text": Recipe(partial(_bytes, pattern="none"), partial(_merging, pattern="none"), _by_rank),
    "WordPiece": Recipe(_bert, partial(_merging, algorithm="wordpiece"), _longest_match),
    "Unigram": Recipe(_marked, _pruning, _viterbi),
}
