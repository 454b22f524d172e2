"""In a real browser: nothing overlaps, controls are big enough to hit, and a slider draws what `.at` says."""

import json
from itertools import combinations
from pathlib import Path

import plotly
import pytest
from glassbox.draw import Shown, add_controls, choice, lines, matrix, side_by_side, steps
from glassbox.draw.still import ADVICE, browser

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(browser() is None, reason=ADVICE)]

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PARTS = {
    "title": ".gtitle",
    "x title": ".xtitle",
    "y title": ".ytitle",
    "second x title": ".x2title",
    "second y title": ".y2title",
    "legend": ".legend",
    "colour bar": ".colorbar",
    "slider": ".slider-container",
    "lists": ".updatemenu-header",
    "buttons": ".updatemenu-button",
    "headings": ".annotation",
    "grid": ".xy > .gridlayer",
    "cells": ".heatmaplayer",
    "x ticks": ".xaxislayer-above",
}
BOXES = """(parts) => {
    const boxes = [];
    for (const [name, selector] of Object.entries(parts))
        document.querySelectorAll('#plot ' + selector).forEach(node => {
            const b = node.getBoundingClientRect();
            if (b.width && b.height) boxes.push([name, b.left, b.top, b.right, b.bottom]);
        });
    return boxes;
}"""


@pytest.fixture(scope="module")
def page():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser(), args=FLAGS)
        page = chromium.new_page(viewport={"width": 1000, "height": 900})
        page.set_content('<body style="margin:0"><div id="plot"></div></body>')
        page.add_script_tag(path=PLOTLY_JS)
        yield page
        chromium.close()


def draw(page, shown: Shown, width: int) -> list:
    """Draw the figure as JupyterLab's renderer does, `width` pixels wide; return the boxes of its parts."""
    page.evaluate(
        """async ([figure, width]) => {
            const plot = document.getElementById('plot');
            Plotly.purge(plot);
            plot.style.width = width + 'px';
            await Plotly.react(plot, figure.data, figure.layout, figure.config);
            if (figure.frames) await Plotly.addFrames(plot, figure.frames);
        }""",
        [shown._bundle()["application/vnd.plotly.v1+json"], width],
    )
    return page.evaluate(BOXES, PARTS)


def overlaps(boxes) -> list[tuple[str, str]]:
    return [
        (one[0], other[0])
        for one, other in combinations(boxes, 2)
        if min(one[3], other[3]) - max(one[1], other[1]) > 1
        and min(one[4], other[4]) - max(one[2], other[2]) > 1
    ]


def outside(boxes, width: int, height: int) -> list[str]:
    return [
        box[0] for box in boxes if box[1] < -1 or box[2] < -1 or box[3] > width + 1 or box[4] > height + 1
    ]


def listed(figure):
    return add_controls(
        figure,
        choice(["all", "one"], [[{"visible": True}]] * 2, prefix="show: "),
        choice(["linear", "log"], [[{"yaxis.type": kind}] for kind in ("linear", "log")], prefix="axis: "),
    )


def pair(norm):
    rows = [
        {"layer": layer, "norm": norm * layer, "place": place}
        for layer in (1, 9)
        for place in ("pre", "post")
    ]
    titles = {"x_title": "layer (block)", "y_title": "norm (no unit)"}
    return side_by_side(
        lines(rows, "layer", "norm", "place", title="left", **titles),
        lines(rows, "layer", "norm", "place", title="right", **titles),
        title="Two panels",
    )


def words(scale):
    return matrix(
        [[scale * (row - column) for column in range(8)] for row in range(8)],
        diverging=True,
        row_labels=[f"query {row}" for row in range(8)],
        column_labels=[f"key number {column}" for column in range(8)],
        title="Scores",
        x_title="key",
        y_title="query",
        value_title="score (no unit)",
    )


def figures(figure) -> dict:
    return {
        "slider and buttons": figure,
        "slider, buttons and lists": listed(figure),
        "panels": listed(steps({"1": pair(1.0), "2": pair(2.0)}, playable=True)),
        "long labels": steps({"1": words(1), "2": words(2)}, playable=True),
    }


@pytest.mark.parametrize("width", [640, 1000])
@pytest.mark.parametrize("name", ["slider and buttons", "slider, buttons and lists", "panels", "long labels"])
def test_nothing_overlaps_and_nothing_is_cut_off(page, figure, name, width):
    shown = Shown(figures(figure)[name], "It is 1.")
    boxes = draw(page, shown, width)
    assert {"title", "x title", "y title", "slider", "buttons"} <= {box[0] for box in boxes}
    assert overlaps(boxes) == []
    assert outside(boxes, width, shown.plot.layout.height) == []


def test_an_overlap_is_seen(page, figure):
    figure.layout.sliders[0].pad.t = 10
    assert ("x title", "slider") in overlaps(draw(page, Shown(figure, "It is 1."), 800))


def test_what_is_cut_off_is_seen(page, figure):
    figure.add_annotation(text="far out", x=1.3, xref="paper", y=0.5, yref="paper", showarrow=False)
    boxes = draw(page, Shown(figure, "It is 1."), 800)
    assert outside(boxes, 800, figure.layout.height) == ["headings"]


def test_controls_are_big_enough_to_hit(page, figure):
    draw(page, Shown(listed(figure), "It is 1."), 800)
    for selector in (".updatemenu-button", ".updatemenu-header", ".slider-rail-touch-rect"):
        box = page.locator(f"#plot {selector}").first.bounding_box()
        assert box["width"] >= 24 and box["height"] >= 24, selector


def test_dragging_the_slider_draws_what_at_says(page, figure):
    shown = Shown(figure, "It is 1.")
    draw(page, shown, 800)
    for share, name in ((0.01, "6"), (0.5, "12"), (0.99, "48")):
        rail = page.locator("#plot .slider-rail-touch-rect").bounding_box()
        page.mouse.click(rail["x"] + share * rail["width"], rail["y"] + 8)
        page.wait_for_function(
            "(name) => plot.layout.sliders[0].active === Number(name)", arg=shown.states.index(name)
        )
        page.wait_for_function(
            "(count) => plot.data[1].x.length === count", arg=len(shown.at(name).plot.data[1].x)
        )
        assert drawn(page) == wanted(shown.at(name))


def test_play_ends_at_the_last_state(page, figure):
    shown = Shown(figure, "It is 1.").at("6")
    draw(page, shown, 800)
    page.locator("#plot .updatemenu-item-text").first.click(force=True)
    page.wait_for_function("() => plot.layout.sliders[0].active === 2", timeout=20_000)
    page.wait_for_function("() => plot.data[1].x.length === 48", timeout=20_000)
    assert drawn(page) == wanted(shown.at("48"))


def drawn(page) -> list:
    return page.evaluate(
        "() => plot.data.map(trace => [trace.name, Array.from(trace.x), Array.from(trace.y)])"
    )


def wanted(shown: Shown) -> list:
    data = json.loads(json.dumps(shown.plot.to_dict()["data"]))
    return [[trace["name"], trace["x"], trace["y"]] for trace in data]
