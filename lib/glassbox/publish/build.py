"""Execute, normalise, check, and only then write."""

import copy
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from glassbox.arguments import bad_value
from glassbox.paths import root
from glassbox.publish.execute import execute
from glassbox.publish.figures import add_stills, pop_requests, signature
from glassbox.publish.lint import lint, malformed
from glassbox.publish.normalise import name_cells, normalise, written
from glassbox.publish.page import IMAGES, Page, read
from glassbox.publish.problem import Problem, Refused

CURRENT = "stored as it runs"


def build(numbers: Sequence[str] = (), *, check: bool = False) -> list[Path]:
    """Run the notebooks with these numbers (all of them when there are none) and store their outputs.

    A notebook is written only if it ran, follows every rule of `lint`, and changed. The picture of its
    signature figure goes to data/pictures as well, for the README. With `check`, nothing is
    written: the stored outputs are compared with those of a fresh run, all but the pixels of pictures, which
    depend on the fonts of the machine.

    Returns: the notebooks that were written; with `check`, those that hold.
    Raises: Refused, after the last notebook, with every problem of every notebook; ValueError for a number
    that no notebook has.
    """
    done, problems = [], []
    for path in chosen(numbers):
        try:
            if (_compare if check else _store)(path):
                done.append(path)
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    return done


def chosen(numbers: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks with these numbers, in course order."""
    known = {path.name[:2]: path for path in sorted((root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
    wanted = [str(number).zfill(2) for number in numbers] or list(known)
    for number in wanted:
        if number not in known:
            raise bad_value("numbers", f"notebooks out of {', '.join(known)}", number)
    return [known[number] for number in sorted(set(wanted))]


def _store(path: Path) -> bool:
    fresh = _cleared(read(path))
    requests = pop_requests(execute(path, fresh))
    _mark_exercises(fresh)
    normalise(fresh)
    add_stills(path.name, requests)
    _refuse([problem for problem in lint(Page(path, fresh)) if not problem.warning])
    if picture := signature(fresh):
        write(root() / "data" / "pictures" / f"{path.stem}.png", picture)
    return write(path, written(fresh).encode("utf-8"))


def _mark_exercises(notebook: NotebookNode) -> None:
    """Write nbgrader's metadata into the cells of exercises."""
    if any(".check(" in cell.source for cell in notebook.cells):
        from glassbox.learn.exercise import every_exercise, stamp

        stamp(notebook, every_exercise())


def _compare(path: Path) -> bool:
    stored, fresh = read(path).notebook, _cleared(read(path))
    pop_requests(execute(path, fresh))
    _mark_exercises(fresh)
    normalise(fresh)
    _refuse([problem for problem in lint(path) if not problem.warning])
    _refuse(list(differences(path.name, stored, fresh)))
    return True


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refused(problems)


def _cleared(page: Page) -> NotebookNode:
    """Return the notebook without outputs, each cell named; refuse what the format does not allow."""
    for cell in page.notebook.cells:
        if cell.get("cell_type") == "code":
            cell.outputs, cell.execution_count = [], None
    name_cells(page.notebook)
    _refuse(malformed(page))
    return page.notebook


def differences(name: str, stored: NotebookNode, fresh: NotebookNode) -> Iterator[Problem]:
    """Yield the cells that a fresh run leaves otherwise than they are stored.

    Pictures are not compared, nor the outputs of cells tagged nbval-ignore-output.
    """
    for at, (old, new) in enumerate(zip(stored.cells, fresh.cells, strict=True)):
        before, after = _comparable(old), _comparable(new)
        changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        if changed:
            yield Problem(name, CURRENT, f"other {', '.join(changed)}: run `glassbox build`", new.id, at + 1)
    if {**stored, "cells": []} != {**fresh, "cells": []}:
        yield Problem(name, CURRENT, "other metadata: run `glassbox build`")


def _comparable(cell: NotebookNode) -> dict:
    plain = copy.deepcopy(cell)
    if "nbval-ignore-output" in plain.metadata.get("tags", []):
        plain["outputs"] = []
    for output in plain.get("outputs", []):
        for kind in IMAGES:
            output.get("data", {}).pop(kind, None)
            output.get("metadata", {}).pop(kind, None)
    return plain


def write(path: Path, content: bytes) -> bool:
    """Write the file in one step, if its content changed; tell whether it did."""
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(name, 0o644)  # a temporary file is readable by its owner only
    os.replace(name, path)
    return True
