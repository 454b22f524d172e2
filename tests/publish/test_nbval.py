"""Exact validation accepts what the build stores, and sees a change in any of it."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from glassbox.publish.normalise import WIDGET_VIEW, normalise, written
from glassbox.publish.output_rules import PLOTLY
from nbformat import from_dict
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_output

SETTINGS = Path(__file__).parents[1] / "sanitize.cfg"
FIGURE = {
    "data": [{"type": "bar", "y": [1, 2.5]}],
    "layout": {"template": {}},
    "config": {"responsive": True},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WIDGET = """import ipywidgets
slider, answer = ipywidgets.IntSlider(value=3), ipywidgets.HTML("3")
slider.observe(lambda change: setattr(answer, "value", str(change.new)), "value")
ipywidgets.VBox([slider, answer])"""
WIDGET_TEXT = "VBox(children=(IntSlider(value=3), HTML(value='3')))"
PRINT = "print('one  ')\nprint('two', flush=True)\nprint(object())"


def result(text, **more):
    """Return the output of a cell's last line."""
    return new_output("execute_result", data={"text/plain": text, **more}, execution_count=1)


def display(text, **more):
    """Return the output of a call of display()."""
    return new_output("display_data", data={"text/plain": text, **more})


def show(data):
    """Return code that displays `data` raw."""
    return f"display({data!r}, raw=True)"


# name -> source, what a run gives (as the build stores it), the same with one change
CELLS = {
    "print": (
        PRINT,
        [new_output("stream", name="stdout", text="one  \ntwo\n<object object at 0x7f3a5c0d1e20>\n")],
        [new_output("stream", name="stdout", text="one\ntwo.\n<object object at 0x7f3a5c0d1e20>\n")],
    ),
    "figure": (
        show({PLOTLY: FIGURE, "text/plain": "bars"}),
        [display("bars", **{PLOTLY: FIGURE, "image/png": PIXEL})],
        [display("bars", **{PLOTLY: {**FIGURE, "data": [{"type": "bar", "y": [1, 2.50001]}]}})],
    ),
    "caption": (
        show({"text/html": "<p>One is 1.</p>", "text/plain": "One is 1."}),
        [display("One is 1.", **{"text/html": "<p>One is 1.</p>"})],
        [display("One is 1.", **{"text/html": "<p>One is 2.</p>"})],
    ),
    "widget": (
        WIDGET,
        [result(WIDGET_TEXT, **{WIDGET_VIEW: {"model_id": "0a1b"}})],
        [result(WIDGET_TEXT.replace("3", "4"))],
    ),
    "number": ("1 + 1", [result("2")], [result("2.0")]),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Validate the cells as they are stored and as they are changed; return what passed."""
    folder = tmp_path_factory.mktemp("validated")
    for which, file in ((1, "stored"), (2, "changed")):
        cells = [code(cell[0], outputs=json.loads(json.dumps(cell[which]))) for cell in CELLS.values()]
        book = from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        (folder / f"{file}.ipynb").write_text(written(normalise(book)), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=report.xml", "--nbval"]
    command += ["--nbval-current-env", f"--nbval-sanitize-with={SETTINGS}", "--nbval-cell-timeout=120", "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (folder / "report.xml").exists(), run.stdout + run.stderr
    return {file: passed(folder / "report.xml", file) for file in ("stored", "changed")}


def passed(report, file):
    """Return for each cell of the notebook whether exact validation accepted it."""
    cases = ElementTree.parse(report).iter("testcase")
    results = [case.find("failure") is None for case in cases if case.get("classname") == f"{file}.ipynb"]
    return dict(zip(CELLS, results, strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_stored_output_is_accepted_and_a_change_is_seen(name, verdicts):
    assert verdicts["stored"][name] and not verdicts["changed"][name]
