"""The figure contract: what every figure of the course shows, says and refuses."""

import copy
import json
import os
from dataclasses import dataclass, replace
from html import escape

import plotly.graph_objects as go

from glassbox.arguments import bad_type, bad_value
from glassbox.draw import theme
from glassbox.draw.checks import check_figure, check_words
from glassbox.draw.numbers import rounded

CONFIG = {"displayModeBar": False, "responsive": True}
PLOTLY = "application/vnd.plotly.v1+json"


@dataclass(frozen=True, eq=False)
class Shown:
    """A figure with its finding in words.

    `plot` shows the point in its default state; its sliders and buttons work without a kernel. `says` is the
    finding in one or two sentences with numbers, and the text alternative. `task` is one line that asks the
    reader to do something with the controls. `static` names the states that the still picture shows side by
    side; empty means the default state.

    Convention: the figure is copied, gets the course's template and fills the width it is given.
    Raises: ValueError or TypeError that names the argument, for a figure that breaks the contract.
    """

    plot: go.Figure
    says: str
    task: str = ""
    static: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.plot, go.Figure):
            raise bad_type("plot", "a plotly.graph_objects.Figure", self.plot)
        check_words(self.says, self.task)
        object.__setattr__(self, "plot", _tidy(self.plot))
        object.__setattr__(self, "static", tuple(self.static))
        check_figure(self._spec(), self.states)
        self._check_static()
        self._check_default()

    def __repr__(self) -> str:
        return self.says

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the frames."""
        return tuple(frame.name for frame in self.plot.frames)

    def at(self, name: str) -> "Shown":
        """Return the same figure with the state `name` shown first, its slider standing there."""
        if str(name) not in self.states:
            raise bad_value("name", f"one of {', '.join(self.states) or 'no states'}", name)
        spec = _at(self._spec(), str(name))
        return replace(self, plot=go.Figure(spec))

    def _spec(self) -> dict:
        return _plain(self.plot)

    def _check_static(self) -> None:
        unknown = [name for name in self.static if name not in self.states]
        if unknown or len(self.static) > 4:
            raise bad_value("static", f"at most 4 of {', '.join(self.states) or 'no states'}", self.static)

    def _check_default(self) -> None:
        """Refuse a slider that stands at one state while the drawing shows another."""
        spec = self._spec()
        for control in spec["layout"].get("sliders", []):
            name = _frame_of(control["steps"][control.get("active", 0)])
            if name in self.states and _at(spec, name)["data"] != spec["data"]:
                raise bad_value(
                    "plot", f"a default state equal to {name!r}, where its slider stands", "another"
                )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self._bundle(), raw=True, metadata=self._metadata())
        display({"text/html": self._caption(), "text/plain": self._words()}, raw=True)

    def _bundle(self) -> dict:
        return {PLOTLY: {**self._spec(), "config": CONFIG}, "text/plain": self.says}

    def _metadata(self) -> dict:
        if os.environ.get("GLASSBOX_BUILD") != "1":
            return {}
        return {"glassbox": {"static": self._stills(), "alt": self.says}}

    def _stills(self) -> list[dict]:
        spec = self._spec()
        if not self.static:
            return [{"data": spec["data"], "layout": spec["layout"]}]
        return [_still(spec, name) for name in self.static]

    def _words(self) -> str:
        return (f"Try: {self.task}\n" if self.task else "") + f"What it shows: {self.says}"

    def _caption(self) -> str:
        lines = [("Try:", self.task)] if self.task else []
        lines.append(("What it shows:", self.says))
        text = "".join(f'<p style="margin:4px 0"><b>{head}</b> {escape(body)}</p>' for head, body in lines)
        return f'<div style="max-width:60em;font-size:14px;line-height:1.45">{text}</div>'


def _tidy(plot: go.Figure) -> go.Figure:
    """Return a copy in the course's look: its template, no fixed width, a fixed height, a short layout."""
    spec = copy.deepcopy(plot.to_dict())
    spec["layout"] = rounded({key: value for key, value in spec["layout"].items() if key != "template"}, 6)
    spec["layout"].pop("width", None)
    spec["layout"].setdefault("height", theme.HEIGHT)
    spec["layout"] |= {"template": theme.TEMPLATE, "autosize": True}
    return go.Figure(spec)


def _plain(plot: go.Figure) -> dict:
    """Return the figure as plain JSON with sorted keys, without the parts that are empty."""
    spec = json.loads(json.dumps(plot.to_dict(), sort_keys=True))
    return {key: value for key, value in spec.items() if value or key in {"data", "layout"}}


def _frame_of(step: dict) -> str | None:
    args = step.get("args") or [None]
    named = step.get("method") == "animate" and isinstance(args[0], list) and len(args[0]) == 1
    return args[0][0] if named else None


def _at(spec: dict, name: str) -> dict:
    """Return the figure's JSON with the frame `name` laid over it, and its sliders standing there."""
    spec = copy.deepcopy(spec)
    frame = next(frame for frame in spec["frames"] if frame["name"] == name)
    places = frame.get("traces", range(len(frame.get("data", []))))
    for place, changes in zip(places, frame.get("data", []), strict=False):
        _lay_over(spec["data"][place], changes)
    _lay_over(spec["layout"], frame.get("layout", {}))
    for control in spec["layout"].get("sliders", []):
        names = [_frame_of(step) for step in control["steps"]]
        if name in names:
            control["active"] = names.index(name)
    return spec


def _lay_over(target: dict, changes: dict) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _lay_over(target[key], value)
        else:
            target[key] = value


def _still(spec: dict, name: str) -> dict:
    """Return the JSON of one panel of the still picture, its state's name as title."""
    state = _at(spec, name)
    label = name
    for control in spec["layout"].get("sliders", []):
        for step in control["steps"]:
            if _frame_of(step) == name:
                label = control.get("currentvalue", {}).get("prefix", "") + step["label"]
    return {"data": state["data"], "layout": state["layout"], "state": label}
