"""The mock interview, step by step, without any front."""

from collections.abc import Callable, Generator
from datetime import datetime
from html import escape
from statistics import mean

from glassbox.learn import progress
from glassbox.learn.bank import Words
from glassbox.learn.drill.interview import plain
from glassbox.learn.drill.mock import Item, Mock, Result, capped, complete, report
from glassbox.learn.drill.rubric import CRITERIA, Criterion
from glassbox.learn.drill.turn import Turn, record, settle
from glassbox.learn.drill.widget.page import answer, ending, line, page, parts, question, six
from glassbox.learn.drill.widget.practice import chain, checklist, now
from glassbox.learn.drill.widget.step import Flow, Sheet, Show, Step
from glassbox.learn.drill.widget.words import KEYS, quote, tell

DIGITS = tuple((str(grade), Words(en=str(grade), zh=str(grade))) for grade in range(5))
GO_ON = (("g", KEYS["go_on"]),)


class Sitting:
    """An interview under way."""

    def __init__(self, mock: Mock, clock: Callable[[], datetime] = now):
        self.mock, self.clock, self.language, self.started = mock, clock, "en", False

    def flow(self) -> Flow:
        """Wait for the start, then go through the parts."""
        yield Step(page(parts(self.mock)), tell("ready"), (("g", KEYS["start"]),))
        self.mock, self.started = self.mock._replace(began=self.clock()), True
        while (item := self.mock.now) is not None:
            result = yield from (self._card(item) if item.card else self._board(item))
            self.mock = complete(self.mock, result)

    def status(self, language: str) -> str:
        """Return the part that is on, and the time that is left."""
        if not self.started or (item := self.mock.now) is None:
            return ""
        left = round(self.mock.left(self.clock()).total_seconds())
        minutes, seconds = divmod(abs(left), 60)
        place = f"{len(self.mock.results) + 1}/{len(self.mock.items)} · {item.part} · {item.minutes} min"
        clock = tell("left" if left >= 0 else "over", minutes=minutes, seconds=seconds)
        return f"{place} · <b>{clock(language)}</b>"

    def end(self) -> Show:
        """Log the interview, and return its report."""
        found = report(self.mock, self.clock() if self.started else self.mock.began)
        if self.mock.results:
            progress.log("mock", self.mock.role, plain(found))
        return page(ending(found), line(tell("again")))

    def _card(self, item: Item) -> Generator[Step, object, Result]:
        card, began = item.card, self.clock()
        asked = question(card, item.part)
        depth = (yield from chain(page(asked), card.followups)) if item.part.endswith("chain") else 0
        before = yield from grades(page(asked, line(quote("expect"))))
        answered = self.clock()
        shown = page(asked, answer(card))
        said, flags = yield from checklist(card, shown)
        after = yield from grades(page(answer(card), line(quote("regrade"))))
        expected, earned = (round(mean(each.values())) for each in (before, after))
        turn = Turn(card, item.part, began, expected)
        record(review := settle(turn, said, flags, earned, answered), self.language)
        missed = tuple(
            fact.of(self.language) for place, fact in enumerate(card.must_say) if place not in said
        )
        final = capped(after, card, len(said), len(flags))
        return Result(item.part, card.id, item.minutes, review.seconds, before, final, missed, depth)

    def _board(self, item: Item) -> Generator[Step, str, Result]:
        board, began, shown = item.board, self.clock(), page()
        sheet, task = Sheet(f"import torch\n\n\n{board.starter}\n"), f"**{board.title}**\n\n{board.task}"
        ask, keys, passed = tell("write"), (("c", KEYS["check"]), ("g", KEYS["give_up"])), False
        while not passed and (yield Step(shown, ask, keys, sheet=sheet, note=lambda _: task)) == "c":
            verdict = board.judge(sheet.text)
            passed, shown = verdict.passed, page(_verdict(verdict))
        seconds = round((self.clock() - began).total_seconds())
        if passed:
            yield Step(shown, tell("read"), GO_ON)
        return Result(item.part, board.id, item.minutes, seconds, {}, {}, passed=passed)


def grades(shown: Show) -> Generator[Step, str, dict[str, int]]:
    """Ask for the six grades, one by one or several at once."""
    given = ""
    while len(given) < len(CRITERIA):
        ask = _ask_for(CRITERIA[len(given)])
        given += yield Step(page(shown, six(given)), ask, DIGITS, most=len(CRITERIA) - len(given))
    return {each.name: int(digit) for each, digit in zip(CRITERIA, given, strict=True)}


def _ask_for(criterion: Criterion) -> Show:
    return lambda language: tell("six", title=criterion.title.of(language))(language)


def _verdict(verdict) -> Show:
    rich = getattr(verdict, "_repr_html_", None)
    found = rich() if rich else f"<pre>{escape(str(verdict))}</pre>"
    return lambda language: found
