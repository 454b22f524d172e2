"""Where the weak spots are: by topic and skill, by named mistake, by over-confidence; and what to do next."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from statistics import mean, median
from typing import NamedTuple

from glassbox.learn.bank import SKILLS, find_cell
from glassbox.learn.drill.deck import Deck
from glassbox.learn.drill.schedule import half_life, recall
from glassbox.learn.progress import Event

MINUTES, PER_CARD, PER_MISTAKE = 45, 5, 10
MOST_MISTAKES = 3
WEAK = 0.9  # below this recall, the retention that the schedule aims at, a card is worth a visit


class Spot(NamedTuple):
    """One topic and skill: cards, how many were asked, reviews, mean recall now, half-life, mean grade."""

    topic: str
    skill: str
    cards: int
    seen: int
    reviews: int
    recall: float | None
    half_life: float | None
    grade: float | None


class Sureness(NamedTuple):
    """Predictions made with one confidence: how many, and which share was right."""

    confidence: int
    answers: int
    right: float


class Step(NamedTuple):
    """Something to do next, with a link that JupyterLab follows."""

    minutes: int
    link: str
    why: str


class WeakSpots(NamedTuple):
    """The report. `excess` is the mean of the grade expected less the grade earned."""

    spots: list[Spot]
    mistakes: list[tuple[str, int]]
    calibration: list[Sureness]
    excess: float | None
    next: list[Step]


def weak_spots(deck: Deck, events: Iterable[Event], now: datetime) -> WeakSpots:
    """Return the report on everything in the log."""
    history = list(events)
    reviews = [event for event in history if event.kind == "review" and event.item in deck.cards]
    expected = [e.payload["before"] - e.payload["after"] for e in reviews if "before" in e.payload]
    return WeakSpots(
        _spots(deck, reviews, now),
        _mistakes(history),
        _calibration(history),
        round(mean(expected), 2) if expected else None,
        _next(deck, now),
    )


def _spots(deck: Deck, reviews: list[Event], now: datetime) -> list[Spot]:
    groups = defaultdict(list)
    for card in deck.cards.values():
        groups[card.topic, card.skill].append(card.id)
    grades = defaultdict(list)
    for event in reviews:
        grades[event.item].append(event.payload.get("after", 0))
    order = sorted(groups, key=lambda key: (key[0], SKILLS.index(key[1])))
    return [_spot(deck, *key, groups[key], grades, now) for key in order]


def _spot(deck: Deck, topic: str, skill: str, ids: list[str], grades: dict, now: datetime) -> Spot:
    memories = [deck.memories[card] for card in ids if card in deck.memories]
    given = [grade for card in ids for grade in grades.get(card, ())]
    return Spot(
        topic, skill, len(ids), len(memories), len(given),
        round(mean(recall(memory, now) for memory in memories), 3) if memories else None,
        float(median(half_life(memory) for memory in memories)) if memories else None,
        round(mean(given), 2) if given else None,
    )  # fmt: skip


def _mistakes(events: list[Event]) -> list[tuple[str, int]]:
    named = Counter(
        f"{event.item}: {event.payload['mistake'].replace('_', ' ')}"
        for event in events
        if event.kind == "attempt" and event.payload.get("mistake")
    )
    return sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_MISTAKES]


def _calibration(events: list[Event]) -> list[Sureness]:
    by_confidence = defaultdict(list)
    for event in events:
        if event.kind == "outcome" and event.payload.get("right") is not None:
            by_confidence[event.payload["confidence"]].append(event.payload["right"])
    return [
        Sureness(confidence, len(rights), round(mean(rights), 3))
        for confidence, rights in sorted(by_confidence.items())
    ]


def _next(deck: Deck, now: datetime) -> list[Step]:
    """Fill the next minutes: what a failure made urgent first, then what is most nearly forgotten."""
    steps, left, seen = [], MINUTES, set()
    for card, minutes, why in [*_failed(deck), *_fading(deck, now)]:
        link = _link(deck, card)
        if link and link not in seen and minutes <= left:
            seen.add(link)
            steps.append(Step(minutes, link, why))
            left -= minutes
    return steps


def _failed(deck: Deck) -> list[tuple[str, int, str]]:
    ranked = sorted(deck.urgent.items(), key=lambda pair: (-pair[1].weight, pair[1].at, pair[0]))
    return [(card, PER_MISTAKE, reason.why) for card, reason in ranked if card in deck.cards]


def _fading(deck: Deck, now: datetime) -> list[tuple[str, int, str]]:
    known = sorted(
        (recall(memory, now), card) for card, memory in deck.memories.items() if card in deck.cards
    )
    return [(card, PER_CARD, f"{deck.cards[card].ask.en} (recall {r:.0%})") for r, card in known if r < WEAK]


def _link(deck: Deck, card: str) -> str:
    """Return the link to the card's first cell; a learner's older notebooks may lack it."""
    with suppress(ValueError, IndexError):
        return find_cell(deck.cards[card].refs[0]).link
    return ""
