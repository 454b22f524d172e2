"""What the rows of a record come to: geometric means over the cases, and which goals are met."""

from collections.abc import Iterable, Sequence
from math import exp, log
from typing import NamedTuple

from glassbox.machine.bench.case import Goal


class Verdict(NamedTuple):
    """One goal: the geometric mean that is held to it, over how many cases, and in how many it holds."""

    goal: Goal
    reached: float | None
    cases: int
    holding: int

    @property
    def word(self) -> str:
        """Return met, not met, or not measured."""
        if self.reached is None:
            return "not measured"
        return "met" if self.reached >= self.goal.at_least else "not met"

    def __str__(self) -> str:
        if self.reached is None:
            return f"{self.goal}: {self.word}"
        return f"{self.goal}: {self.word}, {self.reached:.2f} ({self.holding} of {self.cases} cases)"


def geomean(values: Iterable[float]) -> float | None:
    """Return the geometric mean, None of nothing."""
    logs = [log(value) for value in values]
    return exp(sum(logs) / len(logs)) if logs else None


def values(rows: Iterable[dict], goal: Goal) -> list[float]:
    """Return, for every case where it was measured, what a goal is about."""
    peer, key = (goal.peer, "ratio") if goal.peer else ("ours", "share")
    return [row[key] for row in rows if row["peer"] == peer and row.get(key)]


def verdict(rows: Sequence[dict], goal: Goal) -> Verdict:
    """Hold the geometric mean over all measured cases to a goal."""
    found = values(rows, goal)
    return Verdict(goal, geomean(found), len(found), sum(value >= goal.at_least for value in found))


def mark(row: dict, goals: Iterable[Goal]) -> str:
    """Return, for one row, each goal about it and whether this case meets it."""
    words = []
    for goal in goals:
        for value in values([row], goal):
            words.append(f"{goal}: {'met' if value >= goal.at_least else 'not met'}")
    return ", ".join(words)
