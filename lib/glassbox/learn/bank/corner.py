"""Interview questions inside a notebook: the question open, the answers folded, the follow-ups inside."""

import re
from html import escape

from glassbox.arguments import bad_value, expect_choice
from glassbox.learn.bank.loading import cards
from glassbox.learn.bank.schema import Card, FollowUp
from glassbox.learn.predict.block import Block, stacked

LANGUAGES = ("en", "zh")
LABELS = {
    "en": ("In 30 seconds", "In 2 minutes", "Must say", "Red flags", "They ask next", "The claim"),
    "zh": ("30 秒回答", "2 分钟回答", "必须说到", "危险信号", "接着会问", "有人说"),
}
FORMULA = re.compile(r"`([^`]*)`")


def corner(*ids: str, language: str = "en") -> Block:
    """Return cards of the bank as a page shows them: each answer opens on a click.

    Raises: ValueError for an id that no card has, or a language other than "en" and "zh".
    """
    expect_choice("language", language, LANGUAGES)
    known = cards()
    for name in ids:
        if name not in known:
            raise bad_value("ids", "the ids of cards", name)
    return stacked(*(_card(known[name], language) for name in ids))


def _card(card: Card, language: str) -> Block:
    brief, full, must, flags, _, claim = LABELS[language]
    words = card.ask.of(language)
    ask = Block(f'<p style="margin:12px 0 2px"><b>{_html(words)}</b></p>', words)
    if card.claim is not None:
        ask = stacked(ask, _text(f"{claim}: {card.claim.of(language)}", "blockquote"))
    inside = stacked(
        _text(card.full.of(language), "p"),
        _lines(must, [fact.of(language) for fact in card.must_say]),
        _lines(flags, [flag.of(language) for flag in card.red_flags]),
    )
    return stacked(
        ask,
        _fold(brief, _text(card.brief.of(language), "p")),
        _fold(full, inside),
        *_chain(card.followups, language),
    )


def _chain(followups: tuple[FollowUp, ...], language: str) -> list[Block]:
    """Return what is asked next, and after that, each inside the answer before it."""
    found = []
    for each in followups:
        answer = stacked(_text(each.answer.of(language), "p"), *_chain(each.then, language))
        found.append(_fold(f"{LABELS[language][4]}: {each.ask.of(language)}", answer))
    return found


def _text(words: str, tag: str) -> Block:
    return Block(f"<{tag}>{_html(words)}</{tag}>", words)


def _lines(head: str, lines: list[str]) -> Block:
    items = "".join(f"<li>{_html(line)}</li>" for line in lines)
    return Block(f"<p><i>{head}</i></p><ul>{items}</ul>", "\n".join([head, *(f"  - {x}" for x in lines)]))


def _fold(summary: str, inside: Block) -> Block:
    html = f"<details><summary>{_html(summary)}</summary>{inside.html}</details>"
    return Block(html, f"{summary}\n{inside.text}")


def _html(words: str) -> str:
    return FORMULA.sub(r"<code>\1</code>", escape(words))
