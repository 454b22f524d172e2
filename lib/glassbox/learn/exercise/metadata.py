"""Mark the cells of exercises in a notebook as nbgrader marks them (its cell metadata, version 3).

Source: nbgrader's schema, nbgrader/nbgraderformat/v3.json at github.com/jupyter/nbgrader.
"""

import ast
import re
from collections.abc import Iterable

from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.explain import Explain

VERSION = 3


def stamp(notebook, exercises: Iterable[Exercise]) -> list[str]:
    """Write the metadata of each exercise whose check stands in the notebook; return their ids.

    The answer cell is the nearest one before the check that defines the exercise's name.
    Raises: ValueError for a check without an answer cell.
    """
    stamped = []
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for exercise in exercises:
        place = next((at for at, cell in enumerate(code) if _checks(cell, exercise)), None)
        if place is None:
            continue
        answer = next(
            (cell for cell in reversed(code[:place]) if exercise.name in defined(_text(cell))), None
        )
        if answer is None:
            raise ValueError(f"{exercise.id}: no cell before its check defines {exercise.name}")
        answer["metadata"]["nbgrader"] = answer_metadata(exercise)
        code[place]["metadata"]["nbgrader"] = check_metadata(exercise)
        stamped.append(exercise.id)
    return stamped


def answer_metadata(exercise: Exercise) -> dict:
    """Return the metadata of the cell that a learner fills in; words are graded by hand, in that cell."""
    by_hand = isinstance(exercise, Explain)
    return _metadata(
        exercise.grade_id, solution=True, grade=by_hand, points=exercise.points if by_hand else None
    )


def check_metadata(exercise: Exercise) -> dict:
    """Return the metadata of the cell that checks: locked, and worth the points unless graded by hand."""
    graded = not isinstance(exercise, Explain)
    points = exercise.points if graded else None
    return _metadata(f"{exercise.grade_id}-check", locked=True, grade=graded, points=points)


def _metadata(grade_id: str, *, solution=False, locked=False, grade=False, points=None) -> dict:
    plain = {"schema_version": VERSION, "grade_id": grade_id, "cell_type": "code", "task": False}
    plain |= {"solution": solution, "locked": locked, "grade": grade}
    return plain if points is None else plain | {"points": points}


def _checks(cell, exercise: Exercise) -> bool:
    return (
        re.search(rf"\b{exercise.name}\.check\(|\b{re.escape(exercise.id)}[\"']\)\.check\(", _text(cell))
        is not None
    )


def _text(cell) -> str:
    return "".join(cell["source"])


def defined(source: str) -> set[str]:
    """Return the names that a cell's top level defines; none for a cell that Python cannot read."""
    names = set()
    for node in statements(source):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def statements(source: str) -> list[ast.stmt]:
    """Return the statements of a cell, its IPython commands left out."""
    lines = ["" if re.match(r"\s*[%!?]", line) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
