"""The still picture of the cache calculator: wirings one below the other, their ribbons on one scale."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.attention.figures import cache_parts as parts
from glassbox.draw.rows import distinct

MOST = 4
ROW, GAP = 144, 0.07  # pixels of one wiring; the space between two, as a share of the height
LEFT, RIGHT = [0, 0.43], [0.56, 1]


def one_of_each(rows: Sequence[dict], shown: str) -> list[str]:
    """Return a wiring of each kind: the one shown where it is of that kind, else the first."""
    named = {row["wiring"]: row["kind"] for row in rows}
    firsts = {kind: next(name for name in named if named[name] == kind) for kind in distinct(rows, "kind")}
    return list((firsts | {named[shown]: shown}).values())[:MOST]


def still(rows: Sequence[dict]) -> go.Figure:
    """Return a row of the picture for each row given: its heads, its ribbon, what the batch needs."""
    figure = go.Figure()
    for place, row in enumerate(rows):
        for trace in (parts.queries(row), *parts.heads(row)):
            figure.add_trace(trace.update(xaxis=_axis("x", 2 * place), yaxis=_axis("y", 2 * place)))
        for trace in (parts.widest(rows[0]), parts.ribbon(row, parts.headroom(rows[0])[1])):
            figure.add_trace(trace.update(xaxis=_axis("x", 2 * place + 1), yaxis=_axis("y", 2 * place + 1)))
        figure.update_layout(_axes(place, rows))
        figure.add_annotation(_words(place, row, len(rows)))
    figure.update_layout(height=ROW * len(rows) + 90, margin={"l": 20, "r": 20, "t": 34, "b": 58})
    return figure


def _axis(letter: str, number: int) -> str:
    return letter if number == 0 else f"{letter}{number + 1}"


def _height(place: int, count: int) -> list[float]:
    high = (1 - GAP * (count - 1)) / count
    low = (count - 1 - place) * (high + GAP)
    return draw.rounded([low, low + high], 4)


def _axes(place: int, rows: Sequence[dict]) -> dict:
    """Return the two panels of one row; the scales of all ribbons are the same."""
    first, last = rows[0], place == len(rows) - 1
    heads, ribbon = 2 * place, 2 * place + 1
    high = _height(place, len(rows))
    along = (
        {"title": {"text": "context (tokens)", "standoff": 8}}
        if last
        else {"matches": _axis("x", 2 * len(rows) - 1)}
    )
    return {
        _name("x", heads): {"domain": LEFT, "visible": False, "range": [-0.5, first["heads"] + 0.5]},
        _name("y", heads): {"domain": high, "visible": False, "range": [-0.85, 1.15]},
        _name("x", ribbon): {
            "domain": RIGHT,
            "anchor": _axis("y", ribbon),
            "range": [0, first["context"]],
            "showticklabels": last,
            **along,
        },
        _name("y", ribbon): {
            "domain": high,
            "anchor": _axis("x", ribbon),
            "range": [0, parts.headroom(first)[0]],
            "title": {"text": "width (kB)", "standoff": 8},
            "nticks": 4,
        },
    }


def _name(letter: str, number: int) -> str:
    return f"{letter}axis{_axis(letter, number)[1:]}"


def _words(place: int, row: dict, count: int) -> dict:
    needs, memory = parts.short(row["bytes"] / 1e9), parts.short(row["memory"] / 1e9)
    fits = "fits" if row["fits"] else "does not fit"
    batch = f"batch {row['batch']} needs {needs} GB and {fits} in {memory} GB"
    words = f"<b>{row['wiring']}</b>: {batch}; largest batch {row['largest_batch']:,}"
    top = _height(place, count)[1]
    return {
        "text": words, "x": 0, "xref": "paper", "xanchor": "left", "y": top, "yref": "paper",
        "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip
