"""What is asked, and what counts as an answer to it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from glassbox.arguments import bad_type, bad_value, expect_choice
from glassbox.learn.predict.block import letter

KINDS = ("choice", "number")
MOST_CHOICES = 8
SURENESS = (1, 2, 3, 4, 5)


class Question(NamedTuple):
    """A prediction's question; `choices` is empty for a number, `unit` for a choice."""

    id: str
    ask: str
    kind: str
    choices: tuple[str, ...]
    unit: str

    def shown(self, value: str | float) -> str:
        """Return an answer as it is printed."""
        if self.kind == "choice":
            return str(value)
        return f"{value:.4g} {self.unit}".rstrip()


class Answer(NamedTuple):
    """What the learner committed to."""

    value: str | float
    confidence: int


def posed(id: str, ask: str, kind: str, choices: Sequence, unit: str) -> Question:
    """Check the parts of a question and put them together.

    Raises: TypeError, ValueError for an empty id or question, an unknown kind, or choices that do not fit it.
    """
    for name, value in (("id", id), ("question", ask)):
        if not isinstance(value, str) or not value.strip():
            raise bad_value(name, "some text", value)
    expect_choice("kind", kind, KINDS)
    words = tuple(str(choice) for choice in choices)
    if kind == "number" and words:
        raise bad_value("choices", "none for kind 'number'", list(words))
    if kind == "choice" and not (2 <= len(words) <= MOST_CHOICES and len(set(words)) == len(words)):
        raise bad_value("choices", f"2 to {MOST_CHOICES} different ones", list(words))
    return Question(id, ask, kind, words, unit)


def checked(asked: Question, value: object, confidence: object) -> Answer:
    """Return an answer in the question's own terms.

    Raises: TypeError, ValueError for a value that is no answer to it, or a confidence outside 1..5.
    """
    if isinstance(confidence, bool) or confidence not in SURENESS:
        raise bad_value("confidence", "1 (a guess) to 5 (certain)", confidence)
    read = _choice if asked.kind == "choice" else _number
    return Answer(read(asked, value), int(confidence))


def _choice(asked: Question, value: object) -> str:
    letters = {letter(place): words for place, words in enumerate(asked.choices)}
    words = str(value)
    if words in asked.choices:
        return words
    if words.upper() in letters:
        return letters[words.upper()]
    raise bad_value("value", f"one of {', '.join(map(repr, asked.choices))}, or its letter", value)


def _number(asked: Question, value: object) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise bad_type("value", f"a number{' of ' * bool(asked.unit)}{asked.unit}", value) from error
    if not math.isfinite(number):
        raise bad_value("value", "a finite number", value)
    return number
