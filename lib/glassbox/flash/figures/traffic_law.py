"""Bytes through slow memory against the length, the head size and the memory on chip, on log axes."""

from collections.abc import Sequence
from math import log10

import plotly.graph_objects as go

from glassbox import draw
from glassbox.draw.rows import distinct, expect_rows, groups
from glassbox.measured import loglog_slope

TITLES = {"n": "length n (tokens)", "d": "head size d (numbers)", "chip_bytes": "memory on chip (KiB)"}
COLORS = {"naive": draw.theme.ROLES["residual"]}
ROOM = 0.34  # of a panel's width, for the slopes at the ends of the curves


def traffic_law(rows: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return the bytes of one head along each size that varies, all axes log; each curve ends in its slope.

    `rows` are those of `experiments.traffic_law`: "varies" (one panel for each value), "form", "n", "d",
    "chip_bytes" and "bytes". In a panel a form has one curve for each on-chip memory. The slope is fitted
    over all points of a curve: the power of the law.
    Raises: ValueError for missing columns, fewer than two panels or more than three.
    """
    columns = ("varies", "form", "n", "d", "chip_bytes", "bytes")
    expect_rows(rows, **{name: name for name in columns})
    named = [row | {"curve": _named(row, rows)} for row in rows]
    panels = [_panel(varies, own) for varies, own in groups(named, "varies").items()]
    figure = draw.side_by_side(*panels)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.09, "yanchor": "bottom"}, margin_t=84, height=450
    )
    return draw.Shown(figure, says=says, task=task)


def _named(row: dict, rows: Sequence[dict]) -> str:
    """Return the form, with its memory on chip where a panel shows it at several."""
    if row["varies"] == "chip_bytes":
        return row["form"]
    same = [one for one in rows if (one["varies"], one["form"]) == (row["varies"], row["form"])]
    usual = next((one["chip_bytes"] for one in rows if one["varies"] == row["varies"]), None)
    several = len(distinct(same, "chip_bytes")) > 1 and row["chip_bytes"] != usual
    return f"{row['form']}, {row['chip_bytes'] / 1024:g} KiB" if several else row["form"]


def _panel(varies: str, rows: Sequence[dict]) -> go.Figure:
    title = _fixed(varies, rows[0])
    if varies == "chip_bytes":
        rows = [row | {varies: row[varies] / 1024} for row in rows]
    rows = [row | {"megabytes": row["bytes"] / 1e6} for row in rows]
    order = distinct(rows, "curve")
    figure = draw.lines(
        rows, varies, "megabytes", "curve", order=order, colors=COLORS,
        title=title, x_title=TITLES[varies], y_title="HBM traffic (MB)", log_x=True, log_y=True,
    )  # fmt: skip
    places = sorted(distinct(rows, varies))
    for name, trace in zip(order, figure.data, strict=True):
        slope = loglog_slope([row for row in rows if row["curve"] == name], "bytes", varies)
        trace.update(
            text=[""] * (len(trace.x) - 1) + [f"slope {slope:.2f}".replace("-", "−")],
            mode="lines+markers+text",
            textposition="middle right",
            textfont={"color": trace.line.color, "size": 12},
        )
        trace.marker.maxdisplayed = 0
    words = [f"{place:,.0f}" for place in places]
    return figure.update_xaxes(tickvals=places, ticktext=words, range=_range(places), tickangle=0)


def _fixed(varies: str, row: dict) -> str:
    """Return the two sizes that a panel keeps."""
    words = {
        "n": f"n = {row['n']:,}", "d": f"d = {row['d']}",
        "chip_bytes": f"{row['chip_bytes'] / 1024:g} KiB on chip",
    }  # fmt: skip
    return ", ".join(text for name, text in words.items() if name != varies)


def _range(places: Sequence[float]) -> list[float]:
    """Return the ends of a log axis, with room for words on the right."""
    low, high = log10(places[0]), log10(places[-1])
    wide = (high - low) / (1 - ROOM)
    return draw.rounded([low - 0.05 * wide, low + wide], 4)
