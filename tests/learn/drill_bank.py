"""A small bank and a pretended clock for the tests of the drill."""

from datetime import UTC, date, datetime, timedelta

from glassbox.learn.bank import Card, FollowUp, Words
from glassbox.learn.progress import Event

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def words(text: str) -> Words:
    return Words(en=text, zh=f"中 {text}")


def follow(text: str, *then: FollowUp) -> FollowUp:
    return FollowUp(
        when=words(f"said {text}"),
        ask=words(f"{text}?"),
        tells=words("x"),
        answer=words(f"{text}!"),
        then=then,
    )


def card(id: str, **changes) -> Card:
    kind = changes.get("kind", "explain")
    plain = {
        "id": id, "topic": "norms", "kind": kind, "skill": "recall", "level": 1, "frequency": 3,
        "ask": words(f"What is {id}?"), "claim": words(f"{id} is wrong") if kind == "repair" else None,
        "brief": words("brief"), "full": words("full"),
        "must_say": tuple(words(each) for each in ("one", "two", "three")),
        "red_flags": (words("flag"),), "refs": ("01#hook",), "sources": ("x",), "verified": date(2026, 1, 1),
    }  # fmt: skip
    return Card(**(plain | changes))


def bank(*cards: Card) -> dict[str, Card]:
    return {each.id: each for each in cards}


def after(**span: float) -> datetime:
    return START + timedelta(**span)


def event(kind: str, item: str, at: datetime = START, **payload) -> Event:
    return Event(f"{kind}-{item}-{at.timestamp()}", at, kind, item, payload)


def review(item: str, rating: int, at: datetime = START, **payload) -> Event:
    return event("review", item, at, **({"rating": rating, "before": rating, "after": rating} | payload))


def wrong(item: str, confidence: int, at: datetime = START) -> Event:
    return event(
        "outcome", item, at, right=False, confidence=confidence, question="Which falls?", truth="the last",
        answer="the first", misconception="Folklore.", because="The final norm divides.",
    )  # fmt: skip
