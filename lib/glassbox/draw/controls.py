"""Sliders and buttons that work without a kernel, and where they lie."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from glassbox.arguments import bad_value
from glassbox.draw.base import AXIS, TITLE, top_margin
from glassbox.draw.theme import HEIGHT

SLIDER = 92  # pixels for one slider: its current value, its rail, its labels
MENU = 46  # pixels for the row of drop-down lists above the plot

_AT_ONCE = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}


def slider(
    labels: Sequence, prefix: str = "", *, frames: Sequence[str] | None = None, active: int = 0
) -> go.layout.Slider:
    """Return a slider that shows one frame per label; `frames` are their names (default: the labels)."""
    names = _frame_names(labels, frames)
    return go.layout.Slider(
        active=_index("active", active, names),
        currentvalue={"prefix": prefix, "font": {"size": 15}},
        steps=[
            {"label": str(label), "method": "animate", "args": [[name], _AT_ONCE]}
            for label, name in zip(labels, names, strict=True)
        ],
    )


def play(frames: Sequence[str], *, milliseconds: int = 700) -> go.layout.Updatemenu:
    """Return the buttons Play and Pause, which run through `frames` from the first to the last."""
    run = {
        "mode": "immediate",
        "frame": {"duration": milliseconds, "redraw": True},
        "transition": {"duration": 0},
    }
    return go.layout.Updatemenu(
        type="buttons",
        showactive=False,
        buttons=[
            {"label": "▶ Play", "method": "animate", "args": [list(map(str, frames)), run]},
            {"label": "Pause", "method": "animate", "args": [[None], _AT_ONCE]},
        ],
    )


def choice(
    labels: Sequence, args: Sequence, *, prefix: str = "", method: str = "restyle", active: int = 0
) -> go.layout.Updatemenu:
    """Return a drop-down list; choosing a label calls plotly's `method` with that label's `args`.

    `args` holds one list per label: [{"visible": [...]}] for "restyle", [[name]] for "animate".
    """
    if len(labels) != len(args):
        raise bad_value("args", f"one list per label, {len(labels)} in all", len(args))
    more = [_AT_ONCE] if method == "animate" else []
    return go.layout.Updatemenu(
        type="dropdown",
        active=_index("active", active, labels),
        buttons=[
            {"label": f"{prefix}{label}", "method": method, "args": [*given, *more]}
            for label, given in zip(labels, args, strict=True)
        ],
    )


def add_controls(figure: go.Figure, *controls) -> go.Figure:
    """Return a copy of `figure` with more controls, each in its place, made taller by the room they take.

    Sliders lie below the axis title, one under the other; Play and Pause to the left of the first; drop-down
    lists above the plot, under the title.
    """
    whole = go.Figure(figure)
    before = room(whole.to_dict()["layout"])
    layout = whole.layout
    layout.sliders = [*layout.sliders, *(one for one in controls if isinstance(one, go.layout.Slider))]
    layout.updatemenus = [
        *layout.updatemenus,
        *(one for one in controls if isinstance(one, go.layout.Updatemenu)),
    ]
    top = (layout.margin.t or TITLE) - before.above
    bottom = (layout.margin.b or AXIS) - before.below
    after = room(whole.to_dict()["layout"])
    _place(layout, bottom, headings=max(0, top - top_margin(layout.title.text)))
    layout.height = (layout.height or HEIGHT) + sum(after) - sum(before)
    layout.margin.update(t=top + after.above, b=bottom + after.below, l=100 if _buttons(layout) else 80)
    return whole


class Room(NamedTuple):
    """The height that controls take, in pixels."""

    above: int
    below: int


def room(layout: dict) -> Room:
    """Return the height that the controls of a figure's layout take above and below the plot."""
    menus = layout.get("updatemenus") or []
    buttons = [menu for menu in menus if menu.get("type") == "buttons"]
    rows = max(len(layout.get("sliders") or []), 1 if buttons else 0)
    return Room(MENU if len(menus) > len(buttons) else 0, SLIDER * rows)


def _buttons(layout) -> list:
    return [menu for menu in layout.updatemenus if menu.type == "buttons"]


def _place(layout, bottom: int, headings: int) -> None:
    for row, control in enumerate(layout.sliders):
        control.update(x=0, len=1, y=0, yanchor="top", pad={"t": bottom + row * SLIDER, "b": 8})
    for control in _buttons(layout):
        control.update(x=0, xanchor="right", y=0, yanchor="top", pad={"t": bottom + 8, "r": 12})
    lists = [menu for menu in layout.updatemenus if menu.type != "buttons"]
    for column, control in enumerate(lists):
        left = round(column / max(len(lists), 2), 3)
        control.update(x=left, xanchor="left", y=1, yanchor="bottom", pad={"b": 10 + headings})


def _frame_names(labels: Sequence, frames: Sequence[str] | None) -> list[str]:
    names = [str(name) for name in (labels if frames is None else frames)]
    if len(names) != len(labels) or len(names) < 2:
        raise bad_value("frames", f"one name per label, two at least ({len(labels)} labels)", names)
    return names


def _index(argument: str, index: int, names: Sequence) -> int:
    if not isinstance(index, int) or not 0 <= index < len(names):
        raise bad_value(argument, f"a whole number from 0 to {len(names) - 1}", index)
    return index
