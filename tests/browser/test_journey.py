"""The reader's journey in a real browser: open a notebook, run it, move its figure; nothing leaves here.

Every notebook joins by existing. A cell tagged `signature` holds the figure whose slider is moved.
"""

import shutil
from pathlib import Path

import pytest
from glassbox.paths import root
from glassbox.publish import read
from glassbox.publish.normalise import normalise, written
from glassbox.publish.output_rules import PLOTLY
from glassbox.publish.page import tags
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as text
from nbformat.v4 import new_notebook

pytestmark = pytest.mark.browser

NOTEBOOKS = root() / "notebooks"
NAMES = sorted(path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
WITH_SIGNATURE = [name for name in NAMES if name >= "01"]

BROKEN = """
import plotly.graph_objects as go
from IPython.display import HTML, display
figure = go.Figure(go.Bar(y=[1, 2]), layout={"template": "none", "sliders": [{"steps": [
    {"label": label, "method": "skip"} for label in "ab"]}]})
display({"application/vnd.plotly.v1+json": figure.to_plotly_json()}, raw=True)
display(HTML('<img src="https://example.org/cat.png">'))
"""


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """Serve a copy of the notebooks and one that is broken, with the first, slow page load behind us."""
    from drive import open_notebook
    from lab import running_lab

    place = tmp_path_factory.mktemp("journey")
    course = shutil.copytree(NOTEBOOKS, place / "course", ignore=shutil.ignore_patterns(".*"))
    cells = [text("# Broken"), code(BROKEN.strip(), metadata={"tags": ["signature"]}), code("1 / 0")]
    (course / "broken.ipynb").write_text(written(normalise(new_notebook(cells=cells))), encoding="utf-8")
    with running_lab(course, place) as server:
        window = chromium.new_context()
        open_notebook(window.new_page(), server, "broken.ipynb", len(cells))
        window.close()
        yield server


@pytest.fixture
def reader(context, lab, artifacts):
    """Return a function that opens and runs a notebook, and gives the page and its traffic."""
    import drive

    page, names = None, []
    traffic = drive.watch(context)

    def run(name):
        nonlocal page
        page = context.new_page()
        names.append(Path(name).stem)
        drive.open_notebook(page, lab, name, len(read(lab.folder / name).cells))
        drive.run_all(page)
        return page, traffic

    yield run
    if page:
        drive.keep_picture(page, artifacts, names[-1])


def figures_in(page) -> int:
    """Return how many plotly figures the stored notebook holds."""
    return sum(PLOTLY in output.get("data", {}) for _, output in page.outputs)


def signature_of(stored) -> int | None:
    """Return the position of the cell that holds the signature figure."""
    return next((at for at, cell in stored.code if "signature" in tags(cell)), None)


@pytest.mark.parametrize("name", NAMES)
def test_run_all(name, reader):
    import drive

    stored = read(NOTEBOOKS / name)
    page, traffic = reader(name)
    expected = sum("raises-exception" in tags(cell) for _, cell in stored.code)
    assert drive.figures_shown(page, figures_in(stored)) == figures_in(stored) >= 1
    assert len(errors := drive.errors_shown(page)) == expected, errors
    page.locator(drive.FIGURES).first.scroll_into_view_if_needed()
    at = signature_of(stored)
    assert at is not None or name not in WITH_SIGNATURE, "tag the cell of the signature figure `signature`"
    assert at is None or drive.move_slider(page, drive.figure_of(page, at)) == ""
    assert traffic.remote == {}
    assert traffic.console == []


def test_the_journey_sees_what_is_wrong(reader):
    import drive

    page, traffic = reader("broken.ipynb")
    assert drive.figures_shown(page, 1) == 1
    assert ["ZeroDivisionError" in error for error in drive.errors_shown(page)] == [True]
    assert drive.move_slider(page, drive.figure_of(page, 1)) == "the slider moved and the drawing did not"
    assert set(traffic.remote) == {"https://example.org/cat.png"}
    assert traffic.console and all("ERR_FAILED" in words for words in traffic.console)
