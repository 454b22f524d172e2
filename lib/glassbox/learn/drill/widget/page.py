"""The pages of the forms, as HTML that needs neither scripts nor style sheets."""

from collections.abc import Iterable
from contextlib import suppress
from html import escape

from glassbox.learn.bank import Card, FollowUp, find_cell
from glassbox.learn.bank.numbers import FORMULA
from glassbox.learn.drill.mock import Mock, Report
from glassbox.learn.drill.rubric import CRITERIA
from glassbox.learn.drill.widget.step import Show
from glassbox.learn.drill.widget.words import tell
from glassbox.learn.drill.wording import say

WIDE = "max-width:60em;line-height:1.45"
ASKED = "border-left:4px solid #888888;padding:2px 12px;margin:6px 0;font-size:115%"
CELL = "padding:2px 14px 2px 0;text-align:left;vertical-align:top;font-weight:normal"


def marked(text: str) -> str:
    """Return a text of the bank as HTML: what stands in backticks is a formula."""
    return FORMULA.sub(r"<code>\1</code>", escape(text))


def page(*parts: Show) -> Show:
    """Return parts one below the other."""
    return lambda language: f'<div style="{WIDE}">{"".join(part(language) for part in parts)}</div>'


def line(sentence: Show) -> Show:
    """Return one sentence."""
    return lambda language: f'<p style="margin:4px 0">{marked(sentence(language))}</p>'


def question(card: Card, why: str) -> Show:
    """Return a card's question, with the answer to mend if it has one."""

    def show(language: str) -> str:
        head = f'<p style="margin:4px 0"><small>{escape(f"{card.topic} · {card.kind} · {why}")}</small></p>'
        asked = f'<p style="{ASKED}">{marked(card.ask.of(language))}</p>'
        if card.claim is None:
            return head + asked
        claim = f"{say('claim', language)}: {card.claim.of(language)}"
        return f"{head}{asked}<blockquote>{marked(claim)}</blockquote>"

    return show


def answer(card: Card) -> Show:
    """Return a card's model answers; its checklist is asked for."""

    def show(language: str) -> str:
        parts = [
            f"<p><b>{say(key, language)}.</b> {marked(words.of(language))}</p>"
            for key, words in (("brief", card.brief), ("full", card.full))
        ]
        return "".join(parts)

    return show


def _listed(title: str, rows: Iterable[str]) -> str:
    items = "".join(f"<li>{marked(row)}</li>" for row in rows)
    return f'<p style="margin:4px 0"><b>{title}</b></p><ul style="margin:2px 0">{items}</ul>'


def links(card: Card) -> Show:
    """Return links to the cells that show a card's answer, as markdown."""
    found = " · ".join(filter(None, map(_link, card.refs)))
    return lambda language: f"{say('see', language)}: {found}" if found else ""


def _link(ref: str) -> str:
    """Return one link; a learner's older copies may lack the cell."""
    with suppress(ValueError):
        place = find_cell(ref)
        return f"[{ref[:2]} {place.heading} ({place.cell})]({place.link})"
    return ""


def asked_on(node: FollowUp) -> Show:
    """Return a follow-up's question."""
    return lambda language: f'<p style="{ASKED}">{marked(node.ask.of(language))}</p>'


def replied(node: FollowUp) -> Show:
    """Return a follow-up's question with a good reply."""
    return lambda language: f"{asked_on(node)(language)}<p>{marked(node.answer.of(language))}</p>"


def six(given: str) -> Show:
    """Return the six criteria with their anchors, and the grades that are given so far."""

    def show(language: str) -> str:
        head = _row("th", ["", "", "0", "2", "4"])
        rows = [
            _row("td", [given[place : place + 1] or "·", each.title.of(language),
                        *(words.of(language) for words in each.anchors.values())])
            for place, each in enumerate(CRITERIA)
        ]  # fmt: skip
        return f'<table style="border-collapse:collapse">{head}{"".join(rows)}</table>'

    return show


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f'<{tag} style="{CELL}">{escape(str(cell))}</{tag}>' for cell in cells) + "</tr>"


def parts(mock: Mock) -> Show:
    """Return the parts of an interview and their minutes."""
    rows = [f"{item.part}, {item.minutes} min" for item in mock.items]
    return lambda language: _listed(tell("plan", minutes=mock.minutes, role=mock.role)(language), rows)


def ending(found: Report) -> Show:
    """Return the report at the end of an interview."""

    def show(language: str) -> str:
        took = say("report", language, seconds=found.seconds, minutes=found.minutes)
        parts = [f"<p><b>{took}</b></p>", _grades(found, language) if found.after else ""]
        signs = [f"{name}: {'✓' if passed else '✗'}" for name, passed in found.boards.items()]
        for key, rows in (("boards", signs), ("overtime", found.overtime), ("missed", found.missed)):
            parts += [_listed(tell(key)(language), rows)] if rows else []
        return "".join(parts)

    return show


def _grades(found: Report, language: str) -> str:
    head = _row("th", [tell("grades")(language), tell("expected")(language), tell("earned")(language)])
    means = [(each.title.of(language), found.before[each.name], found.after[each.name]) for each in CRITERIA]
    rows = [_row("td", [title, f"{before:.1f}", f"{after:.1f}"]) for title, before, after in means]
    excess = say("excess", language, excess=found.excess)
    return f'<table style="border-collapse:collapse">{head}{"".join(rows)}</table><p>{excess}</p>'
