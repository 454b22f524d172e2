"""What jumps the queue: predictions that were sure and wrong, and exercises that failed."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from glassbox.learn.bank import Card, Words
from glassbox.learn.progress import Event

SURE = 4  # of 5


class Urgent(NamedTuple):
    """Why a card is asked at once; a greater weight goes first."""

    weight: int
    at: datetime
    why: str


def urgent(cards: Mapping[str, Card], events: Iterable[Event]) -> dict[str, Urgent]:
    """Return the cards that a failure asks for and that were not reviewed since.

    A card is asked for by the exercise that is its whiteboard, and by what its `raised_by` names: a
    prediction, an exercise, or one mistake as exercise:mistake.
    """
    asked_by = _asked_by(cards)
    found: dict[str, Urgent] = {}
    for event in events:
        if event.kind == "review":
            found.pop(event.item, None)
        for card, reason in _raised(event, asked_by, cards):
            found[card] = reason
    return found


def _asked_by(cards: Mapping[str, Card]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for card in cards.values():
        for source in {*card.raised_by, card.whiteboard} - {None}:
            index.setdefault(source, []).append(card.id)
    return index


def failed(event: Event) -> bool:
    """Tell whether an attempt was wrong. Words are compared, not judged: there only a named claim counts."""
    return event.payload.get("state") == "not yet right" or bool(event.payload.get("mistake"))


def _raised(event: Event, asked_by: Mapping[str, list[str]], cards: Mapping[str, Card]):
    if sure_and_wrong(event):
        sentence = event.payload.get("misconception") or event.payload.get("question", "")
        reason = Urgent(event.payload["confidence"], event.at, f"You were sure and wrong: {sentence}")
        own = prediction_id(event.item)
        for card in [*asked_by.get(event.item, ()), *([own] if own in cards else [])]:
            yield card, reason
    elif event.kind == "attempt" and failed(event):
        mistake = event.payload.get("mistake") or ""
        said = f"{event.item}: {mistake.replace('_', ' ')}" if mistake else event.item
        sources = [event.item, *([f"{event.item}:{mistake}"] if mistake else [])]
        for card in {card for source in sources for card in asked_by.get(source, ())}:
            yield card, Urgent(2, event.at, f"An attempt failed: {said}")


def sure_and_wrong(event: Event) -> bool:
    """Tell whether an event is the outcome of a prediction that was confident and wrong."""
    return (
        event.kind == "outcome"
        and event.payload.get("right") is False
        and event.payload.get("confidence", 0) >= SURE
    )


def prediction_id(item: str) -> str:
    """Return the id of the card that a prediction becomes."""
    return "prediction-" + re.sub(r"[^a-z0-9]+", "-", item.lower()).strip("-")


def from_outcome(event: Event, topic: str) -> Card:
    """Return a card made of a prediction that was sure and wrong: its question, truth and misconception."""
    found = event.payload
    truth = " ".join(part for part in (found["truth"], found.get("because", "")) if part)
    wrong = found.get("misconception") or f"{found['answer']}."
    return Card.model_construct(
        id=prediction_id(event.item), topic=topic, kind="explain", skill="judge", level=1, frequency=5,
        ask=_same(found["question"]), claim=None, brief=_same(truth), full=_same(truth),
        must_say=(_same(truth),), red_flags=(_same(wrong),), followups=(), numbers=(), given=(), refs=(),
        whiteboard=None, raised_by=(), sources=(), verified=event.at.date(),
    )  # fmt: skip


def _same(text: str) -> Words:
    """A notebook asks in one language; the card repeats it."""
    return Words(en=text, zh=text)
