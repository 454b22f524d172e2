"""Curves and bars from rows."""

from collections.abc import Sequence
from statistics import fmean

import plotly.graph_objects as go

from glassbox.draw import theme
from glassbox.draw.base import panel
from glassbox.draw.numbers import rounded
from glassbox.draw.rows import distinct, expect_rows, groups

MOST_NUMBERED_BARS = 16


def lines(
    rows: Sequence[dict],
    x: str,
    y: str,
    series: str | None = None,
    *,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
    guides: dict[str, tuple[Sequence, Sequence]] | None = None,
    title: str = "",
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Return one curve per value of the column `series`.

    Rows that share series and x (seeds) become their mean, with a band from the smallest to the largest;
    where one of them is None or not finite, the curve has a gap. Numbers on x are sorted.
    `guides` are reference curves, drawn thin and dotted: {"1/sqrt(N)": (xs, ys)}.
    """
    traces = line_traces(rows, x, y, series, order=order, colors=colors)
    traces += [_guide(name, *points) for name, points in (guides or {}).items()]
    return panel(
        traces, title=title, x_title=x_title, y_title=y_title, log_x=log_x, log_y=log_y, height=height
    )


def line_traces(
    rows: Sequence[dict],
    x: str,
    y: str,
    series: str | None = None,
    *,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
) -> list[go.Scatter]:
    """Return the traces of `lines`, to be put into a panel of your own."""
    expect_rows(rows, x=x, y=y, series=series)
    parts = groups(rows, series, order)
    points = {name: _spread(part, x, y) for name, part in parts.items()}
    banded = any(low != high for part in points.values() for _, low, _, high in part)
    traces = []
    for name, style in theme.styles(parts, colors).items():
        if banded:
            traces.append(_band(str(name), points[name], style))
        traces.append(_curve(str(name), points[name], style))
    return traces


def _spread(rows, x, y) -> list[tuple]:
    """Return (x, smallest, mean, largest) for each x; None for all three where a value is not finite."""
    places = distinct(rows, x)
    if all(isinstance(place, (int, float)) for place in places):
        places = sorted(places)
    return [(place, *_middle(rounded([row[y] for row in rows if row[x] == place], 12))) for place in places]


def _middle(values: list) -> tuple:
    if None in values:
        return None, None, None
    low, high = min(values), max(values)
    return low, low if low == high else fmean(values), high


def _curve(name: str, points, style: theme.Style) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=rounded([point[0] for point in points], 6),
        y=rounded([point[2] for point in points]),
        mode="lines+markers",
        line={"color": style.color, "dash": style.dash, "width": 2.5},
        marker={"symbol": style.symbol, "size": 8, "maxdisplayed": 12},
        showlegend=bool(name),
        legendgroup=name,
    )


def _band(name: str, points, style: theme.Style) -> go.Scatter:
    there = [point for point in points if point[1] is not None]
    back = there[::-1]
    return go.Scatter(
        name=name,
        x=rounded([point[0] for point in [*there, *back]], 6),
        y=rounded([point[1] for point in there] + [point[3] for point in back]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=theme.faded(style.color, 0.18),
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )


def _guide(name: str, xs: Sequence, ys: Sequence) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=rounded(xs, 6),
        y=rounded(ys),
        mode="lines",
        line={"color": theme.INK, "dash": "dot", "width": 1.2},
        hoverinfo="skip",
    )


def bars(
    rows: Sequence[dict],
    x: str,
    y: str,
    series: str | None = None,
    *,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
    title: str = "",
    x_title: str,
    y_title: str,
    log_x: bool = False,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Return horizontal bars of length `x`, one per value of the column `y`, grouped by `series`.

    The first row is drawn at the top. Rows that share `y` and series (seeds) become their mean, with a
    whisker from the smallest to the largest.
    """
    traces = bar_traces(rows, x, y, series, order=order, colors=colors)
    figure = panel(traces, title=title, x_title=x_title, y_title=y_title, log_x=log_x, height=height)
    figure.update_layout(barmode="group", bargap=0.2)
    if (room := _room_for_numbers(traces)) and not log_x:
        figure.update_xaxes(autorangeoptions={"include": room})
    return figure.update_yaxes(theme.names_axis(distinct(rows, y)))


def bar_traces(
    rows: Sequence[dict],
    x: str,
    y: str,
    series: str | None = None,
    *,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
) -> list[go.Bar]:
    """Return the traces of `bars`, to be put into a panel of your own."""
    expect_rows(rows, x=x, y=y, series=series)
    parts = groups(rows, series, order)
    return [_bar(str(name), parts[name], x, y, style) for name, style in theme.styles(parts, colors).items()]


def _bar(name: str, rows, x: str, y: str, style: theme.Style) -> go.Bar:
    points = _spread(rows, y, x)
    lengths = rounded([mean for _, _, mean, _ in points])
    whiskers = any(low != high for _, low, _, high in points)
    return go.Bar(
        name=name,
        orientation="h",
        x=lengths,
        y=[str(place) for place, *_ in points],
        error_x=_whiskers(points) if whiskers else None,
        marker={"color": style.color, "pattern": theme.hatch(style)},
        text=None if whiskers or len(points) > MOST_NUMBERED_BARS else _numbers(lengths),
        textposition="outside",
        cliponaxis=False,
        showlegend=bool(name),
    )


def _room_for_numbers(traces: list[go.Bar]) -> float | None:
    """Return a length that leaves room for the number at the end of the longest bar, None without numbers."""
    lengths = [length for trace in traces if trace.text for length in trace.x if length is not None]
    return rounded(1.12 * max(lengths)) if lengths and max(lengths) > 0 else None


def _numbers(lengths: list) -> list[str]:
    return ["" if length is None else f"{length:,g}" for length in lengths]


def _whiskers(points) -> dict:
    above = rounded([None if mean is None else high - mean for _, _, mean, high in points])
    below = rounded([None if mean is None else mean - low for _, low, mean, _ in points])
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
