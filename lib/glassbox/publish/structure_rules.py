"""Rules on the shape of a notebook: title, sizes, order, names, links."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from glassbox.publish.normalise import is_good_name, written
from glassbox.publish.page import FENCE, Page, headings, read

Found = Iterator[tuple[int | None, str]]

MOST_CELLS = 75
MOST_WORDS = 3800
MOST_WORDS_IN_A_CELL, GOOD_WORDS_IN_A_CELL = 130, 90
MOST_LINES_OF_CODE = 15
MOST_BYTES = 1_500_000

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)|\bhref=[\"']([^\"']+)[\"']")
ELSEWHERE = re.compile(r"(https?|mailto):")
NAMED_ANCHOR = re.compile(r"<a\s[^>]*\b(?:id|name)=[\"']([^\"']+)[\"']")


def title(page: Page) -> Found:
    """The first cell is the title."""
    first = page.notebook.cells[0] if page.notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield None, "start with a markdown cell whose first line is `# Title`"


def number_of_cells(page: Page) -> Found:
    """A notebook is read in one sitting; the one line that checks an exercise is not counted."""
    count = sum(not cell.metadata.get("nbgrader", {}).get("locked") for _, cell in page.cells)
    if count > MOST_CELLS:
        yield None, f"{count} cells; keep to {MOST_CELLS}"


def words_of_prose(page: Page) -> Found:
    """Prose stays within its budget."""
    total = sum(words(cell.source) for _, cell in page.prose)
    if total > MOST_WORDS:
        yield None, f"{total} words of prose; keep to {MOST_WORDS}"


def markdown_cell_length(page: Page) -> Found:
    """A markdown cell holds one thought."""
    for at, cell in page.prose:
        if (count := words(cell.source)) > MOST_WORDS_IN_A_CELL:
            yield at, f"{count} words; keep to {GOOD_WORDS_IN_A_CELL}, never above {MOST_WORDS_IN_A_CELL}"


def markdown_cell_aim(page: Page) -> Found:
    """A shorter markdown cell is better."""
    for at, cell in page.prose:
        if GOOD_WORDS_IN_A_CELL < (count := words(cell.source)) <= MOST_WORDS_IN_A_CELL:
            yield at, f"{count} words; aim for {GOOD_WORDS_IN_A_CELL}"


def code_cell_length(page: Page) -> Found:
    """A code cell shows one idea; every line counts, blank or comment."""
    for at, cell in page.code:
        if (count := len(cell.source.splitlines())) > MOST_LINES_OF_CODE:
            yield at, f"{count} lines; keep to {MOST_LINES_OF_CODE}, move helpers to the library"


def empty_cell(page: Page) -> Found:
    """No cell is empty."""
    for at, cell in page.cells:
        if not cell.source.strip():
            yield at, "delete the empty cell"


def cell_names(page: Page) -> Found:
    """Cells have readable names, each only once, because other files link to them."""
    uses = Counter(cell.get("id", "") for _, cell in page.cells)
    for at, cell in page.cells:
        name = cell.get("id", "")
        if uses[name] > 1:
            yield at, f"{uses[name]} cells have the id {name!r}; `glassbox build` gives them their own"
        elif not is_good_name(name):
            yield at, f"the id {name!r} is no readable name; `glassbox build` gives one"


def execution_counts(page: Page) -> Found:
    """The notebook was run once, from top to bottom."""
    for expected, (at, cell) in enumerate(page.code, start=1):
        counts = {cell.execution_count}
        counts |= {out.execution_count for out in cell.outputs if out.output_type == "execute_result"}
        if counts != {expected}:
            yield at, f"count {cell.execution_count}, expected {expected}: run `glassbox build`"


def notebook_size(page: Page) -> Found:
    """A stored notebook opens at once and fits a repository."""
    if (size := len(written(page.notebook).encode())) > MOST_BYTES:
        yield None, f"{size:,} bytes; keep to {MOST_BYTES:,}: round figure data, fewer frames"


def links(page: Page) -> Found:
    """A link within the course leads somewhere."""
    for at, target in _targets(page):
        file, _, anchor = unquote(target).partition("#")
        path = page.path.parent / file if file else page.path
        if file and not path.exists():
            yield at, f"{target}: no such file"
        elif anchor and path.suffix == ".ipynb" and anchor not in _anchors_at(page, path):
            yield at, f"{target}: {path.name} has no such heading; a cell is linked as `#cell-id=its-name`"


def words(markdown: str) -> int:
    """Count words as a reader meets them: a formula is one, listings, tags and addresses are none."""
    text = re.sub(r"\]\([^)]*\)|<[^>]+>", "] ", FENCE.sub("", markdown))
    text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", " formula ", text, flags=re.DOTALL)
    return len(re.findall(r"\w+(?:[-.,'’]\w+)*", text))


def _targets(page: Page) -> Iterator[tuple[int, str]]:
    html = [(at, output.get("data", {}).get("text/html", "")) for at, output in page.outputs]
    for at, text in [(at, FENCE.sub("", cell.source)) for at, cell in page.prose] + html:
        for markdown, tag in LINK.findall(text):
            if not ELSEWHERE.match(markdown or tag):
                yield at, markdown or tag


def _anchors_at(page: Page, path: Path) -> set[str]:
    if path == page.path:
        return anchors(page)
    return _stored_anchors(path, path.stat().st_mtime_ns)


@cache
def _stored_anchors(path: Path, changed: int) -> set[str]:
    return anchors(read(path))


def anchors(page: Page) -> set[str]:
    """Return what a link may name: headings (as JupyterLab names them), cells, explicit anchors."""
    sources = [cell.source for _, cell in page.prose]
    named = {name for source in sources for name in NAMED_ANCHOR.findall(source)}
    titled = {heading.replace(" ", "-") for source in sources for heading in headings(source)}
    return named | titled | {f"cell-id={cell.get('id', '')}" for _, cell in page.cells}


RULES = (
    title,
    number_of_cells,
    words_of_prose,
    markdown_cell_length,
    code_cell_length,
    empty_cell,
    cell_names,
    execution_counts,
    notebook_size,
    links,
)
ADVICE = (markdown_cell_aim,)
