"""Drive JupyterLab as a reader does: open a notebook, run it, move its figure."""

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lab import Lab
from playwright.sync_api import BrowserContext, Page, TimeoutError

LOCAL = {"127.0.0.1", "localhost", ""}
SECOND = 1000  # Playwright counts milliseconds
MOST_TO_OPEN, MOST_TO_RUN, MOST_TO_DRAW = 90 * SECOND, 300 * SECOND, 20 * SECOND

STATUS = "[...document.querySelectorAll('.jp-StatusBar-TextItem')].map(item => item.textContent)"
RESTS = f"{STATUS}.some(text => text.endsWith('| Idle'))"
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim())"
ERRORS = ", ".join(f"[data-mime-type='application/vnd.jupyter.{kind}']" for kind in ("error", "stderr"))
FIGURES = ".jp-OutputArea .js-plotly-plot"
# What a reader sees move: every shape and word inside the axes, not the controls around them. A figure
# without height shows nothing.
DRAWING = """figure => figure.clientHeight === 0 ? '' : [...figure.querySelectorAll('.cartesianlayer *')]
    .filter(shape => !shape.children.length)
    .map(shape => [...shape.attributes].map(one => one.value).join('|') + shape.textContent)
    .join('\\n')"""


@dataclass
class Traffic:
    """What the page asked for beyond this machine, and what its console complained about."""

    remote: Counter = field(default_factory=Counter)
    console: list[str] = field(default_factory=list)


def watch(context: BrowserContext) -> Traffic:
    """Block every request beyond this machine and keep count; keep the console's errors."""
    traffic = Traffic()

    def judge(route) -> None:
        if is_local(route.request.url):
            route.continue_()
        else:
            traffic.remote[route.request.url] += 1
            route.abort()

    def sockets(page: Page) -> None:
        page.on("websocket", lambda it: None if is_local(it.url) else traffic.remote.update([it.url]))

    context.route("**/*", judge)
    context.on("page", sockets)
    context.on("console", lambda it: traffic.console.append(it.text) if it.type == "error" else None)
    context.on("weberror", lambda it: traffic.console.append(str(it.error)))
    return traffic


def is_local(address: str) -> bool:
    """Tell whether an address stays on this machine; data: and blob: addresses do."""
    parts = urlsplit(address)
    return parts.scheme in ("data", "blob", "about", "file") or (parts.hostname or "") in LOCAL


def open_notebook(page: Page, lab: Lab, name: str, cells: int) -> None:
    """Open a notebook of so many cells and wait for its kernel. A cold server may be slow: try twice.

    Before the file has arrived, JupyterLab shows a notebook of one empty cell.
    """
    for attempt in (1, 2):
        page.goto(lab.at(name), timeout=MOST_TO_OPEN)
        try:
            there = f"document.querySelectorAll('.jp-Notebook .jp-Cell').length === {cells}"
            page.wait_for_function(f"{there} && {RESTS}", timeout=MOST_TO_OPEN)
            return
        except TimeoutError:
            if attempt == 2:
                raise


def run_all(page: Page) -> None:
    """Clear what is stored, run every cell, and wait until each has run and the kernel rests."""
    choose(page, "Edit", "Clear Outputs of All Cells")
    page.wait_for_function(f"{PROMPTS}.every(text => !/\\d/.test(text))", timeout=MOST_TO_DRAW)
    choose(page, "Run", "Run All Cells")
    page.wait_for_function(
        f"{RESTS} && {PROMPTS}.some(text => /\\d/.test(text)) && !{PROMPTS}.some(text => text.includes('*'))",
        timeout=MOST_TO_RUN,
    )


def choose(page: Page, menu: str, entry: str) -> None:
    """Choose an entry of the menu bar."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(entry)}$")).click()


def errors_shown(page: Page) -> list[str]:
    """Return the errors in the outputs and the places where a widget could not be shown."""
    shown = page.locator(ERRORS).all_inner_texts()
    return shown + page.get_by_text(re.compile("model not found|Error displaying widget")).all_inner_texts()


def drawing(figure) -> str:
    """Return what is drawn inside the axes of a plotly figure."""
    return figure.evaluate(DRAWING)


def move_slider(page: Page, figure) -> str:
    """Drag the figure's first slider to its far end, then back; return what went wrong, or nothing."""
    figure.locator(".slider-grip-rect").first.scroll_into_view_if_needed()
    start = drawing(figure)
    home = centre(figure.locator(".slider-grip-rect").first.bounding_box())
    rail = figure.locator(".slider-rail-touch-rect").first.bounding_box()
    ends = [(rail["x"] + share * rail["width"], home[1]) for share in (0.02, 0.98)]
    away = max(ends, key=lambda end: abs(end[0] - home[0]))
    drag(page, home, away)
    if not becomes(page, figure, start, same=False):
        return f"the slider moved and the {'drawing did not' if drawing(figure) else 'figure vanished'}"
    drag(page, away, home)
    return "" if becomes(page, figure, start, same=True) else "the slider moved back and the drawing did not"


def centre(box: dict) -> tuple[float, float]:
    """Return the middle of a box on the page."""
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press the mouse at one place, move it in steps to another, and let go."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=10)
    page.mouse.up()


def becomes(page: Page, figure, start: str, *, same: bool) -> bool:
    """Wait until the drawing is (or is no longer) what it was at the start; tell whether that came true.

    While plotly redraws, there is for a moment nothing to see: that counts as neither.
    """
    try:
        page.wait_for_function(
            f"([figure, start, same]) => {{ const now = ({DRAWING})(figure);"
            " return now !== '' && (now === start) === same; }",
            arg=[figure.element_handle(), start, same],
            timeout=MOST_TO_DRAW,
        )
    except TimeoutError:
        return False
    return True


def keep_picture(page: Page, folder: Path, name: str) -> Path:
    """Store what the reader sees."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    return path


def figures_shown(page: Page, expected: int) -> int:
    """Wait until so many plotly figures are drawn; return how many are."""
    drawn = f"document.querySelectorAll('{FIGURES} .cartesianlayer').length >= {expected}"
    with suppress(TimeoutError):
        page.wait_for_function(drawn, timeout=MOST_TO_DRAW)
    return page.locator(FIGURES).count()


def figure_of(page: Page, at: int):
    """Return the figure in the output of the cell at this position."""
    return page.locator(".jp-Notebook .jp-Cell").nth(at).locator(FIGURES).first
