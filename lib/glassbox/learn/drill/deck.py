"""The deck: every card with its memory, and the choice of the next one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from glassbox.learn.bank import Card
from glassbox.learn.drill.feed import Urgent, from_outcome, prediction_id, sure_and_wrong, urgent
from glassbox.learn.drill.schedule import Memory, fresh, recall, replay, reviewed
from glassbox.learn.progress import Event

ANY: frozenset[str] = frozenset()


class Deck(NamedTuple):
    """The cards, what is known of the memory of each, what is urgent, and the cards asked last."""

    cards: dict[str, Card]
    memories: dict[str, Memory]
    urgent: dict[str, Urgent]
    asked: tuple[str, ...] = ()


class Filters(NamedTuple):
    """Which cards may come; an empty set lets all pass."""

    topics: frozenset[str] = ANY
    skills: frozenset[str] = ANY
    kinds: frozenset[str] = ANY

    def passes(self, card: Card) -> bool:
        """Tell whether a card may come."""
        pairs = ((self.topics, card.topic), (self.skills, card.skill), (self.kinds, card.kind))
        return all(not wanted or value in wanted for wanted, value in pairs)


ALL = Filters()


class Pick(NamedTuple):
    """The next card and why it comes."""

    card: Card
    why: str


def opened(cards: Mapping[str, Card], events: Iterable[Event]) -> Deck:
    """Return the deck as the log leaves it. Predictions that were sure and wrong become cards too."""
    history = list(events)
    whole = dict(cards) | _from_predictions(cards, history)
    return Deck(whole, replay(history), urgent(whole, history))


def _from_predictions(cards: Mapping[str, Card], events: Iterable[Event]) -> dict[str, Card]:
    topics = {ref[:2]: card.topic for card in cards.values() for ref in card.refs}
    return {
        prediction_id(event.item): from_outcome(event, topics.get(event.item[:2], "predictions"))
        for event in events
        if sure_and_wrong(event)
    }


def choose(deck: Deck, now: datetime, filters: Filters = ALL) -> Pick | None:
    """Return the card to ask now, or None if the filters leave none.

    Convention: first what a failure made urgent, then what is due, least likely recalled first, then new
        cards, most frequent questions first. Of these the first from another topic than the last card's;
        the same card never comes twice in a row. When nothing is urgent, due or new, the one due soonest.
    """
    last = deck.asked[-1] if deck.asked else ""
    ids = [card.id for card in deck.cards.values() if filters.passes(card) and card.id != last]
    queue = _urgent(deck, ids) + _due(deck, ids, now) + _new(deck, ids) or _ahead(deck, ids)
    topic = deck.cards[last].topic if last in deck.cards else ""
    return next((pick for pick in queue if pick.card.topic != topic), queue[0] if queue else None)


def _urgent(deck: Deck, ids: list[str]) -> list[Pick]:
    found = [(deck.urgent[card], card) for card in ids if card in deck.urgent]
    ranked = sorted(found, key=lambda pair: (-pair[0].weight, pair[0].at, pair[1]))
    return [Pick(deck.cards[card], reason.why) for reason, card in ranked]


def _due(deck: Deck, ids: list[str], now: datetime) -> list[Pick]:
    due = [card for card in ids if card in deck.memories and deck.memories[card].due <= now]
    ranked = sorted(due, key=lambda card: (recall(deck.memories[card], now), card))
    return [Pick(deck.cards[card], "Due for review.") for card in ranked]


def _new(deck: Deck, ids: list[str]) -> list[Pick]:
    new = [deck.cards[card] for card in ids if card not in deck.memories]
    ranked = sorted(new, key=lambda card: (-card.frequency, card.level, card.id))
    return [Pick(card, "New.") for card in ranked]


def _ahead(deck: Deck, ids: list[str]) -> list[Pick]:
    ranked = sorted((deck.memories[card].due, card) for card in ids if card in deck.memories)
    return [Pick(deck.cards[card], f"Ahead of time: due {due:%Y-%m-%d %H:%M} UTC.") for due, card in ranked]


def grade(deck: Deck, card: str, rating: int, now: datetime) -> Deck:
    """Return the deck after a review: the card's memory is newer, and it is urgent no more."""
    memory = reviewed(deck.memories.get(card) or fresh(card, now), rating, now)
    waiting = {name: reason for name, reason in deck.urgent.items() if name != card}
    return deck._replace(
        memories=deck.memories | {card: memory}, urgent=waiting, asked=(*deck.asked[-9:], card)
    )


def skip(deck: Deck, card: str) -> Deck:
    """Return the deck after a card was passed over; nothing is known of its memory from that."""
    return deck._replace(asked=(*deck.asked[-9:], card))
