"""A notebook as the rules see it: its cells, its texts, its outputs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode, v4

from glassbox.publish.problem import Problem, Refused

HEADING = re.compile(r"^ {0,3}#{1,6} +(.+?) *#* *$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
IMAGES = ("image/png", "image/jpeg")


class Page(NamedTuple):
    """One notebook and where it is."""

    path: Path
    notebook: NotebookNode

    @property
    def cells(self) -> list[tuple[int, NotebookNode]]:
        """Every cell with its position."""
        return list(enumerate(self.notebook.cells))

    @property
    def code(self) -> list[tuple[int, NotebookNode]]:
        """The code cells with their positions."""
        return [(at, cell) for at, cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[tuple[int, NotebookNode]]:
        """The markdown cells with their positions."""
        return [(at, cell) for at, cell in self.cells if cell.cell_type == "markdown"]

    @property
    def outputs(self) -> list[tuple[int, NotebookNode]]:
        """Every output with the position of its cell."""
        return [(at, output) for at, cell in self.code for output in cell.outputs]


def read(path: Path) -> Page:
    """Read a stored notebook exactly as it is stored: nbformat's own reader would mend it silently.

    Raises: Refused if the file is no notebook of format 4.
    """
    try:
        notebook = v4.reads(path.read_text(encoding="utf-8"))
        if notebook.nbformat == 4:
            return Page(path, notebook)
        why = f"format {notebook.nbformat}"
    except (ValueError, AttributeError, TypeError) as error:
        why = str(error)
    raise Refused([Problem(path.name, "readable", f"{why}: save it as a notebook of format 4")])


def tags(cell: NotebookNode) -> list[str]:
    """Return the cell's tags."""
    return cell.metadata.get("tags", [])


def headings(source: str) -> list[str]:
    """Return the headings of a markdown cell, as plain text."""
    return [plain(text) for text in HEADING.findall(FENCE.sub("", source))]


def plain(markdown: str) -> str:
    """Drop emphasis, code marks, links' targets and tags from one line of markdown."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"<[^>]+>|[*`]", "", text).strip()


def leaves(value) -> Iterator[str]:
    """Yield every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def output_texts(output: NotebookNode) -> list[str]:
    """Return every text a reader may see in an output; encoded images are not text."""
    shown = {kind: value for kind, value in output.get("data", {}).items() if kind not in IMAGES}
    return list(leaves([shown, *(output.get(key, "") for key in ("text", "evalue", "traceback"))]))


def texts(page: Page) -> Iterator[tuple[int, str]]:
    """Yield every source and every output text with the position of its cell."""
    for at, cell in page.cells:
        yield at, cell.source
    for at, output in page.outputs:
        for text in output_texts(output):
            yield at, text
