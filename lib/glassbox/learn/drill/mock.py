"""The mock interview: a plan by role and length, one item after the other, and a report."""

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import mean
from typing import NamedTuple

from glassbox.learn.bank import Card
from glassbox.learn.drill.boards import Board
from glassbox.learn.drill.rubric import CRITERIA, cap

# Which topics an interviewer of that role asks first; the others follow.
ROLES = {
    "research": ("norms", "attention", "positions", "models", "alignment", "pretraining", "evaluation"),
    "training": ("pretraining", "parallel", "norms", "moe", "sft", "alignment", "ffn"),
    "inference": ("flash", "serving", "quantization", "attention", "decoding", "moe", "norms"),
    "applied": ("tokens", "decoding", "lora", "sft", "evaluation", "vision", "models"),
}
# Minutes of the interview -> what happens in it, and how long each part may take.
PRESETS = {
    20: {"warm-up": 2, "chain": 4, "second chain": 4, "whiteboard": 6, "compute": 2, "repair": 2},
    45: {"warm-up": 4, "chain": 9, "second chain": 9, "whiteboard": 13, "compute": 5, "repair": 5},
    60: {"warm-up": 4, "chain": 10, "second chain": 10, "whiteboard": 17, "compute": 6, "repair": 5}
    | {"design": 8},
}  # fmt: skip


class Item(NamedTuple):
    """One part of the interview: a card or a whiteboard task, and its minutes."""

    part: str
    minutes: int
    card: Card | None = None
    board: Board | None = None


class Result(NamedTuple):
    """How one part went; the grades are by criterion, before and after the model answer.

    `depth` counts the follow-ups held, `passed` is the check's verdict on a whiteboard task.
    """

    part: str
    item: str
    minutes: int
    seconds: int
    before: dict[str, int]
    after: dict[str, int]
    missed: tuple[str, ...] = ()
    depth: int = 0
    passed: bool | None = None


class Mock(NamedTuple):
    """An interview under way."""

    role: str
    minutes: int
    items: tuple[Item, ...]
    began: datetime
    results: tuple[Result, ...] = ()

    @property
    def now(self) -> Item | None:
        """Return the part that comes now, or None at the end."""
        return self.items[len(self.results)] if len(self.results) < len(self.items) else None

    def left(self, at: datetime) -> timedelta:
        """Return the time that is left; negative when it has run out."""
        return self.began + timedelta(minutes=self.minutes) - at


class Report(NamedTuple):
    """The end of an interview: means by criterion before and after, and what to look at."""

    role: str
    minutes: int
    seconds: int
    before: dict[str, float]
    after: dict[str, float]
    overtime: list[str]
    missed: list[str]
    boards: dict[str, bool]
    results: tuple[Result, ...]

    @property
    def excess(self) -> float | None:
        """Return by how much the grades expected exceed the grades given, on average."""
        if not self.after:
            return None
        return round(mean(self.before.values()) - mean(self.after.values()), 2)


def plan(
    minutes: int, role: str, cards: Mapping[str, Card], boards: Iterable[Board] = (), seed: int = 0
) -> tuple[Item, ...]:
    """Return the parts of an interview; a part for which nothing is there is left out.

    Raises: ValueError for an unknown length or role.
    """
    for name, value, known in (("minutes", minutes, PRESETS), ("role", role, ROLES)):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(map(str, known))}; came {value!r}")
    chance, used, items = random.Random(seed), set(), []
    tasks = sorted(boards, key=lambda each: each.id)
    for part, length in PRESETS[minutes].items():
        if part == "whiteboard":
            found = _first(tasks, role, chance)
            items += [Item(part, length, board=found)] if found else []
            continue
        fitting = [card for card in cards.values() if card.id not in used and _fits(card, part)]
        if found := _first(sorted(fitting, key=lambda card: card.id), role, chance):
            used.add(found.id)
            items.append(Item(part, length, card=found))
    return tuple(items)


def _fits(card: Card, part: str) -> bool:
    if part == "warm-up":
        return card.kind == "explain" and card.level == 1
    if part.endswith("chain"):
        return card.kind in ("explain", "derive") and bool(card.followups)
    return card.kind == part


def _first(candidates: list, role: str, chance: random.Random):
    """Draw one, from the role's topics if any candidate belongs to them; deeper chains are more likely."""
    own = [each for each in candidates if each.topic in ROLES[role]] or candidates
    if not own:
        return None
    weights = [1 + depth(getattr(each, "followups", ())) for each in own]
    return chance.choices(own, weights)[0]


def depth(followups: Iterable) -> int:
    """Return how many questions deep a tree of follow-ups goes."""
    return max((1 + depth(each.then) for each in followups), default=0)


def begin(minutes: int, role: str, items: tuple[Item, ...], now: datetime) -> Mock:
    """Start the clock."""
    return Mock(role, minutes, items, now)


def complete(mock: Mock, result: Result) -> Mock:
    """Return the interview after its present part."""
    if mock.now is None:
        raise ValueError("result: expected none, the interview is over")
    return mock._replace(results=(*mock.results, result))


def capped(grades: Mapping[str, int], card: Card, said: int, flags: int) -> dict[str, int]:
    """Return the grades with correctness held down by missed facts and red flags."""
    most = cap(len(card.must_say), said, flags)
    return dict(grades) | {"correctness": min(grades["correctness"], most)}


def report(mock: Mock, now: datetime) -> Report:
    """Return the report on the parts that were completed."""
    graded = [result for result in mock.results if result.after]
    means = [
        {
            each.name: round(mean(getattr(result, when)[each.name] for result in graded), 2)
            for each in CRITERIA
        }
        if graded
        else {}
        for when in ("before", "after")
    ]
    over = [
        f"{r.part}: {r.seconds} s of {60 * r.minutes} s" for r in mock.results if r.seconds > 60 * r.minutes
    ]
    boards = {result.item: result.passed for result in mock.results if result.passed is not None}
    missed = [fact for result in mock.results for fact in result.missed]
    seconds = max(0, round((now - mock.began).total_seconds()))
    return Report(mock.role, mock.minutes, seconds, *means, over, missed, boards, mock.results)
