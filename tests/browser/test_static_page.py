"""A notebook as a plain page, without kernel and without network: every output shows something."""

import pytest
from glassbox.paths import root
from glassbox.publish import Page, read
from glassbox.publish.normalise import WIDGET_VIEW, normalise
from glassbox.publish.output_rules import PLOTLY
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as text
from nbformat.v4 import new_notebook, new_output

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted((root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# Each cell's outputs as their heights; a picture that did not load counts as nothing.
HEIGHTS = """[...document.querySelectorAll('.jp-CodeCell')].map(cell =>
    [...cell.querySelectorAll('.jp-OutputArea-output')].map(output =>
        [...output.querySelectorAll('img')].every(image => image.naturalWidth)
            && (output.innerText.trim() || output.querySelector('img')) ? output.offsetHeight : 0))"""


def empty_cells(stored: Page, context, place) -> list[str]:
    """Return the names of the cells that show fewer outputs in the page than they store, or empty ones."""
    from nbconvert import HTMLExporter

    path = place / "page.html"
    path.write_text(HTMLExporter().from_notebook_node(stored.notebook)[0], encoding="utf-8")
    context.route("http*://**/*", lambda route: route.abort())
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    heights = page.evaluate(HEIGHTS)
    cells = [cell for _, cell in stored.code]
    assert len(heights) == len(cells)
    return [
        cell.id
        for cell, shown in zip(cells, heights, strict=True)
        if len(shown) != len(cell.outputs) or not all(shown)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_output_shows_something(path, context, tmp_path):
    assert empty_cells(read(path), context, tmp_path) == []


OUTPUTS = {
    "good-print": ("stream", {"name": "stdout", "text": "1"}),
    "good-figure": (
        "display_data",
        {"data": {PLOTLY: {"data": []}, "image/png": PIXEL, "text/plain": "bars"}},
    ),
    "bad-figure": ("display_data", {"data": {PLOTLY: {"data": []}}}),
    "bad-picture": ("display_data", {"data": {"image/png": "AAAA", "text/plain": "a"}}),
    "bad-remote": ("display_data", {"data": {"text/html": '<img alt="a" src="https://example.org/a.png">'}}),
    "bad-widget": ("display_data", {"data": {WIDGET_VIEW: {"model_id": "0a1b", "version_major": 2}}}),
}


@pytest.mark.filterwarnings("ignore:.*not able to be represented")
def test_an_output_that_shows_nothing_is_seen(context, tmp_path):
    cells = [text("# Page")]
    for name, (kind, content) in OUTPUTS.items():
        described = {"metadata": {"image/png": {"alt": "bars"}}} if "data" in content else {}
        cells.append(code(name, id=name, outputs=[new_output(kind, **content, **described)]))
    page = Page(tmp_path / "01_page.ipynb", normalise(new_notebook(cells=cells)))
    assert empty_cells(page, context, tmp_path) == [name for name in OUTPUTS if name.startswith("bad")]
