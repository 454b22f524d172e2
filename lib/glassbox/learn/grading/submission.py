"""What a submitted file holds: the answer cells and the imports. Nothing of it runs here."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from glassbox.learn.exercise import Cells, Exercise
from glassbox.learn.exercise.metadata import defined, statements

MOST_BYTES = 20_000_000
SHOWING = ("display", "exercises")  # how an answer cell shows its task; neither is there when it is graded


@dataclass(frozen=True)
class Submission:
    """One file: its name, the source and nbgrader name of each code cell, or why it cannot be read."""

    name: str
    cells: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    def topics(self) -> set[str]:
        """Return the topics whose exercises the cells are marked as answers to."""
        return {grade_id.partition("-")[0] for _, grade_id in self.cells if "-" in grade_id}

    def answer(self, exercise: Exercise) -> Cells | None:
        """Return the answer to an exercise: the cell marked so, or else the last that defines its name."""
        marked = [source for source, grade_id in self.cells if grade_id == exercise.grade_id]
        named = [source for source, _ in self.cells if exercise.name in defined(source)]
        found = marked or named
        if not found:
            return None
        return Cells(plain(found[-1]), exercise.answer_names, self.imports(), f"<{exercise.id}>")

    def imports(self) -> tuple[str, ...]:
        """Return the import statements of all cells."""
        lines = [
            ast.unparse(line) for source, _ in self.cells for line in statements(source) if _imports(line)
        ]
        return tuple(dict.fromkeys(lines))


def _imports(line: ast.stmt) -> bool:
    return isinstance(line, (ast.Import, ast.ImportFrom))


def plain(source: str) -> str:
    """Return a cell without its IPython commands, and without the lines that only show the task."""
    lines = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines()]
    for node in statements(source):
        if isinstance(node, ast.Expr) and _root(node.value) in SHOWING:
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines)


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes and calls begins with."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def read(path: Path, name: str) -> Submission:
    """Return what a file holds."""
    try:
        size = path.stat().st_size
        if size == 0:
            return Submission(name, problem="empty file")
        if path.suffix != ".ipynb":
            return Submission(name, problem="not a notebook")
        if size > MOST_BYTES:
            return Submission(name, problem=f"larger than {MOST_BYTES // 10**6} MB")
        document = json.loads(path.read_bytes())
        cells = [_cell(cell) for cell in document["cells"] if cell["cell_type"] == "code"]
    except OSError as error:
        return Submission(name, problem=f"cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Submission(name, problem="not a notebook")
    return Submission(name, tuple(cells))


def _cell(cell: dict) -> tuple[str, str]:
    source = cell["source"]
    grade_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
    return source if isinstance(source, str) else "".join(source), str(grade_id)
