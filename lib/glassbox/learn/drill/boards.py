"""A whiteboard task: an exercise of the course as the mock interview uses it."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable


@runtime_checkable
class Verdict(Protocol):
    """What the mock reads of a check's answer."""

    @property
    def passed(self) -> bool: ...


class Board(NamedTuple):
    """A task, the line to begin with, and the judge of a written answer."""

    id: str
    title: str
    task: str
    starter: str
    judge: Callable[[str], Verdict]

    @property
    def topic(self) -> str:
        """Return the topic that the task belongs to."""
        return self.id.partition(".")[0]


def board(exercise) -> Board:
    """Return an exercise of `glassbox.learn.exercise` as a whiteboard task.

    The answer is judged as text in a bounded process; it never runs in this one.
    """

    def judge(source: str) -> Verdict:
        from glassbox.learn.exercise import Cells

        return exercise.check_cells(Cells(source, exercise.answer_names, ("import torch",)))

    return Board(exercise.id, exercise.title, exercise.body(), exercise.starter(), judge)


def boards() -> list[Board]:
    """Return a task for every function that the topics' exercises ask to write. This imports the topics."""
    from glassbox.learn.exercise import every_exercise

    return [board(each) for each in every_exercise() if each.kind == "implement"]
