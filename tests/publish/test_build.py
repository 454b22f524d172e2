"""Build: executes, stores the same bytes each time, writes only what passed."""

import base64
import io
import json
import os

import psutil
import pytest
from glassbox.publish import Refused, build, read
from glassbox.publish.build import chosen, differences, write
from glassbox.publish.execute import execute
from glassbox.publish.normalise import normalise, written
from nbformat import from_dict
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as text
from PIL import Image

FIGURE = """
from glassbox import draw
rows = [{"a": "one", "b": 1.0}, {"a": "two", "b": 2.0}]
draw.Shown(draw.bars(rows, x="b", y="a", x_title="b (no unit)", y_title="a"), says="Two is 2 times one.")
"""
TABLE = """
from IPython.display import display
display({"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"}, raw=True)
"""
WIDGET = """
import ipywidgets
slider, answer = ipywidgets.IntSlider(value=3, description="x"), ipywidgets.HTML("3")
slider.observe(lambda change: setattr(answer, "value", str(change.new)), "value")
ipywidgets.VBox([slider, answer])
"""
PRINT = "for i in range(3):\n    print(i, '  ', flush=True)"
PICTURE = """
import matplotlib.pyplot as plt
drawing, axes = plt.subplots(figsize=(2, 2))
axes.plot([1, 2])
plt.close()
display(drawing, metadata={"image/png": {"alt": "a line from 1 to 2"}})
"""
WHERE = "import os, pathlib\nos.environ['GLASSBOX_BUILD'], pathlib.Path.cwd().name"


@pytest.fixture
def store(course):
    """Return a function that stores a notebook of cells and returns its path."""

    def put(*cells, name="01_small.ipynb"):
        sources = [cell if isinstance(cell, dict) else code(cell.strip()) for cell in cells]
        book = from_dict(
            {"cells": [text("# Small"), *sources], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        )
        path = course / "notebooks" / name
        path.write_text(written(book), encoding="utf-8")
        return path

    return put


@pytest.fixture
def drawn(monkeypatch):
    """Draw stills without a browser; return what was asked for."""
    asked = []

    def stills(groups, alts):
        asked.extend(zip(groups, alts, strict=True))
        pictures = [io.BytesIO() for _ in groups]
        for picture in pictures:
            Image.new("RGB", (2, 2)).save(picture, "png")
        return [picture.getvalue() for picture in pictures]

    monkeypatch.setattr("glassbox.draw.still.stills", stills)
    return asked


def test_building_twice_gives_identical_bytes(store, drawn):
    path = store(PRINT, FIGURE, TABLE, WIDGET, PICTURE)
    assert build() == [path]
    first = path.read_bytes()
    path.write_bytes(first.replace(b'[\n      "0\\n"', b'[\n      "9\\n"'))
    assert path.read_bytes() != first and build() == [path] and path.read_bytes() == first
    assert build(check=True) == [path]
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]


def test_a_figure_gets_its_still_and_its_words(store, drawn):
    path = store(FIGURE)
    build()
    output = read(path).notebook.cells[1].outputs[0]
    ((group, alt),) = drawn
    assert alt == "Two is 2 times one." and group[0]["data"][0]["x"] == [1.0, 2.0]
    assert output.metadata == {"image/png": {"alt": alt}}
    assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")


def test_without_a_browser_nothing_is_written(store, monkeypatch):
    path = store(FIGURE)
    before = path.read_bytes()
    monkeypatch.setattr("glassbox.draw.still.browser", lambda: "/no/browser/here")
    with pytest.raises(Refused, match=r"01_small\.ipynb: still pictures: no Chrome or Chromium found"):
        build()
    assert path.read_bytes() == before


def test_the_kernel_knows_that_it_is_built_and_where(store):
    path = store(WHERE)
    build()
    assert read(path).notebook.cells[1].outputs[0].data["text/plain"] == "('1', 'notebooks')"


def test_nothing_is_written_when_a_rule_is_broken(store):
    path = store("print('/' + 'home/someone')", "import sys; print('old', file=sys.stderr)")
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        build()
    assert [problem.rule for problem in refused.value.problems] == ["machine paths", "no stderr"]
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


