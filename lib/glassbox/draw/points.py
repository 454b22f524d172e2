"""One point per run, so that no run hides in a mean."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.draw import theme
from glassbox.draw.base import panel
from glassbox.draw.numbers import rounded
from glassbox.draw.rows import distinct, expect_rows, groups

APART = 0.16  # between the series of one place, in places


def dots(
    rows: Sequence[dict],
    x: str,
    y: str,
    series: str,
    *,
    order: Sequence | None = None,
    colors: dict[str, str] | None = None,
    title: str = "",
    x_title: str,
    y_title: str,
    height: int = theme.HEIGHT,
    digits: int = 3,
) -> go.Figure:
    """Return one point per row: its `y` over the word in `x`, one colour and sign per value of `series`.

    Rows that share place and series (seeds) stand one above the other. A comma breaks a word of `x`.
    `y` is drawn to so many `digits`.
    """
    expect_rows(rows, x=x, y=y, series=series)
    places, parts = distinct(rows, x), groups(rows, series, order)
    styles = theme.styles(parts, colors)
    shift = {name: (place - (len(parts) - 1) / 2) * APART for place, name in enumerate(parts)}
    traces = [
        go.Scatter(
            x=rounded([places.index(row[x]) + shift[name] for row in part]),
            y=rounded([row[y] for row in part], digits),
            mode="markers",
            name=str(name),
            marker={"size": 10, "symbol": styles[name].symbol, "color": styles[name].color},
        )
        for name, part in parts.items()
    ]
    figure = panel(traces, title=title, x_title=x_title, y_title=y_title, height=height)
    figure.update_xaxes(
        tickvals=list(range(len(places))),
        ticktext=[str(place).replace(", ", "<br>") for place in places],
        tickangle=0,
        range=[-0.6, len(places) - 0.4],
    )
    above = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    return figure.update_layout(legend=above, margin_t=68 if title else 44)
