"""An invented learner: what the report looks like before you have a record of your own.

Nothing here was measured on people. The learner answers names better than derivations, puts off what is hard,
and is surer than right; the schedule and the report are the real ones.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from glassbox.learn.bank import SKILLS, Card, Words
from glassbox.learn.drill.schedule import fresh, reviewed
from glassbox.learn.progress import Event

BEGAN = datetime(2026, 1, 5, 18, tzinfo=UTC)
TODAY = BEGAN + timedelta(days=60)
TOPICS = (
    "norms", "ffn", "attention", "positions", "tokens", "models", "pretraining", "decoding", "lora", "sft"
)  # fmt: skip
UNREAD = 2  # topics at the end that the learner has not reached
DAYS_PER_TOPIC = 5
KNOWS = {"recall": 0.95, "derive": 0.45, "code": 0.6, "compute": 0.5, "judge": 0.8}
PUTS_OFF = {"recall": 0, "derive": 25, "code": 12, "compute": 18, "judge": 4}  # days after a card is due
EXPECTS = 3  # the grade that this learner foresees, whatever the card
RIGHT_OF_TEN = {1: 3, 2: 4, 3: 5, 4: 6, 5: 6}  # predictions, by confidence


def cards() -> dict[str, Card]:
    """Return two cards for each topic and skill."""
    found = [
        _card(number, topic, skill, copy)
        for number, topic in enumerate(TOPICS, start=1)
        for skill in SKILLS
        for copy in "ab"
    ]
    return {card.id: card for card in found}


def _card(number: int, topic: str, skill: str, copy: str) -> Card:
    words = Words(en=f"An example card on {topic}: {skill}.", zh=f"{topic} 的示例卡片：{skill}。")
    return Card.model_construct(
        id=f"example-{topic}-{skill}-{copy}", topic=topic, kind="explain", skill=skill, level=1, frequency=3,
        ask=words, claim=None, brief=words, full=words, must_say=(words,), red_flags=(words,), followups=(),
        numbers=(), given=(), refs=(f"{number:02}#example",), whiteboard=None, raised_by=(), sources=(),
        verified=date(2026, 1, 1),
    )  # fmt: skip


def events(seed: int = 0) -> list[Event]:
    """Return the log of this learner's 60 days, oldest first."""
    chance = random.Random(seed)
    found = [event for card in cards().values() for event in _reviews(card, chance)]
    found += _outcomes()
    return sorted(found, key=lambda event: (event.at, event.item))


def _reviews(card: Card, chance: random.Random) -> Iterator[Event]:
    place = TOPICS.index(card.topic)
    at, memory = BEGAN + timedelta(days=DAYS_PER_TOPIC * place), None
    while at <= TODAY and place < len(TOPICS) - UNREAD:
        rating = EXPECTS if chance.random() < KNOWS[card.skill] else 1
        memory = reviewed(memory or fresh(card.id, at), rating, at)
        payload = {"rating": rating, "before": EXPECTS, "after": rating}
        yield Event(f"{card.id} {at}", at, "review", card.id, payload)
        at = memory.due + timedelta(days=PUTS_OFF[card.skill] * chance.random())


def _outcomes() -> Iterator[Event]:
    for confidence, right in RIGHT_OF_TEN.items():
        for place in range(10):
            item = f"{1 + place % (len(TOPICS) - UNREAD):02}.example_{confidence}_{place}"
            words = {"question": "An example question.", "truth": "the last", "answer": "the first"}
            payload = words | {"confidence": confidence, "right": place < right}
            yield Event(item, BEGAN + timedelta(days=place), "outcome", item, payload)
