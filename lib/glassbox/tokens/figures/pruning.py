"""Unigram's way down: from many pieces, the one that is missed least is taken out, step by step."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from glassbox.tokens.marked import marked
from glassbox.tokens.reference import unigram
from glassbox.tokens.unigram_training import EM, em_start, em_step, kept, losses

DIGITS = 6  # of scores and losses, so that equal ones are equal on every machine


def prune_rows(text: str, top: int = 6, most: int = 64) -> list[dict]:
    """Train Unigram on one text, a step of EM and one piece at a time, from its substrings to characters.

    A row has `vocabulary`, `tokens`, `pieces` and `table` as those of `merge_rows`; an entry of the table has
    the piece that can go as `left` (and no `right`), its uses as `count`, and as `score` the log-likelihood
    lost with it, least first. Also `gone`, the pieces taken out since the row before, `learned`, those longer
    than a character that are left, and `scores`, the log-probability of each piece.

    Convention: starts from at most `most` substrings; a step of EM drops what is used less than half a time.
    """
    words = marked().words(text)
    state = em_start(Counter(words), most)
    number = {piece: place for place, piece in enumerate(state.pieces)}
    rows, before = [], ()
    while words:
        scores = _scores(state)
        ranked = _ranked(state, _uses(words, scores))
        row = {"table": ranked[:top], "gone": [piece for piece in before if piece not in scores]}
        rows.append(row | _row(words, scores, number))
        if not ranked:
            break
        before = state.pieces
        drop = ranked[0]["left"] if len(rows) > 1 else None
        state = em_step(kept(state, np.array([piece != drop for piece in state.pieces])))
    return rows


def _scores(state: EM) -> dict[str, float]:
    values = (round(score, DIGITS) for score in state.scores.tolist())
    return dict(zip(state.pieces, values, strict=True))


def _uses(words: Sequence[str], scores: Mapping[str, float]) -> Counter:
    """Count the pieces along the best segmentations."""
    return Counter(piece for word in words for piece in unigram.best(word, scores))


def _ranked(state: EM, uses: Counter) -> list[dict]:
    """Return the pieces that can be taken out, the least missed first."""
    table = [
        {"left": piece, "right": None, "count": uses[piece], "score": round(loss, DIGITS)}
        for piece, loss in zip(state.pieces, losses(state).tolist(), strict=True)
        if len(piece) > 1
    ]
    return sorted(table, key=lambda one: (one["score"], one["left"]))


def _row(words: Sequence[str], scores: Mapping[str, float], number: Mapping[str, int]) -> dict:
    pieces = [piece for word in words for piece in unigram.best(word, scores)]
    return {
        "vocabulary": len(scores),
        "tokens": len(pieces),
        "pieces": [{"token": piece, "id": number[piece]} for piece in pieces],
        "learned": [piece for piece in scores if len(piece) > 1],
        "scores": scores,
    }
