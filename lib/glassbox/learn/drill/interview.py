"""The mock interview in a terminal."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from rich.table import Table

from glassbox.learn import progress
from glassbox.learn.bank import Card
from glassbox.learn.drill.boards import Board
from glassbox.learn.drill.mock import Item, Mock, Report, Result, begin, capped, complete, plan, report
from glassbox.learn.drill.rubric import CRITERIA, Criterion, cap, rating
from glassbox.learn.drill.screen import Screen, Stop
from glassbox.learn.drill.terminal import GRADES, chain
from glassbox.learn.drill.turn import Review, record


def interview(
    screen: Screen, minutes: int, role: str, bank: Mapping[str, Card], boards: list[Board], seed: int
) -> Report:
    """Hold a mock interview, write its report, log it, and return it."""
    mock = begin(minutes, role, plan(minutes, role, bank, boards, seed), _now())
    try:
        while (item := mock.now) is not None:
            _announce(screen, mock, item)
            mock = complete(mock, _card(screen, item) if item.card else _board(screen, item))
    except Stop:
        pass
    found = report(mock, _now())
    _show(screen, found)
    if mock.results:
        progress.log("mock", role, plain(found))
    return found


def _announce(screen: Screen, mock: Mock, item: Item) -> None:
    left = round(mock.left(_now()).total_seconds() / 60)
    number = len(mock.results) + 1
    screen.say("part", number=number, all=len(mock.items), part=item.part, minutes=item.minutes, left=left)


def _card(screen: Screen, item: Item) -> Result:
    card, began = item.card, _now()
    screen.question(card, item.part)
    depth = chain(screen, card.followups) if item.part.endswith("chain") else 0
    screen.say("expect")
    before = _grades(screen)
    seconds = round((_now() - began).total_seconds())
    screen.answer(card)
    said = screen.numbers("said", len(card.must_say))
    flags = screen.numbers("flags", len(card.red_flags))
    screen.say("regrade")
    after = capped(_grades(screen), card, len(said), len(flags))
    record(_review(card, before, after, said, flags, seconds), screen.language)
    missed = tuple(screen.of(fact) for place, fact in enumerate(card.must_say) if place not in said)
    return Result(item.part, card.id, item.minutes, seconds, before, after, missed, depth)


def _review(card: Card, before: dict, after: dict, said: tuple, flags: tuple, seconds: int) -> Review:
    """Return a part of the interview as a review, so that the schedule knows of it."""
    expected, earned = (round(mean(grades.values())) for grades in (before, after))
    earned = min(earned, cap(len(card.must_say), len(said), len(flags)))
    return Review(card.id, expected, earned, rating(earned), said, flags, seconds)


def _grades(screen: Screen) -> dict[str, int]:
    return {each.name: _grade(screen, each) for each in CRITERIA}


def _grade(screen: Screen, criterion: Criterion) -> int:
    low, middle, high = (screen.of(words) for words in criterion.anchors.values())
    title = screen.of(criterion.title)
    return int(screen.one_of("criterion", GRADES, title=title, low=low, middle=middle, high=high))


def _board(screen: Screen, item: Item) -> Result:
    board, began, passed = item.board, _now(), False
    screen.panel(board.title, board.task)
    path = _sheet(board)
    _edit(path)
    while not passed and screen.one_of("write", ("", "g"), path=path) != "g":
        verdict = board.judge(path.read_text(encoding="utf-8"))
        screen.write(str(verdict))
        passed = verdict.passed
    seconds = round((_now() - began).total_seconds())
    return Result(item.part, board.id, item.minutes, seconds, {}, {}, passed=passed)


def _sheet(board: Board) -> Path:
    """Return a fresh file with the line to begin with."""
    path = progress.folder() / "whiteboard" / f"{board.id}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import torch\n\n\n{board.starter}\n", encoding="utf-8")
    return path


def _edit(path: Path) -> None:
    """Open the learner's own editor, if they named one."""
    if editor := os.environ.get("VISUAL") or os.environ.get("EDITOR"):
        subprocess.run([*shlex.split(editor), str(path)], check=False)


def _show(screen: Screen, found: Report) -> None:
    screen.say("report", seconds=found.seconds, minutes=found.minutes)
    if found.after:
        table = Table("", "before", "after", show_edge=False)
        for each in CRITERIA:
            table.add_row(
                screen.of(each.title), f"{found.before[each.name]:.1f}", f"{found.after[each.name]:.1f}"
            )
        screen.console.print(table)
        screen.say("excess", excess=found.excess)
    for name, passed in found.boards.items():
        screen.write(f"{name}: {'✓' if passed else '✗'}")
    for line in (*found.overtime, *found.missed):
        screen.write(f"- {line}")


def plain(found: Report) -> dict:
    """Return a report as the log keeps it."""
    results = [result._asdict() | {"missed": list(result.missed)} for result in found.results]
    return {"minutes": found.minutes, "seconds": found.seconds, "results": results}


def _now() -> datetime:
    return datetime.now(UTC)
