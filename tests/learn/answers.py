"""What the tests of exercises ask of a check: what it says, what mends a listing, what fits a whiteboard."""

import pytest
import torch
from glassbox.learn.drill import boards
from glassbox.learn.exercise import Cells, State
from glassbox.learn.exercise.listing import listing

TORCH = ("import torch",)


@pytest.fixture(autouse=True)
def in_batch(monkeypatch):
    """Record nothing in the learner's own log; a test file that imports this has it."""
    monkeypatch.setenv("GLASSBOX_BATCH", "1")


def said(task, answer, *more):
    """Return all that a check says of an answer that does not pass, in one line."""
    return refused(task.check(answer, *more))


def refused(verdict):
    """Return all that a verdict says, in one line; it must not be one that passes."""
    assert not verdict.passed
    return " ".join(str(verdict).split())


def saw(task, answer):
    """Return what a check saw in an explanation, which it compares and does not judge."""
    verdict = task.check(answer)
    assert verdict.state is State.COMPARE
    return verdict.finding.message.saw


def mended(task, *changes, imports=TORCH):
    """Return the verdict on the broken listing in which pieces were replaced, the cause being known."""
    source = listing(task.broken, task.name)
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return task.check_cells(Cells(f"{source}\ncause = {task.letter!r}", task.answer_names, imports))


def assert_fits_a_whiteboard(task, lines, imports=TORCH):
    """Fail unless the drill lists the task, and its solution is that short and passes as it is shown."""
    assert task.id in {board.id for board in boards()}
    source = listing(task.solution, task.name)
    assert len(source.splitlines()) <= lines
    assert task.check_cells(Cells(source, task.answer_names, imports)).passed


def same(one, other):
    """Fail unless two float64 tensors agree to their last digits."""
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
