"""Find the notebook cell that a card refers to."""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from glassbox.learn.cells import HEADING
from glassbox.paths import root


class Place(NamedTuple):
    """A cell of a notebook: the file's name, the cell's id, and the heading above it."""

    notebook: str
    cell: str
    heading: str

    @property
    def link(self) -> str:
        """Return the link that JupyterLab follows from a notebook beside this one."""
        return f"{self.notebook}#cell-id={self.cell}"


def find_cell(ref: str, folder: Path | None = None) -> Place:
    """Return the place of a reference such as "01#hook-reveal".

    Raises: ValueError if there is no such notebook, or no such cell in it.
    """
    number, _, cell = ref.partition("#")
    places = folder or root() / "notebooks"
    paths = sorted(places.glob(f"{number}_*.ipynb"))
    if len(paths) != 1:
        raise ValueError(f"{ref}: expected one notebook {number}_*.ipynb in {places.name}; came {len(paths)}")
    headings = _headings(paths[0], paths[0].stat().st_mtime_ns)
    if cell not in headings:
        raise ValueError(f"{ref}: {paths[0].name} has no cell {cell!r}")
    return Place(paths[0].name, cell, headings[cell])


@lru_cache(maxsize=64)
def _headings(path: Path, changed: int) -> dict[str, str]:
    """Return the heading above each cell; `changed` makes a rewritten notebook a new one."""
    found, heading = {}, ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        title = HEADING.search("".join(cell["source"])) if cell["cell_type"] == "markdown" else None
        heading = title[1].strip() if title else heading
        found[cell.get("id", "")] = heading
    return found
