"""The bank as an Anki deck: one note per card, both languages on it, ids that never change."""

import re
import zlib
from collections.abc import Iterable
from html import escape
from pathlib import Path

from glassbox.learn.bank import Card, Words

# Drawn once. Anki knows a deck and a kind of note by these; others would duplicate every note.
MODEL_ID, DECK_IDS = 1_607_392_319, 1_700_000_000
FIELDS = ("id", "ask", "问题", "answer", "回答", "links")
FRONT = "<div>{{ask}}</div><hr><div>{{问题}}</div>"
BACK = "{{FrontSide}}<hr id=answer>{{answer}}<hr>{{回答}}<hr><small>{{id}} {{links}}</small>"
HEADINGS = {"en": ("Must say", "Red flags"), "zh": ("要点", "扣分点")}


def export_anki(cards: Iterable[Card], path: str | Path) -> int:
    """Write the cards to an .apkg file, one sub-deck per topic, and return how many there are.

    Importing a newer file into Anki updates the notes and keeps their schedules: a note is known by the
    card's id alone, never by its text.
    """
    import genanki

    model = genanki.Model(
        MODEL_ID, "Glassbox card", fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Card", "qfmt": FRONT, "afmt": BACK}],
    )  # fmt: skip
    decks: dict[str, genanki.Deck] = {}
    for card in cards:
        deck = decks.setdefault(card.topic, genanki.Deck(deck_id(card.topic), f"Glassbox::{card.topic}"))
        deck.add_note(
            genanki.Note(
                model, fields(card), guid=f"glassbox-{card.id}", tags=[card.topic, card.skill, card.kind]
            )
        )
    genanki.Package(list(decks.values())).write_to_file(str(path))
    return sum(len(deck.notes) for deck in decks.values())


def deck_id(topic: str) -> int:
    """Return the id of a topic's deck, the same on every machine."""
    return DECK_IDS + zlib.crc32(topic.encode()) % 10**8


def fields(card: Card) -> list[str]:
    """Return a note's fields, as HTML."""
    asks = [_text(card.ask, language) + _claim(card, language) for language in ("en", "zh")]
    answers = [_answer(card, language) for language in ("en", "zh")]
    return [card.id, asks[0], asks[1], answers[0], answers[1], escape(" ".join(card.refs))]


def _claim(card: Card, language: str) -> str:
    return f"<blockquote>{_text(card.claim, language)}</blockquote>" if card.claim else ""


def _answer(card: Card, language: str) -> str:
    parts = [f"<p><b>{_text(card.brief, language)}</b></p>", f"<p>{_text(card.full, language)}</p>"]
    for heading, facts in zip(HEADINGS[language], (card.must_say, card.red_flags), strict=True):
        rows = "".join(f"<li>{_text(fact, language)}</li>" for fact in facts)
        parts.append(f"<p>{heading}</p><ul>{rows}</ul>")
    return "".join(parts)


def _text(words: Words, language: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words.of(language)))
