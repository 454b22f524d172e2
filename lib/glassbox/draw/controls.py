"""Sliders and buttons that work without a kernel, and where they lie."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.arguments import bad_value
from glassbox.draw.base import AXIS, TITLE

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
    """Return a copy of `figure` with the controls in place, made taller by the room they take.

    Sliders lie below the axis title, one under the other; Play and Pause to the left of the first; drop-down
    lists above the plot, under the title.
    """
    sliders = [control for control in controls if isinstance(control, go.layout.Slider)]
    buttons = [control for control in controls if getattr(control, "type", None) == "buttons"]
    lists = [control for control in controls if getattr(control, "type", None) == "dropdown"]
    below = SLIDER * max(len(sliders), min(len(buttons), 1))
    above = MENU if lists else 0
    for row, control in enumerate(sliders):
        control.update(x=0, len=1, y=0, yanchor="top", pad={"t": AXIS + row * SLIDER, "b": 8})
    for control in buttons:
        control.update(x=0, xanchor="right", y=0, yanchor="top", pad={"t": AXIS + 8, "r": 12})
    for column, control in enumerate(lists):
        control.update(
            x=round(column / max(len(lists), 3), 3), xanchor="left", y=1, yanchor="bottom", pad={"b": 10}
        )
    copy = go.Figure(figure)
    copy.update_layout(
        sliders=sliders, updatemenus=[*lists, *buttons], height=copy.layout.height + below + above
    )
    top = TITLE if copy.layout.title.text else 20
    return copy.update_layout(margin={"t": top + above, "b": AXIS + below, "l": 100 if buttons else 80})


def _frame_names(labels: Sequence, frames: Sequence[str] | None) -> list[str]:
    names = [str(name) for name in (labels if frames is None else frames)]
    if len(names) != len(labels) or len(names) < 2:
        raise bad_value("frames", f"one name per label, two at least ({len(labels)} labels)", names)
    return names


def _index(argument: str, index: int, names: Sequence) -> int:
    if not isinstance(index, int) or not 0 <= index < len(names):
        raise bad_value(argument, f"a whole number from 0 to {len(names) - 1}", index)
    return index
