"""Matrices as heat maps."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.arguments import bad_value
from glassbox.draw import theme
from glassbox.draw.base import AXIS, panel
from glassbox.draw.numbers import rounded

CELLS_WITH_NUMBERS = 64
CELLS_WITH_BORDERS = 1024
MOST_LETTERS_ABREAST = 40
MOST_TICKS = 32


def matrix(
    values,
    *,
    row_labels: Sequence | None = None,
    column_labels: Sequence | None = None,
    diverging: bool = False,
    limits: tuple[float, float] | None = None,
    title: str = "",
    x_title: str,
    y_title: str,
    value_title: str = "",
    square: bool = True,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Return a heat map with row 0 at the top; up to 64 cells carry their number.

    Convention: `diverging` puts white at 0 and takes limits symmetric about 0; otherwise white is the lower
    limit. A cell that is None or not finite stays empty. Labels may repeat.
    """
    trace = matrix_trace(values, diverging=diverging, limits=limits, value_title=value_title)
    figure = panel([trace], title=title, x_title=x_title, y_title=y_title, height=height)
    across = _ticks("column_labels", column_labels, len(trace.z[0]))
    down = _ticks("row_labels", row_labels, len(trace.z))
    figure.update_xaxes(across, showgrid=False, constrain="domain")
    figure.update_yaxes(down, showgrid=False, constrain="domain", constraintoward="top", autorange="reversed")
    _make_room(figure, across.get("ticktext", []))
    return figure.update_yaxes(scaleanchor="x") if square else figure


def matrix_trace(
    values,
    *,
    diverging: bool = False,
    limits: tuple[float, float] | None = None,
    value_title: str = "",
) -> go.Heatmap:
    """Return the trace of `matrix`, to be put into a panel of your own."""
    table = _table(values)
    cells = len(table) * len(table[0])
    low, high = rounded(limits or _limits(table, diverging))
    return go.Heatmap(
        z=table,
        zmin=low,
        zmax=high,
        colorscale=theme.DIVERGING if diverging else theme.SEQUENTIAL,
        xgap=1 if cells <= CELLS_WITH_BORDERS else 0,
        ygap=1 if cells <= CELLS_WITH_BORDERS else 0,
        texttemplate="%{z}" if cells <= CELLS_WITH_NUMBERS else None,
        hoverongaps=False,
        colorbar={"title": {"text": value_title, "side": "right"}, "thickness": 14},
    )


def _table(values) -> list[list]:
    table = rounded(values)
    if not isinstance(table, list) or not table or not all(isinstance(row, list) and row for row in table):
        raise bad_value("values", "a matrix with at least one row and one column", values)
    if len({len(row) for row in table}) > 1:
        raise bad_value("values", "rows of one length", [len(row) for row in table])
    return table


def _limits(table, diverging: bool) -> tuple[float, float]:
    numbers = [cell for row in table for cell in row if cell is not None] or [0.0]
    if diverging:
        bound = max(map(abs, numbers)) or 1.0
        return -bound, bound
    low, high = min(numbers), max(numbers)
    return low, high if high > low else low + 1


def _ticks(argument: str, labels: Sequence | None, count: int) -> dict:
    """Return plotly's ticks: the labels, else the number of each cell, as many as there is room for."""
    if labels is None:
        return {"dtick": 1} if count <= MOST_TICKS // 2 else {}
    if len(labels) != count:
        raise bad_value(argument, f"{count} labels, one per cell", list(labels))
    shown = range(0, count, -(-count // MOST_TICKS))
    return {"tickvals": list(shown), "ticktext": [str(labels[place]) for place in shown]}


def _make_room(figure: go.Figure, labels: Sequence[str]) -> None:
    """Stand long column labels upright, with room for them: plotly would turn them over the controls."""
    longest = max(map(len, labels), default=0)
    if longest * len(labels) > MOST_LETTERS_ABREAST:
        figure.update_xaxes(tickangle=-90).update_layout(margin_b=AXIS + 8 * longest)
