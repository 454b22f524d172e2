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
from glassbox.draw.multiples import MOST_PANELS
from glassbox.draw.numbers import rounded
from glassbox.draw.states import at, label, standing

CONFIG = {"displayModeBar": False}
PLOTLY = "application/vnd.plotly.v1+json"


@dataclass(frozen=True, eq=False)
class Shown:
    """A figure with its finding in words.

    `plot` shows the point in its default state; its sliders and buttons work without a kernel. `says` is the
    finding in one or two sentences with numbers, and the text alternative. `task` is one line that asks the
    reader to do something with the controls. `static` names the states that the still picture shows side by
    side; empty means the default state. `still` is a figure of its own for that picture, where no states do.

    Convention: the figure is copied, gets the course's template and fills the width it is given.
    Raises: ValueError or TypeError that names the argument, for a figure that breaks the contract.
    """

    plot: go.Figure
    says: str
    task: str = ""
    static: tuple[str, ...] = ()
    still: go.Figure | None = None

    def __post_init__(self) -> None:
        check_words(self.says, self.task)
        object.__setattr__(self, "plot", _tidy("plot", self.plot))
        object.__setattr__(self, "static", tuple(map(str, self.static)))
        check_figure(self._spec(), self.states)
        self._check_static()
        self._check_still()
        self._check_default()

    def __repr__(self) -> str:
        return self.says

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the frames."""
        return tuple(frame.name for frame in self.plot.frames)

    def at(self, name: str | int) -> "Shown":
        """Return the same figure with the state `name` shown first, its slider standing there."""
        if str(name) not in self.states:
            raise bad_value("name", f"one of {', '.join(self.states) or 'no states'}", name)
        return replace(self, plot=go.Figure(at(self._spec(), str(name))))

    def _spec(self) -> dict:
        return _plain(self.plot)

    def _check_static(self) -> None:
        unknown = [name for name in self.static if name not in self.states]
        if unknown or len(self.static) > MOST_PANELS:
            raise bad_value(
                "static", f"at most {MOST_PANELS} of {', '.join(self.states) or 'no states'}", self.static
            )

    def _check_still(self) -> None:
        if self.still is None:
            return
        if self.static:
            raise bad_value("still", "either `static` or `still`", "both")
        object.__setattr__(self, "still", _tidy("still", self.still))
        check_figure(_plain(self.still), ())

    def _check_default(self) -> None:
        """Refuse a slider that stands at one state while the drawing shows another."""
        spec = self._spec()
        for name in standing(spec):
            if at(spec, name)["data"] != spec["data"]:
                wanted = f"a default state equal to {name!r}, where its slider stands"
                raise bad_value("plot", wanted, "another state")

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
        spec = self._spec() if self.still is None else _plain(self.still)
        states = [(at(spec, name), name) for name in self.static] or [(spec, "")]
        return [
            {"data": state["data"], "layout": state["layout"], "state": label(state) or name}
            for state, name in states
        ]

    def _words(self) -> str:
        return (f"Try: {self.task}\n" if self.task else "") + f"What it shows: {self.says}"

    def _caption(self) -> str:
        lines = [("Try:", self.task)] if self.task else []
        lines.append(("What it shows:", self.says))
        text = "".join(f'<p style="margin:4px 0"><b>{head}</b> {escape(body)}</p>' for head, body in lines)
        return f'<div style="max-width:60em;font-size:14px;line-height:1.45">{text}</div>'


def _tidy(name: str, plot: go.Figure) -> go.Figure:
    """Return a copy in the course's look: its template, no fixed width, a fixed height, a short layout."""
    if not isinstance(plot, go.Figure):
        raise bad_type(name, "a plotly.graph_objects.Figure", plot)
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
