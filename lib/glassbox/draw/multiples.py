"""How the still picture is laid out: which figure is drawn where, and how large."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

from glassbox.draw import theme
from glassbox.draw.base import AXIS, BARE, TITLE, top_margin
from glassbox.draw.controls import room

# JupyterLab shows the picture pixel for pixel and cuts off what is wider than the output area.
WIDTH = 820
MOST_PANELS = 4
PANEL = 320  # the least height of a panel, alone or one of several
LEGEND = 34


class Tile(NamedTuple):
    """One drawing of the picture and its place, in pixels."""

    figure: dict
    left: int
    top: int
    width: int
    height: int


def tiles(figures: Sequence[dict]) -> list[Tile]:
    """Return the drawings that make the picture: one figure, or a head and two to four small multiples.

    A figure of several panels is too rich for half the width: its states stand one above the other.
    """
    if len(figures) == 1 or "xaxis2" in figures[0]["layout"]:
        return _stacked(figures)
    head, half, high = _head(figures[0]), WIDTH // 2, _panel_height(figures[0])
    top = head["layout"]["height"]
    panels = [
        Tile(_small(figure, high), half * (place % 2), top + high * (place // 2), half, high)
        for place, figure in enumerate(figures)
    ]
    return [Tile(head, 0, 0, WIDTH, top), *panels] if top else panels


def _stacked(figures: Sequence[dict]) -> list[Tile]:
    stack, top = [], 0
    for figure in figures:
        whole = _named(_without_controls(figure), figure.get("state", ""))
        stack.append(Tile(whole, 0, top, WIDTH, whole["layout"]["height"]))
        top += whole["layout"]["height"]
    return stack


def _without_controls(figure: dict) -> dict:
    """Return the figure without sliders and menus, and without the room they take."""
    bare = copy.deepcopy({"data": figure["data"], "layout": figure["layout"]})
    layout, taken = bare["layout"], room(figure["layout"])
    margin = layout.get("margin", {})
    layout["margin"] = {
        "l": 80,
        "r": 20,
        "t": max(BARE, margin.get("t", TITLE) - taken.above),
        "b": max(BARE, margin.get("b", AXIS) - taken.below),
    }
    layout["height"] = max(PANEL, layout.get("height", theme.HEIGHT) - sum(taken))
    layout.pop("sliders", None)
    layout.pop("updatemenus", None)
    return bare


def _named(figure: dict, state: str) -> dict:
    """Return the figure with its state in its title; one without a title gets room for it."""
    layout = figure["layout"]
    title = layout.get("title", {})
    if state and title.get("text"):
        layout["title"] = {**title, "text": f"{title['text']} ({state})"}
    elif state:
        layout["title"] = {**title, "text": state}
        layout["margin"]["t"] += TITLE - BARE
        layout["height"] += TITLE - BARE
    return figure


def _panel_height(figure: dict) -> int:
    """Return three quarters of the figure's own height: a matrix of many rows needs more than a curve."""
    return max(PANEL, _without_controls(figure)["layout"]["height"] * 3 // 4)


def _small(figure: dict, height: int) -> dict:
    """Return the figure as one small multiple: its state as title, its legend left to the head."""
    small = _without_controls(figure)
    title = small["layout"].get("title", {}).get("text")
    headings = max(0, small["layout"]["margin"]["t"] - top_margin(title))
    small["layout"] |= {
        "height": height,
        "showlegend": False,
        "title": {"text": figure.get("state", ""), "font": {"size": theme.FONT_SIZE}},
        "margin": {"l": 60, "r": 12, "t": TITLE - 10 + headings, "b": AXIS - 8},
    }
    return small


def _head(figure: dict) -> dict:
    """Return the strip above the panels: the title they share, and one legend for all."""
    named = [trace for trace in figure["data"] if trace.get("name") and _in_legend(trace)]
    title = figure["layout"].get("title", {})
    height = (TITLE if title.get("text") else 0) + (LEGEND if named else 0)
    hidden = {"visible": False}
    return {
        "data": [{**trace, "x": [None], "y": [None]} for trace in named],
        "layout": {
            "template": figure["layout"].get("template", theme.TEMPLATE),
            "title": title,
            "height": height,
            "xaxis": hidden,
            "yaxis": hidden,
            "legend": {"orientation": "h", "x": 0, "y": 0.5, "yanchor": "middle"},
            "showlegend": True,
            "margin": {"l": 10, "r": 10, "t": 0, "b": 0},
        },
    }


def _in_legend(trace: dict) -> bool:
    return trace.get("showlegend") is not False and trace.get("visible") is not False
