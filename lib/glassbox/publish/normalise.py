"""Bring an executed notebook to the one form that is stored: same content, same bytes."""

import base64
import re
import unicodedata

from nbformat import NotebookNode, from_dict, v4

from glassbox.publish.execute import ANSI
from glassbox.publish.page import headings

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
KEPT_CELL_METADATA = ("tags", "nbgrader")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")
PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Return the stored form of an executed notebook, changed in place. Once more changes nothing more."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        _tidy(cell)
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        _number(cell, count)
    name_cells(notebook)
    return notebook


def written(notebook: NotebookNode) -> str:
    """Return the text of the notebook's file: sorted keys, one space of indent, letters as they are."""
    return v4.writes(notebook) + "\n"


# ---- cells


def _tidy(cell: NotebookNode) -> None:
    kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if cell.metadata.get(key)}
    cell.metadata = from_dict(kept)
    cell.source = cell.source.replace("\r\n", "\n").rstrip("\n")
    if cell.cell_type == "code":
        cell.outputs = join_streams([_tidy_output(output) for output in cell.outputs])


def _number(cell: NotebookNode, count: int) -> None:
    cell.execution_count = count
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = count


# ---- outputs


def join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join consecutive prints, which the kernel may cut anywhere, into one output."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = _no_trailing_space(output.text)
    return joined


def _tidy_output(output: NotebookNode) -> NotebookNode:
    if output.output_type == "stream":
        output.text = output.text.replace("\r\n", "\n")
    if output.output_type == "error":  # the frames name files of this machine; nbval does not compare them
        output.traceback = [ANSI.sub("", f"{output.ename}: {output.evalue}")]
    if "data" in output:
        _tidy_data(output.data)
    return output


def _tidy_data(data: NotebookNode) -> None:
    """Drop the view of a widget, whose id is random and whose model is not stored; tidy the rest."""
    data.pop(WIDGET_VIEW, None)
    if "text/plain" in data:
        data["text/plain"] = _no_trailing_space(data["text/plain"].replace("\r\n", "\n"))
    if "image/png" in data:
        data["image/png"] = encoded(without_notes(base64.b64decode(data["image/png"])))


def _no_trailing_space(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def encoded(png: bytes) -> str:
    """Return a picture as a notebook stores it."""
    return base64.b64encode(png).decode("ascii")


def without_notes(png: bytes) -> bytes:
    """Drop the chunks of a PNG that hold text, times or a program's name; the pixels stay."""
    kept, at = png[:8], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")  # length, kind, content, checksum
        if png[at + 4 : at + 8] not in PNG_TEXT:
            kept += png[at:end]
        at = end
    return kept


# ---- names of cells


def name_cells(notebook: NotebookNode) -> None:
    """Give every cell without a good name one made of the nearest heading; good names never change.

    Other files link to cells by name, so inserting a cell must rename no other.
    """
    taken: set[str] = set()
    nameless = []
    for cell in notebook.cells:
        if is_good_name(cell.get("id", "")) and cell.id not in taken:
            taken.add(cell.id)
        else:
            nameless.append(cell)
    section = "start"
    for cell in notebook.cells:
        found = headings(cell.get("source", "")) if cell.get("cell_type") == "markdown" else []
        section = slug(found[0]) if found else section
        if any(cell is other for other in nameless):
            cell.id = _free(section, bool(found), taken)
            taken.add(cell.id)


def is_good_name(name: str) -> bool:
    """Tell whether a cell's id is a readable slug, not one that an editor drew at random."""
    return bool(SLUG.fullmatch(name)) and len(name) <= 64 and not RANDOM_ID.fullmatch(name)


def slug(text: str) -> str:
    """Return the words of `text` in lower-case ASCII, joined by hyphens, at most 48 letters."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = re.findall(r"[a-z0-9]+", ascii_text)
    while len("-".join(words)) > 48:
        words = words[:-1] or ["section"]
    name = "-".join(words)
    return name if SLUG.fullmatch(name) and not RANDOM_ID.fullmatch(name) else f"section-{name}".rstrip("-")


def _free(section: str, is_heading: bool, taken: set[str]) -> str:
    if is_heading and section not in taken:
        return section
    number = 1
    while f"{section}-{number}" in taken:
        number += 1
    return f"{section}-{number}"
