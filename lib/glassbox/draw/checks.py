"""The rules a figure must keep, each a short function that names what breaks it."""

import json
import math
import re

from glassbox.arguments import bad_type, bad_value

MOST_CONTROLS = 4
MOST_BYTES = 300_000
MOST_DIGITS = 6
CARTESIAN = {
    "scatter",
    "scattergl",
    "bar",
    "heatmap",
    "contour",
    "histogram",
    "histogram2d",
    "box",
    "violin",
    "image",
}
ELSEWHERE = re.compile(r"^\s*(https?:)?//|<img|src\s*=|url\(", re.IGNORECASE)
TEX = re.compile(r"\$[^$]+\$")
UNIT = re.compile(r"\([^()]+\)\s*$")


def check_words(says, task) -> None:
    """Refuse a finding without a number and a task longer than a line."""
    for name, text in (("says", says), ("task", task)):
        if not isinstance(text, str):
            raise bad_type(name, "words", text)
    if not re.search(r"\d", says):
        raise bad_value("says", "the finding in a sentence that holds a number", says)
    if "\n" in task:
        raise bad_value("task", "one line", task)


def check_figure(spec: dict, states: tuple) -> None:
    """Refuse a figure that is too big, too busy, noisy, unlabelled or not self-contained."""
    for check in (_size, _controls, _frames, _numbers, _texts, _axes):
        check(spec, states)


def _size(spec, _) -> None:
    size = len(json.dumps(spec))
    if size > MOST_BYTES:
        raise bad_value("plot", f"at most {MOST_BYTES} bytes of JSON; use fewer points or states", size)


def _controls(spec, _) -> None:
    count = len(spec["layout"].get("sliders", [])) + len(spec["layout"].get("updatemenus", []))
    if count > MOST_CONTROLS:
        raise bad_value("plot", f"at most {MOST_CONTROLS} sliders and menus", count)


def _frames(spec, states) -> None:
    if None in states or len(set(states)) < len(states):
        raise bad_value("plot", "frames that each have a name of their own", states)
    controls = [control["steps"] for control in spec["layout"].get("sliders", [])]
    controls += [control["buttons"] for control in spec["layout"].get("updatemenus", [])]
    for step in (step for steps in controls for step in steps):
        wanted = (step.get("args") or [None])[0] if step.get("method") == "animate" else None
        missing = [name for name in wanted or [] if name is not None and name not in states]
        if missing:
            raise bad_value("plot", f"controls that name its frames: {', '.join(states)}", missing)


def _numbers(spec, _) -> None:
    for where in ("data", "frames"):
        for value in _leaves(spec.get(where, [])):
            if isinstance(value, float) and not (math.isfinite(value) and _digits(value) <= MOST_DIGITS):
                advice = (
                    f"finite numbers of at most {MOST_DIGITS} significant digits; use glassbox.draw.rounded"
                )
                raise bad_value("plot", advice, value)


def _texts(spec, _) -> None:
    for value in _leaves(spec):
        if isinstance(value, str) and ELSEWHERE.search(value):
            raise bad_value("plot", "no picture or page from elsewhere", value)
        if isinstance(value, str) and TEX.search(value):
            raise bad_value("plot", "plain words and Unicode: TeX is not drawn everywhere", value)


def _axes(spec, _) -> None:
    for letter in "xy":
        here = [trace for trace in spec["data"] if trace["type"] in CARTESIAN]
        for reference in sorted({trace.get(f"{letter}axis", letter) for trace in here}):
            axis = spec["layout"].get(f"{letter}axis{reference[1:]}", {})
            title = axis.get("title", {}).get("text", "")
            if not _excused(axis) and not title:
                raise bad_value("plot", f"a title on the {reference} axis", title)
            if not _excused(axis) and not UNIT.search(title) and not _worded(axis, here, letter, reference):
                advice = f"a unit in brackets at the end of the {reference} axis title, as in 'time (ms)'"
                raise bad_value("plot", advice, title)


def _excused(axis: dict) -> bool:
    """Return whether the axis is hidden, or repeats another one that carries the title."""
    return axis.get("visible") is False or ("matches" in axis and axis.get("showticklabels") is False)


def _worded(axis: dict, traces: list[dict], letter: str, reference: str) -> bool:
    """Return whether the axis counts in names, which have no unit."""
    values = [trace.get(letter) or [] for trace in traces if trace.get(f"{letter}axis", letter) == reference]
    words = any(values) and all(isinstance(value, str) for column in values for value in column)
    return words or axis.get("type") in {"category", "multicategory"} or "ticktext" in axis


def _leaves(part):
    """Yield every value of nested JSON; a typed array in base64 is refused."""
    if isinstance(part, dict):
        if "bdata" in part:
            raise bad_value(
                "plot", "lists of numbers, as glassbox.draw.rounded returns", "a typed array (bdata)"
            )
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from _leaves(value)
    else:
        yield part


def _digits(value: float) -> int:
    mantissa = repr(value).lower().partition("e")[0]
    return len(mantissa.replace("-", "").replace(".", "").strip("0"))
