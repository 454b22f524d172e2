"""Paths in a plane, over the height lines of a function."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.arguments import bad_value
from glassbox.draw import theme
from glassbox.draw.base import panel
from glassbox.draw.numbers import rounded
from glassbox.draw.rows import expect_rows, groups


def trajectory(
    rows: Sequence[dict],
    x: str,
    y: str,
    series: str | None = None,
    *,
    surface: tuple[Sequence, Sequence, Sequence] | None = None,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
    title: str = "",
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    square: bool = False,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Return one path per value of `series`, in the order of the rows; its end carries the largest mark.

    `surface` is (xs, ys, values) with values[row][column] at ys[row], xs[column]: a loss, drawn as height
    lines. `square` makes one unit equally long on both axes.
    """
    expect_rows(rows, x=x, y=y, series=series)
    parts = groups(rows, series, order)
    traces = [] if surface is None else [_height_lines(*surface)]
    traces += [
        _path(str(name), parts[name], x, y, style) for name, style in theme.styles(parts, colors).items()
    ]
    figure = panel(
        traces, title=title, x_title=x_title, y_title=y_title, log_x=log_x, log_y=log_y, height=height
    )
    if surface is not None:
        figure.update_xaxes(range=_ends(surface[0])).update_yaxes(range=_ends(surface[1]))
    if square:
        figure.update_xaxes(constrain="domain").update_yaxes(constrain="domain", scaleanchor="x")
    return figure


def _ends(values: Sequence) -> list[float]:
    return rounded([float(min(values)), float(max(values))])


def _height_lines(xs: Sequence, ys: Sequence, values: Sequence) -> go.Contour:
    xs, ys, values = rounded(xs), rounded(ys), rounded(values)
    if len(values) != len(ys) or any(len(row) != len(xs) for row in values):
        shape = [len(values), sorted({len(row) for row in values})]
        raise bad_value("surface", f"values of {len(ys)} rows and {len(xs)} columns", shape)
    return go.Contour(
        x=xs,
        y=ys,
        z=values,
        colorscale=((0, "#FFFFFF"), (1, "#C4C4C4")),
        contours={"coloring": "fill"},
        line={"width": 0.6, "color": "#8A8A8A"},
        showscale=False,
        hoverinfo="skip",
    )


def _path(name: str, rows, x: str, y: str, style: theme.Style) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=rounded([row[x] for row in rows], 4),
        y=rounded([row[y] for row in rows], 4),
        mode="lines+markers",
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"symbol": style.symbol, "size": [6] * (len(rows) - 1) + [14], "opacity": 1},
        showlegend=bool(name),
    )
