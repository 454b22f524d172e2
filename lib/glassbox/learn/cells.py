"""What a notebook says, cell by cell: the part that a reader writes, without outputs."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

HEADING = re.compile(r"^#{1,6} +(.+)", re.MULTILINE)


class Cell(NamedTuple):
    """What a cell is compared by: a digest of its kind and source. The heading above it says where it is."""

    heading: str
    digest: str


class Unreadable(Exception):
    """A file that should be a notebook is not one."""


def outline(path: Path) -> list[Cell]:
    """Return the cells of a notebook that hold something.

    Raises: Unreadable if the file is not a notebook.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return list(_outlined((cell["cell_type"], "".join(cell["source"])) for cell in cells))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(path.name) from error


def _outlined(cells: Iterable[tuple[str, str]]) -> Iterator[Cell]:
    heading = "the beginning"
    for kind, source in cells:
        title = HEADING.search(source) if kind == "markdown" else None
        heading = title[1].strip() if title else heading
        if source.strip():  # running the last cell adds an empty one
            yield Cell(heading, hashlib.sha256(f"{kind}\n{source}".encode()).hexdigest()[:16])


def digests(cells: Iterable[Cell]) -> list[str]:
    """Return what decides whether two notebooks say the same."""
    return [cell.digest for cell in cells]


def changed(old: list[Cell], new: list[Cell]) -> tuple[str, ...]:
    """Return the headings under which a cell was added, altered or removed."""
    before, after = set(digests(old)), set(digests(new))
    altered = [cell.heading for cell in new if cell.digest not in before]
    removed = [cell.heading for cell in old if cell.digest not in after]
    return tuple(dict.fromkeys(altered + removed))
