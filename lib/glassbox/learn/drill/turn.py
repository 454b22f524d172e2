"""One card, from the question to the grade: a grade before the model answer, and one after it."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from glassbox.learn import progress
from glassbox.learn.bank import Card
from glassbox.learn.drill.deck import ALL, Deck, Filters, choose
from glassbox.learn.drill.rubric import BEST, cap, rating


class Turn(NamedTuple):
    """A card that was asked; `before` is the learner's own grade, given before the answer is seen."""

    card: Card
    why: str
    began: datetime
    before: int | None = None


class Review(NamedTuple):
    """How it went. `said` and `flags` are places in the card's must-say facts and red flags."""

    card: str
    before: int
    after: int
    rating: int
    said: tuple[int, ...]
    flags: tuple[int, ...]
    seconds: int


def ask(deck: Deck, now: datetime, filters: Filters = ALL) -> Turn | None:
    """Return the next turn, or None if there is no card."""
    pick = choose(deck, now, filters)
    return pick and Turn(pick.card, pick.why, now)


def commit(turn: Turn, before: int) -> Turn:
    """Return the turn with the grade that the learner expects, 0 to 4; only then may the answer be shown."""
    return turn._replace(before=_whole("before", before))


def settle(turn: Turn, said: Iterable[int], flags: Iterable[int], after: int, now: datetime) -> Review:
    """Return the review: the grade after the model answer, held down by missed facts and red flags.

    Raises: ValueError if no grade was given before, or a grade or place is out of range.
    """
    if turn.before is None:
        raise ValueError("before: expected a grade given before the answer was shown; came None")
    facts = _places("said", said, len(turn.card.must_say))
    sunk = _places("flags", flags, len(turn.card.red_flags))
    final = min(_whole("after", after), cap(len(turn.card.must_say), len(facts), len(sunk)))
    seconds = max(0, round((now - turn.began).total_seconds()))
    return Review(turn.card.id, turn.before, final, rating(final), facts, sunk, seconds)


def record(review: Review, language: str) -> None:
    """Write a review to the learner's log."""
    payload = review._asdict() | {"said": list(review.said), "flags": list(review.flags)}
    del payload["card"]
    progress.log("review", review.card, payload | {"language": language})


def _whole(name: str, grade: int) -> int:
    if grade not in range(BEST + 1):
        raise ValueError(f"{name}: expected a grade from 0 to {BEST}; came {grade!r}")
    return int(grade)


def _places(name: str, places: Iterable[int], count: int) -> tuple[int, ...]:
    found = tuple(sorted(set(places)))
    if any(place not in range(count) for place in found):
        raise ValueError(f"{name}: expected places from 0 to {count - 1}; came {found}")
    return found
