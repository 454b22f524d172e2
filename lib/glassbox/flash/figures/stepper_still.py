"""The still picture of the tile stepper: up to four steps side by side, below them bytes and errors."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.arguments import bad_value, expect_choice
from glassbox.draw import line_traces, rounded, theme
from glassbox.flash.figures import stepper_axes as axes
from glassbox.flash.figures import stepper_tiles as tiles
from glassbox.flash.figures import stepper_values as values

MOST, GAP = 4, 0.03
WIDE = (1 - GAP * (MOST - 1)) / MOST
GRIDS, WORDS, LOW = [0.61, 0.95], 0.6, [0, 0.25]
HEIGHT = 640
BYTES, ALIKE, CURVES = [0, 0.42], [0.02, 0.44], [0.58, 1]


def still(table: dict[str, Sequence[dict]], chosen: Sequence[tuple[str, int]]) -> go.Figure:
    """Return the steps `chosen`, pairs of a kernel and a number of tiles, and the curves of all kernels."""
    if not 1 <= len(chosen) <= MOST:
        raise bad_value("static", f"1 to {MOST} pairs of a kernel and a step", len(chosen))
    figure, most = go.Figure(), max(map(len, table.values()))
    for place, (name, step) in enumerate(chosen):
        expect_choice("static", name, table)
        expect_choice("static", step, range(1, most + 1))
        _add(figure, table[name], step, place, len(table) > 1)
    _curves(figure, table, chosen, len(chosen) + 1, most)
    figure.update_layout(height=HEIGHT, margin={"l": 80, "r": 20, "t": 10, "b": 58})
    return figure


def _curves(figure: go.Figure, table: dict, chosen: Sequence[tuple], low: int, most: int) -> None:
    """Add the errors of the last kernel, and the bytes of all; where these are equal, errors of the first."""
    first, last = chosen[0][0], chosen[-1][0]
    same = len({tuple(row["bytes"] for row in rows) for rows in table.values()}) < len(table)
    _errors(figure, table[last], last, CURVES, low + 1, most)
    if same:
        _errors(figure, table[first], first, ALIKE, low, most)
        return
    for trace in _bytes(table):
        figure.add_trace(trace.update(xaxis=f"x{low}", yaxis=f"y{low}"))
    figure.update_layout(_byte_axes(low, most, table[first][0]))


def _errors(figure: go.Figure, rows: Sequence[dict], name: str, across: list, number: int, most: int) -> None:
    for trace in values.errors(rows):
        figure.add_trace(trace.update(xaxis=f"x{number}", yaxis=f"y{number}"))
    named = axes.legend(across, LOW)
    figure.add_annotation(named | {"text": f"<b>{name}</b>: error<br>{named['text']}"})
    figure.update_layout(axes.errors(number, across, LOW, most))


def _add(figure: go.Figure, rows: Sequence[dict], step: int, place: int, named: bool) -> None:
    number, row = place + 1, tiles.at(rows, step)
    where = {"xaxis": f"x{axes.suffix(number)}", "yaxis": f"y{axes.suffix(number)}"}
    for trace in (tiles.grid(rows, step), tiles.crosses(rows), *tiles.strips(rows, step).values()):
        figure.add_trace(trace.update(**where))
    left = rounded(place * (WIDE + GAP), 4)
    n = row["n"]
    figure.update_layout(axes.grid(n, number, [left, rounded(left + WIDE, 4)], GRIDS, titles=False))
    for letter in axes.letters(n, where["xaxis"], where["yaxis"]):
        figure.add_annotation(letter)
    title = f"<b>{row['kernel'] + ', ' if named else ''}tile {row['step']} of {len(rows)}</b>"
    figure.add_annotation(_text(title, left, 1.0, "top"))
    lines = [f"query {row['query']}:", *values.brief(row), f"moved so far: {row['bytes']:,} B"]
    errors = [
        f"error so far: {values.size(row['error_so_far'])}",
        f"error to final: {values.size(row['error_final'])}",
    ]
    figure.add_annotation(_text("<br>".join([*lines, *errors]), left, WORDS, "top", 12))


def _text(words: str, left: float, high: float, anchor: str, size: float = 13) -> dict:
    return {
        "text": words, "x": left, "y": high, "xref": "paper", "yref": "paper", "xanchor": "left",
        "yanchor": anchor, "align": "left", "showarrow": False, "font": {"size": size},
    }  # fmt: skip


def _bytes(table: dict) -> list[go.Scatter]:
    """Return the bytes so far of each kernel, and those of naive attention in all; named at their ends."""
    moved = [
        {"step": row["step"], "bytes": row["bytes"] / 1e3, "series": name}
        for name, rows in table.items()
        for row in rows
    ]
    row, most = next(iter(table.values()))[0], max(map(len, table.values()))
    naive = go.Scatter(
        x=[1, most], y=rounded([row["naive_bytes"] / 1e3] * 2), name="naive, in all",
        line={"color": theme.ROLES["residual"], "width": 3},
    )  # fmt: skip
    return [_named(trace) for trace in (*line_traces(moved, "step", "bytes", "series"), naive)]


def _named(trace: go.Scatter) -> go.Scatter:
    """Write the name of a curve over its last point, in place of a legend."""
    text = [""] * (len(trace.x) - 1) + [trace.name]
    trace.marker.maxdisplayed = 0
    return trace.update(
        text=text, mode="lines+text", textposition="middle right", showlegend=False, cliponaxis=False
    )


def _byte_axes(number: int, most: int, row: dict) -> dict:
    return {
        f"xaxis{number}": axes.axis("tiles computed (number)", BYTES, f"y{number}")
        | {"range": [0.5, rounded(1.35 * most)]},
        f"yaxis{number}": axes.axis("HBM traffic (kB)", LOW, f"x{number}")
        | {"range": [0, rounded(1.2 * row["naive_bytes"] / 1e3)]},
    }
