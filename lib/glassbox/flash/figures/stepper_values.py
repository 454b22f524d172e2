"""The numbers of the stepper: the running result in words, bytes as bars, error curves."""

from collections.abc import Sequence
from math import isnan

import plotly.graph_objects as go

from glassbox.draw import line_traces, rounded, theme
from glassbox.flash.figures.stepper_tiles import quiet

EXACT, BROKEN = 1e-5, 10.0  # errors below are float32's rounding; where NaN is drawn
SO_FAR, FINAL = "against attention over the keys so far", "against the final answer"
BARS = ("naive, in all", "tiled, so far", "on chip, now")


def words(row: dict) -> list[str]:
    """Return the running result of the followed query, line by line, and the errors of its block."""
    first, end = row["queries"]
    return [
        f"<b>queries {first}–{end - 1}, keys {row['keys'][0]}–{row['keys'][1] - 1}</b>",
        f"query {row['query']} of this block:",
        *brief(row),
        f"error for the keys so far: {size(row['error_so_far'])}",
        f"against the final answer: {size(row['error_final'])}",
    ]


def brief(row: dict) -> list[str]:
    """Return m, the factor, l and the output of the followed query."""
    before = f"{number(row['m_before'])} → " if row["moved"] else ""
    return [
        f"m = {before}{number(row['m'])}",
        factor(row),
        f"l = {number(row['l'])}",
        f"o / l = {', '.join(map(number, row['o']))}, …",
    ]


def factor(row: dict) -> str:
    """Return the rescale factor in words, marked where the maximum moved."""
    if row["moved"]:
        color = theme.ROLES["gradient"]
        return f"<b><span style='color:{color}'>due: exp(m − m′) = {row['keep']:.3f}</span></b>"
    return "first keys: nothing to rescale" if row["keep"] == 0 else "maximum unmoved: factor 1"


def number(value: float) -> str:
    """Return a number of three digits, or NaN."""
    return "NaN" if isnan(value) else f"{value:.3g}".replace("-", "−")


def size(error: float) -> str:
    """Return an error in words."""
    return "NaN" if isnan(error) else "below 1e-5" if error < EXACT else f"{error:.2g}"


# ---- bars: what went through slow memory, what lies on chip


def bars(row: dict) -> go.Bar:
    """Return the bytes as shares: of what naive attention moves, and of the memory on chip."""
    return go.Bar(
        orientation="h",
        y=list(BARS),
        marker={"color": [theme.ROLES["residual"], theme.SERIES[0], theme.SERIES[2]]},
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
        **shares(row),
    )


def shares(row: dict) -> dict:
    """Return the lengths of the bars and the words at their ends."""
    tiled, held = row["bytes"] / row["naive_bytes"], row["held"] / row["chip"]
    fits = "fits" if held <= 1 else "<b>does not fit</b>"
    return {
        "x": rounded([100.0, 100 * tiled, 100 * held]),
        "text": [
            f"{row['naive_bytes']:,} B",
            f"{row['bytes']:,} B",
            f"{row['held'] / 1024:.1f} of {row['chip'] / 1024:g} KiB: {fits}",
        ],
    }


# ---- error curves


def drawn_error(error: float) -> float:
    """Return where an error stands on the axis."""
    return BROKEN if isnan(error) else rounded(min(max(error, EXACT), BROKEN))


def errors(rows: Sequence[dict]) -> list[go.Scatter]:
    """Return both errors against the steps; between two blocks of queries the curves have a gap."""
    points = [
        {"step": step, "error": error, "series": name}
        for name, column in ((SO_FAR, "error_so_far"), (FINAL, "error_final"))
        for step, error in _curve(rows, column)
    ]
    traces = line_traces(points, "step", "error", "series", order=[SO_FAR, FINAL])
    return [trace.update(marker_size=6, showlegend=False) for trace in traces]


def _curve(rows: Sequence[dict], column: str) -> list[tuple]:
    points, before = [], rows[0]["queries"]
    for row in rows:
        if row["queries"] != before:
            points.append((row["step"] - 0.5, None))
        points.append((row["step"], drawn_error(row[column])))
        before = row["queries"]
    return points


def here(row: dict) -> go.Scatter:
    """Return a ring around both errors of the step shown."""
    return go.Scatter(
        mode="markers",
        marker={"symbol": "circle-open", "size": 15, "color": theme.INK, "line": {"width": 2}},
        **quiet(),
        **spot(row),
    )


def spot(row: dict) -> dict:
    """Return where a row stands on its error curves."""
    return {
        "x": [row["step"]] * 2,
        "y": [drawn_error(row["error_so_far"]), drawn_error(row["error_final"])],
    }
