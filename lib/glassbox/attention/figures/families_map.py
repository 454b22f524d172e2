"""The families of cheaper attention on one map: what each saves, and how far its output is off."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.draw.labels import Label, Sheet
from glassbox.draw.rows import distinct, expect_rows, groups

MAPPED = "multiply_adds", "error"
SIZE = 620, 360  # pixels for which the labels are placed
WIDER = 0.25  # powers of ten that an axis goes beyond the points
FAINT = 0.2
EVERY = "all families"


def families_map(rows: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return the map for rows of `experiments.families.families`: error against share of multiply-adds.

    One colour and sign per family, one line per method through its settings, named at one of its points.
    Rows without error (exact attention itself) are the dotted line at 1, where nothing is saved.
    """
    expect_rows(rows, **{name: name for name in ("family", "method", "setting", *MAPPED)})
    tried = [row | draw.rounded({name: row[name] for name in MAPPED}) for row in rows if row["error"] > 0]
    sheet = Sheet(_ends(tried, "multiply_adds"), _ends(tried, "error"), SIZE)
    labels = _labels(sheet, tried)
    parts = groups(tried, "family")
    styles = draw.theme.styles(parts)
    traces = [
        trace
        for name, part in parts.items()
        for trace in _family(
            name, part, styles[name], [labels[method] for method in distinct(part, "method")]
        )
    ]
    figure = draw.panel(
        [*traces, _exact(sheet)],
        x_title="multiply-adds (share of exact attention)",
        y_title="error of the output (share of its size)",
        log_x=True,
        log_y=True,
        height=SIZE[1] + 160,
    )
    figure.update_xaxes(range=draw.rounded(sheet.x, 4)).update_yaxes(range=draw.rounded(sheet.y, 4))
    figure = draw.add_controls(figure, _chooser(list(parts), len(traces)))
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"}, margin_b=120)
    return draw.Shown(figure, says=says, task=task)


def _ends(rows: Sequence[dict], column: str) -> tuple[float, float]:
    values = [math.log10(row[column]) for row in rows]
    return min(values) - WIDER, max(*values, 0.0) + WIDER


def _labels(sheet: Sheet, rows: Sequence[dict]) -> dict[str, Label]:
    """Return a place for the name of each method, beside the point of its first setting."""
    methods = groups(rows, "method")
    for part in methods.values():
        points = [(row["multiply_adds"], row["error"]) for row in part]
        for point in points:
            sheet.take_point(*point)
        sheet.take_line(points)
    sheet.take_line([(1, 10 ** sheet.y[0]), (1, 10 ** sheet.y[1])], faint=True)
    firsts = {method: part[0] for method, part in methods.items()}
    put = {method: sheet.put(method, row["multiply_adds"], row["error"]) for method, row in firsts.items()}
    return {
        method: label or Label(method, firsts[method]["multiply_adds"], firsts[method]["error"], "right")
        for method, label in put.items()
    }


def _family(name: str, rows: Sequence[dict], style: draw.theme.Style, labels: Sequence[Label]) -> list:
    """Return the points of a family, and the names of its methods."""
    points = [point for part in groups(rows, "method").values() for point in (*part, None)]
    leads = [
        corner for label in labels if label.lead for corner in (label.lead, (label.x, label.y), (None,) * 2)
    ]
    return [
        go.Scatter(
            x=draw.rounded([row and row["multiply_adds"] for row in points]),
            y=draw.rounded([row and row["error"] for row in points]),
            text=["" if row is None else f"{row['method']}, {row['setting']}" for row in points],
            hoverinfo="text",
            mode="lines+markers",
            name=name,
            line={"color": style.color, "width": 1},
            marker={"color": style.color, "symbol": style.symbol, "size": 9},
        ),
        go.Scatter(
            x=draw.rounded([x for x, _ in leads], 4),
            y=draw.rounded([y for _, y in leads], 4),
            mode="lines",
            line={"color": style.color, "width": 0.8},
            hoverinfo="skip",
            showlegend=False,
        ),
        go.Scatter(
            x=draw.rounded([label.x for label in labels], 4),
            y=draw.rounded([label.y for label in labels], 4),
            mode="text",
            text=[label.text for label in labels],
            textposition=[f"middle {label.side}" for label in labels],
            textfont={"color": style.color},
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        ),
    ]


def _exact(sheet: Sheet) -> go.Scatter:
    return go.Scatter(
        x=[1, 1],
        y=draw.rounded([10 ** sheet.y[0], 10 ** sheet.y[1]], 4),
        mode="lines",
        name="exact attention",
        line={"color": draw.theme.INK, "dash": "dot", "width": 1.2},
        hoverinfo="skip",
    )


def _chooser(families: list, count: int):
    """Return the list that lets one family stand out."""
    each = count // len(families)
    views = [[1.0] * count]
    views += [
        [1.0 if place // each == number else FAINT for place in range(count)]
        for number in range(len(families))
    ]
    args = [[{"opacity": view}, list(range(count))] for view in views]
    return draw.choice([EVERY, *families], args, prefix="show ")