def test_every_notebook_is_tried_and_every_problem_told(store):
    good, bad = store("1"), store("1 / 0", name="02_bad.ipynb")
    worse = store("", name="03_worse.ipynb")
    before = bad.read_bytes()
    with pytest.raises(Refused) as refused:
        build()
    assert [problem.notebook for problem in refused.value.problems] == [bad.name, worse.name]
    assert "02_bad.ipynb, cell 2" in str(refused.value) and "ZeroDivisionError: division by zero" in str(
        refused.value
    )
    assert bad.read_bytes() == before and read(good).notebook.cells[1].execution_count == 1


def test_the_kernel_ends_with_the_run(store):
    path = store("import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\nNone")
    build()
    assert not psutil.pid_exists(int(path.with_name("pid").read_text()))


def test_a_cell_that_takes_too_long_is_named(store):
    path = store("1", "import time; time.sleep(60)")
    with pytest.raises(Refused, match=r"cell 3 .*took longer than 1 s"):
        execute(path, read(path).notebook, timeout=1)


def test_a_cell_that_ends_the_kernel_is_named(store):
    path = store("import os; os._exit(1)", "2")
    with pytest.raises(Refused, match=r"cell 2 .*ended the kernel"):
        execute(path, read(path).notebook)


def test_an_expected_error_is_stored_short(store):
    path = store(code("1 / 0", metadata={"tags": ["raises-exception"]}), "2")
    build()
    assert read(path).notebook.cells[1].outputs[0].traceback == ["ZeroDivisionError: division by zero"]


def test_check_writes_nothing_and_names_the_cell(store):
    path = store("1", "2")
    build()
    stale = path.read_text(encoding="utf-8").replace('"2"\n      ]', '"3"\n      ]')
    path.write_text(stale, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        build(check=True)
    (problem,) = refused.value.problems
    assert (problem.number, problem.rule) == (3, "stored as it runs") and "outputs" in problem.advice
    assert path.read_text(encoding="utf-8") == stale


def test_check_also_applies_the_rules(store):
    path = store("1")
    path.write_text(written(normalise(read(path).notebook)), encoding="utf-8")
    with pytest.raises(Refused, match="stored as it runs"):
        build(check=True)
    store("1")
    with pytest.raises(Refused, match="execution counts"):
        build(check=True)


def test_pixels_are_not_compared_but_all_else_is(store):
    data = {"image/png": "AAAA", "text/plain": "a"}
    cell = code("1", outputs=[{"output_type": "display_data", "data": data, "metadata": {}}])
    one, other = normalise(read(store(cell)).notebook), normalise(read(store(cell)).notebook)
    other.cells[1].outputs[0].data["image/png"] = "BBBB"
    assert list(differences("x", one, other)) == []
    other.cells[1].outputs[0].data["text/plain"] = "b"
    assert [problem.number for problem in differences("x", one, other)] == [2]
    other.metadata["widgets"] = {}
    assert len(list(differences("x", one, other))) == 2


def test_numbers_choose_notebooks(store):
    second, first = store(name="02_b.ipynb"), store(name="01_a.ipynb")
    store(name="draft.ipynb")
    assert chosen() == [first, second] and chosen(["2"]) == [second] == chosen(["02", "2"])
    with pytest.raises(ValueError, match="numbers: expected notebooks out of 01, 02; came '07'"):
        chosen(["7"])


def test_writing_replaces_the_file_in_one_step(tmp_path):
    path = tmp_path / "new" / "a.txt"
    assert write(path, b"old") and path.read_bytes() == b"old"
    assert write(path, b"greater\n") and path.read_bytes() == b"greater\n"
    assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o644  # Windows keeps other modes
    assert not write(path, b"greater\n") and [file.name for file in path.parent.iterdir()] == ["a.txt"]


def test_the_picture_of_the_signature_figure_is_stored_for_the_readme(store, drawn, course):
    marked = code(FIGURE.strip(), metadata={"tags": ["signature"]})
    store(marked, name="03_marked.ipynb")
    store(FIGURE, name="04_unmarked.ipynb")
    build()
    assert [path.name for path in (course / "data" / "pictures").iterdir()] == ["03_marked.png"]
    stored = json.loads((course / "notebooks" / "03_marked.ipynb").read_text(encoding="utf-8"))
    picture = stored["cells"][1]["outputs"][0]["data"]["image/png"]
    assert base64.b64decode("".join(picture)) == (course / "data" / "pictures" / "03_marked.png").read_bytes()


def test_a_malformed_notebook_is_refused_before_it_runs(store):
    path = store("1")
    broken = json.loads(path.read_text(encoding="utf-8"))
    del broken["cells"][0]["source"]
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(Refused, match="valid"):
        build()
