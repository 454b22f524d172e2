"""Who is busy when: spans on lanes."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.draw import theme
from glassbox.draw.base import panel
from glassbox.draw.numbers import rounded
from glassbox.draw.rows import distinct, expect_rows, groups


def timeline(
    rows: Sequence[dict],
    lane: str,
    start: str,
    length: str,
    series: str | None = None,
    *,
    label: str | None = None,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
    title: str = "",
    x_title: str,
    y_title: str,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Return a Gantt chart: one span per row, on its `lane`, from `start` for `length`; `series` colours it.

    `label` is a column whose text stands inside the span. The first lane is drawn at the top.
    """
    expect_rows(rows, lane=lane, start=start, length=length, series=series, label=label)
    parts = groups(rows, series, order)
    traces = [
        _spans(str(name), parts[name], lane, start, length, label, style)
        for name, style in theme.styles(parts, colors).items()
    ]
    figure = panel(traces, title=title, x_title=x_title, y_title=y_title, height=height)
    figure.update_layout(barmode="overlay", bargap=0.25)
    return figure.update_yaxes(theme.names_axis(distinct(rows, lane)), showgrid=False)


def _spans(
    name: str, rows, lane: str, start: str, length: str, label: str | None, style: theme.Style
) -> go.Bar:
    return go.Bar(
        name=name,
        orientation="h",
        y=[str(row[lane]) for row in rows],
        base=rounded([row[start] for row in rows], 6),
        x=rounded([row[length] for row in rows], 6),
        text=None if label is None else [str(row[label]) for row in rows],
        textposition="inside",
        insidetextanchor="middle",
        marker={
            "color": style.color,
            "pattern": theme.hatch(style),
            "line": {"color": theme.PAPER, "width": 1},
        },
        showlegend=bool(name),
    )
