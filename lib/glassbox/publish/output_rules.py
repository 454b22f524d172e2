"""Rules on stored outputs: small, the same in each run, and readable without a running notebook."""

import json
from collections.abc import Iterator

from nbformat import NotebookNode

from glassbox.publish.normalise import WIDGET_VIEW
from glassbox.publish.page import IMAGES, Page, tags

Found = Iterator[tuple[int | None, str]]

MOST_BYTES_IN_AN_OUTPUT = 300_000
MOST_BYTES_IN_A_TEMPLATE = 2_000
PLOTLY = "application/vnd.plotly.v1+json"


def no_widget_state(page: Page) -> Found:
    """Saved widgets break on GitHub and show an error when the notebook is opened."""
    if "widgets" in page.notebook.metadata:
        yield None, "drop metadata.widgets: run `glassbox build`"
    for at, data in _data(page):
        if WIDGET_VIEW in data:
            yield at, "drop the stored view of the widget: run `glassbox build`"


def output_size(page: Page) -> Found:
    """One output does not swell the notebook."""
    for at, output in page.outputs:
        if (size := len(json.dumps(output, ensure_ascii=False).encode())) > MOST_BYTES_IN_AN_OUTPUT:
            yield at, f"{size:,} bytes; keep to {MOST_BYTES_IN_AN_OUTPUT:,}: round, thin out, fewer frames"


def no_stderr(page: Page) -> Found:
    """Warnings differ between machines and worry the reader."""
    for at, output in page.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            yield at, f"stderr says {output.text.strip()[:60]!r}: remove the cause"


def no_errors(page: Page) -> Found:
    """A cell fails only where it says so."""
    for at, cell in page.code:
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield at, f"{output.ename}: mend it, or tag the cell raises-exception"


def plain_text_alternative(page: Page) -> Found:
    """Every output can be read as text."""
    for at, data in _data(page):
        if not str(data.get("text/plain", "")).strip():
            yield at, f"{', '.join(data)} without text/plain: say in words what is shown"


def no_vector_images(page: Page) -> Found:
    """SVG differs in each run, in ids and dates; JavaScript does not run in a static page."""
    for at, data in _data(page):
        if bad := {"image/svg+xml", "application/pdf", "application/javascript"} & set(data):
            yield at, f"{', '.join(sorted(bad))}: show a PNG or a plotly figure"


def pictures_described(page: Page) -> Found:
    """Every stored picture carries its text alternative."""
    for at, output in page.outputs:
        for kind in IMAGES:
            if kind in output.get("data", {}) and not output.metadata.get(kind, {}).get("alt", "").strip():
                yield at, f"{kind} without alt text: show it through glassbox.draw"


def still_beside_figure(page: Page) -> Found:
    """A plotly figure is blank in a static page: a picture stands beside it."""
    for at, data in _data(page):
        if PLOTLY in data and "image/png" not in data:
            yield at, "plotly figure without image/png: show it through glassbox.draw"


def small_template(page: Page) -> Found:
    """Plotly's default template adds seven kilobytes to every figure."""
    for at, figure in _figures(page):
        template = figure.get("layout", {}).get("template", {})
        if len(json.dumps(template)) > MOST_BYTES_IN_A_TEMPLATE:
            yield at, "the figure carries plotly's default template: use the theme of glassbox.draw"


def readable_numbers(page: Page) -> Found:
    """Typed arrays cannot be read in a diff and hold every last digit."""
    for at, figure in _figures(page):
        if "bdata" in set(_keys(figure)):
            yield at, "the figure holds typed arrays (bdata): give it lists of rounded numbers"


def _data(page: Page) -> Iterator[tuple[int, NotebookNode]]:
    return ((at, output.data) for at, output in page.outputs if "data" in output)


def _figures(page: Page) -> Iterator[tuple[int, NotebookNode]]:
    return ((at, data[PLOTLY]) for at, data in _data(page) if PLOTLY in data)


def _keys(value) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _keys(item)


RULES = (
    no_widget_state,
    output_size,
    no_stderr,
    no_errors,
    plain_text_alternative,
    no_vector_images,
    pictures_described,
    still_beside_figure,
    small_template,
    readable_numbers,
)
