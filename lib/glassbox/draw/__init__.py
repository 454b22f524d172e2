"""Figures: rows in, figure out, with the finding in words beside it.

Importing this package is cheap: plotly is loaded when the first name is used.
"""

from importlib import import_module

_HOME = {
    "Shown": "contract",
    "add_controls": "controls",
    "bar_traces": "series",
    "bars": "series",
    "choice": "controls",
    "distinct": "rows",
    "dots": "points",
    "expect_rows": "rows",
    "line_traces": "series",
    "lines": "series",
    "matrix": "heat",
    "matrix_trace": "heat",
    "panel": "base",
    "play": "controls",
    "roofline": "roofs",
    "rounded": "numbers",
    "side_by_side": "beside",
    "slider": "controls",
    "steps": "moving",
    "table": "tables",
    "theme": "",
    "timeline": "spans",
    "trajectory": "plane",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"glassbox.draw has no {name!r}; it has {', '.join(_HOME)}")
    if not _HOME[name]:
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
