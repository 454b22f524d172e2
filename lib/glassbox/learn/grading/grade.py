"""Run the checks on every submission and write one row for each.

Only answer cells and import statements run, each answer in a bounded process of its own that does not know
what is expected. This keeps marks honest; it is no sandbox: the code runs as the user who grades.
"""

import csv
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from glassbox.arguments import bad_value
from glassbox.learn.exercise import Exercise, Explain, State, Verdict, exercises_of, warm
from glassbox.learn.grading.submission import Submission, read

READ = "read"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


class Mark(NamedTuple):
    """What an answer earns, and what a teacher should know; None where a person must read it."""

    points: int | None
    remark: str = ""


class Row(NamedTuple):
    """One submission: its name, whether it could be read, and a mark for each exercise."""

    name: str
    status: str
    marks: dict[str, Mark]

    @property
    def total(self) -> int:
        """Return the sum of the points."""
        return sum(mark.points or 0 for mark in self.marks.values())


def grade(
    folder: str | Path,
    out: str | Path,
    *,
    exercises: list[Exercise] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Check every file in `folder`, write the marks to the CSV file `out`, and return them.

    Without `exercises`, those of every topic that a submission has marked answer cells of. `progress` is
    called with (done, total). Answers in words are not marked: their remark says how many points were found.

    Raises: ValueError if `folder` is no folder, or there is nothing to mark by.
    """
    folder, out = Path(folder), Path(out)
    if not folder.is_dir():
        raise bad_value("folder", "a folder of submitted notebooks", str(folder))
    submissions = [read(path, path.relative_to(folder).as_posix()) for path in _files(folder, out)]
    exercises = exercises or _expected(submissions)
    warm()
    rows = _marked(submissions, exercises, workers or os.cpu_count() or 1, progress)
    _write(out, rows, exercises)
    return rows


def _files(folder: Path, out: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() and path.resolve() != out.resolve()]
    return sorted(path for path in found if not _hidden(path.relative_to(folder)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _expected(submissions: list[Submission]) -> list[Exercise]:
    found = []
    for topic in sorted(set().union(*(each.topics() for each in submissions))):
        try:
            found += exercises_of(topic)
        except ValueError:  # a name that some submission made up
            continue
    if not found:
        raise bad_value(
            "folder", "notebooks with marked answer cells, or the exercises named", len(submissions)
        )
    return found


def _marked(submissions, exercises, workers, progress) -> list[Row]:
    """Mark in several threads: the work is done in the processes that they wait for."""
    rows = []
    with ThreadPoolExecutor(workers) as pool:
        for row in pool.map(lambda submission: _row(submission, exercises), submissions):
            rows.append(row)
            if progress:
                progress(len(rows), len(submissions))
    return rows


def _row(submission: Submission, exercises: list[Exercise]) -> Row:
    if submission.problem:
        return Row(submission.name, submission.problem, {})
    return Row(submission.name, READ, {each.id: _mark(submission, each) for each in exercises})


def _mark(submission: Submission, exercise: Exercise) -> Mark:
    cells = submission.answer(exercise)
    if cells is None:
        return Mark(0, "no answer cell")
    verdict = exercise.check_cells(cells)
    if verdict.state is State.NOT_ATTEMPTED:
        return Mark(0, str(verdict.state))
    if isinstance(exercise, Explain):
        return Mark(None, f"to be read; {_said(verdict)}")
    return Mark(exercise.points) if verdict.passed else Mark(0, _said(verdict))


def _said(verdict: Verdict) -> str:
    return verdict.finding.message.saw if verdict.finding else "; ".join(verdict.notes)


def _write(out: Path, rows: list[Row], exercises: list[Exercise]) -> None:
    possible = sum(each.points for each in exercises if not isinstance(each, Explain))
    head = ["submission", "status", "points", "of", *(each.id for each in exercises), "remarks"]
    with out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(head)
        for row in rows:
            points = [_shown(row.marks.get(each.id)) for each in exercises]
            remarks = "; ".join(f"{name}: {mark.remark}" for name, mark in row.marks.items() if mark.remark)
            table.writerow([_safe(row.name), row.status, row.total, possible, *points, _safe(remarks)])


def _shown(mark: Mark | None) -> str:
    return "" if mark is None or mark.points is None else str(mark.points)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
