"""Several states of one figure behind one slider."""

import math

import plotly.graph_objects as go

from glassbox.arguments import bad_value
from glassbox.draw.controls import add_controls, play, slider
from glassbox.draw.numbers import rounded


def steps(
    states: dict[str, go.Figure], *, prefix: str = "", start: str | None = None, playable: bool = False
) -> go.Figure:
    """Return one figure whose slider goes through `states`, each a figure with the same kinds of traces.

    `start` names the state shown first (default: the first); `playable` adds the buttons Play and Pause.
    Convention: every numeric axis without a range of its own gets one that holds all states, so that they can
    be compared. The layout is that of the state shown first.
    """
    names = [str(name) for name in states]
    traces = [figure.to_dict()["data"] for figure in states.values()]
    _expect_same_kinds(names, traces)
    if start is not None and str(start) not in names:
        raise bad_value("start", f"one of {', '.join(names)}", start)
    active = 0 if start is None else names.index(str(start))
    whole = go.Figure(list(states.values())[active])
    if whole.layout.barmode in {"stack", "relative"}:
        raise bad_value(
            "states", "bars that are not stacked, whose axis can hold all states", whole.layout.barmode
        )
    whole.frames = [_frame(name, data, traces) for name, data in zip(names, traces, strict=True)]
    _share_ranges(whole, [trace for data in traces for trace in data])
    extra = [play(names)] if playable else []
    return add_controls(whole, slider(names, prefix, active=active), *extra)


def _expect_same_kinds(names: list[str], traces: list[list[dict]]) -> None:
    kinds = {name: [trace["type"] for trace in data] for name, data in zip(names, traces, strict=True)}
    if len(kinds) < 2 or len(set(map(tuple, kinds.values()))) > 1:
        raise bad_value("states", "two or more figures with the same kinds of traces", kinds)


def _frame(name: str, data: list[dict], traces: list[list[dict]]) -> go.Frame:
    """Return the frame that says, for each trace, only what differs between the states."""
    changes = [_changes(trace, [other[place] for other in traces]) for place, trace in enumerate(data)]
    moving = [place for place, change in enumerate(changes) if len(change) > 1]
    return go.Frame(name=name, data=[changes[place] for place in moving], traces=moving)


def _changes(trace: dict, others: list[dict]) -> dict:
    keys = sorted({key for other in others for key in other})
    moving = [key for key in keys if any(other.get(key) != trace.get(key) for other in others)]
    return {"type": trace["type"], **{key: trace.get(key) for key in moving}}


def _share_ranges(figure: go.Figure, traces: list[dict]) -> None:
    for letter in "xy":
        for reference in sorted({trace.get(f"{letter}axis", letter) for trace in traces}):
            axis = figure.layout[f"{letter}axis{reference[1:]}"]
            here = [trace for trace in traces if trace.get(f"{letter}axis", letter) == reference]
            if axis.range is None and all(trace["type"] in {"scatter", "bar"} for trace in here):
                _set_range(axis, [value for trace in here for value in _extent(trace, letter)])


def _extent(trace: dict, letter: str) -> list:
    """Return the values that the axis must hold: of bars also their feet and whiskers."""
    values = list(trace.get(letter) or [])
    if trace["type"] != "bar" or (trace.get("orientation") == "h") != (letter == "x"):
        return values
    base = trace.get("base") or 0
    feet = base if isinstance(base, list) else [base] * len(values)
    whiskers = trace.get(f"error_{letter}", {}).get("array") or [0] * len(values)
    bars = [bar for bar in zip(feet, values, whiskers, strict=True) if bar[1] is not None]
    return [*feet, *(foot + value + (whisker or 0) for foot, value, whisker in bars)]


def _set_range(axis, values: list) -> None:
    numbers = [value for value in values if isinstance(value, (int, float)) and math.isfinite(value)]
    if any(isinstance(value, str) for value in values) or axis.type == "category":
        return
    if axis.type == "log":
        numbers = [math.log10(value) for value in numbers if value > 0]
    if numbers and max(numbers) > min(numbers):
        margin = 0.05 * (max(numbers) - min(numbers))
        ends = rounded([min(numbers) - margin, max(numbers) + margin], 4)
        axis.range = ends[::-1] if axis.autorange == "reversed" else ends
