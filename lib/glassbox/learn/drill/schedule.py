"""When to ask a card again: FSRS, replayed from the log, so that a new version of it loses no history."""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from fsrs import Card as Memory
from fsrs import Rating, Scheduler

from glassbox.learn.progress import Event

# Without chance in the intervals the same log always gives the same schedule.
SCHEDULER = Scheduler(enable_fuzzing=False)
LONGEST = 36500  # days
RATINGS = (1, 2, 3, 4)


def fresh(card: str, at: datetime) -> Memory:
    """Return the memory of a card that was never asked."""
    return Memory(card_id=zlib.crc32(card.encode()), due=at)  # without an id the library sleeps to make one


def reviewed(memory: Memory, rating: int, at: datetime) -> Memory:
    """Return the memory after a review with rating 1 (again) to 4 (easy)."""
    return SCHEDULER.review_card(memory, Rating(rating), at)[0]


def replay(events: Iterable[Event]) -> dict[str, Memory]:
    """Return the memory of each card after the reviews in a log, oldest first."""
    memories: dict[str, Memory] = {}
    for event in events:
        if event.kind == "review" and event.payload.get("rating") in RATINGS:
            memory = memories.get(event.item) or fresh(event.item, event.at)
            memories[event.item] = reviewed(memory, event.payload["rating"], event.at)
    return memories


def recall(memory: Memory, at: datetime) -> float:
    """Return the estimated probability that the card would be answered now."""
    return SCHEDULER.get_card_retrievability(memory, at)


def half_life(memory: Memory) -> int:
    """Return after how many days without practice the estimated recall has fallen to one half."""
    low, high = 0, 1
    while high < LONGEST and _after(memory, high) > 0.5:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _after(memory, middle) > 0.5 else (low, middle)
    return high


def _after(memory: Memory, days: int) -> float:
    return recall(memory, memory.last_review + timedelta(days=days))
