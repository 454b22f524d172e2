"""Curves and bars from rows."""

from collections.abc import Sequence
from statistics import fmean

import plotly.graph_objects as go

from glassbox.draw import theme
from glassbox.draw.base import panel
from glassbox.draw.numbers import rounded
from glassbox.draw.rows import distinct, expect_rows, groups


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

    Rows that share series and x (seeds) become their mean, with a band from the smallest to the largest.
    `guides` are reference curves, drawn thin and named where they end: {"1/sqrt(N)": (xs, ys)}.
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
    """Return (x, smallest, mean, largest) for each x."""
    at = {place: [row[y] for row in rows if row[x] == place] for place in distinct(rows, x)}
    return [(place, min(ys), fmean(ys), max(ys)) for place, ys in at.items()]


def _curve(name: str, points, style: theme.Style) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=rounded([point[0] for point in points], 6),
        y=rounded([point[2] for point in points]),
        mode="lines+markers" if len(points) <= 30 else "lines",
        line={"color": style.color, "dash": style.dash, "width": 2.5},
        marker={"symbol": style.symbol, "size": 8},
        showlegend=bool(name),
        legendgroup=name,
    )


def _band(name: str, points, style: theme.Style) -> go.Scatter:
    there, back = points, points[::-1]
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
        mode="lines+text",
        text=[""] * (len(xs) - 1) + [name],
        textposition="top left",
        line={"color": theme.INK, "dash": "dot", "width": 1.2},
        hoverinfo="skip",
        showlegend=False,
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

    The first row is drawn at the top.
    """
    traces = bar_traces(rows, x, y, series, order=order, colors=colors)
    figure = panel(traces, title=title, x_title=x_title, y_title=y_title, log_x=log_x, height=height)
    figure.update_layout(barmode="group", bargap=0.2)
    return figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=_names(rows, y), autorange="reversed"
    )


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
    lengths = rounded([row[x] for row in rows])
    return go.Bar(
        name=name,
        orientation="h",
        x=lengths,
        y=[str(row[y]) for row in rows],
        marker={"color": style.color, "pattern": {"shape": style.pattern, "fgcolor": theme.PAPER, "size": 6}},
        text=[str(length) for length in lengths] if len(rows) <= 16 else None,
        textposition="outside",
        cliponaxis=False,
        showlegend=bool(name),
    )


def _names(rows, column: str) -> list[str]:
    return [str(value) for value in distinct(rows, column)]
