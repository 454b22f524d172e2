"""Softmax of a stream: the largest score and the sum of weights as the scores arrive."""

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import bad_value
from glassbox.draw.rows import expect_rows, groups

MOST = 2
NUMBERED = 8  # scores of a stream that carry their numbers
READ = "scores read (number)"
MOVED = draw.theme.ROLES["gradient"]


def running_softmax(rows: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return one or two streams, side by side: above the scores and m, below l.

    `rows` are those of `experiments.stream_rows`, with a column "stream" that names each. Where the maximum
    moves, l has an orange drop from what was summed to what is kept of it.
    Raises: ValueError for missing columns, or more than two streams.
    """
    columns = ("stream", "index", "score", "m", "l", "keep", "moved")
    expect_rows(rows, **{name: name for name in columns})
    streams = groups(rows, "stream")
    if len(streams) > MOST:
        raise bad_value("rows", f"at most {MOST} streams", list(streams))
    figure = go.Figure(layout_template=draw.theme.TEMPLATE)
    for place, (name, own) in enumerate(streams.items()):
        _add(figure, name, own, place, len(streams))
    figure.update_layout(
        height=520,
        margin={"l": 80, "r": 20, "t": 70, "b": 58},
        legend={"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom"},
    )
    return draw.Shown(figure, says=says, task=task)


def _add(figure: go.Figure, name: str, rows: Sequence[dict], place: int, count: int) -> None:
    wide = 1 if count == 1 else 0.44
    across = [0, wide] if place == 0 else [1 - wide, 1]
    upper, lower = 2 * place + 1, 2 * place + 2
    for number, traces in ((upper, _scores(rows)), (lower, _sums(rows))):
        axis = "" if number == 1 else str(number)
        for trace in traces:
            shown = place == 0 and bool(trace.name)
            figure.add_trace(trace.update(xaxis=f"x{axis}", yaxis=f"y{axis}", showlegend=shown))
    last = rows[-1]["index"]
    figure.update_layout(
        _axes(upper, across, [0.56, 1], "score, m (nats)", last)
        | _axes(lower, across, [0, 0.44], "l (no unit)", last)
    )
    figure.add_annotation(
        text=f"<b>{name}</b>", x=across[0], xref="paper", xanchor="left", y=1, yref="paper",
        yanchor="bottom", showarrow=False,
    )  # fmt: skip


def _axes(number: int, across: list, high: list, title: str, last: int) -> dict:
    """Return the axes of one panel; the upper one repeats the numbers of the lower."""
    suffix, margin = "" if number == 1 else str(number), max(0.3, 0.02 * last)
    ticks = {"dtick": 1} if last <= NUMBERED else {}
    upper = number % 2 == 1
    along = {"matches": f"x{number + 1}", "showticklabels": False} if upper else {"title": _title(READ)}
    return {
        f"xaxis{suffix}": {
            "domain": across, "anchor": f"y{suffix}", **along, **ticks,
            "range": draw.rounded([1 - margin, last + margin]),
        },
        f"yaxis{suffix}": {
            "domain": high, "anchor": f"x{suffix}", "title": _title(title),
            "rangemode": "normal" if upper else "tozero",
        },
    }  # fmt: skip


def _title(words: str) -> dict:
    return {"text": words, "standoff": 8}


def _scores(rows: Sequence[dict]) -> list[go.Scatter]:
    """Return the scores as dots, and the largest so far as a step line."""
    index = [row["index"] for row in rows]
    return [
        go.Scatter(
            x=index, y=draw.rounded([row["score"] for row in rows]), mode="markers", name="score",
            marker={"color": draw.theme.ROLES["residual"], "size": 7},
        ),
        go.Scatter(
            x=index, y=draw.rounded([row["m"] for row in rows]), mode="lines", name="m, the largest so far",
            line={"color": draw.theme.SERIES[0], "width": 2.5, "shape": "hv"},
        ),
    ]  # fmt: skip


def _sums(rows: Sequence[dict]) -> list[go.Scatter]:
    """Return l, and a drop where the maximum moved: from the old sum to what is kept of it."""
    few = len(rows) <= NUMBERED
    return [
        _drops([(a, b) for a, b in pairwise(rows) if b["moved"]], few),
        go.Scatter(
            x=[row["index"] for row in rows], y=draw.rounded([row["l"] for row in rows]),
            mode="lines+markers+text" if few else "lines", name="l, the sum so far",
            text=[f"{row['l']:.3f}" for row in rows] if few else None, textposition="top center",
            line={"color": draw.theme.SERIES[2], "width": 2.5}, cliponaxis=False,
        ),
    ]  # fmt: skip


def _drops(moves: Sequence[tuple[dict, dict]], named: bool) -> go.Scatter:
    """Return a line down for each move, its factor below it where there is room."""
    points = [
        point
        for old, new in moves
        for point in (
            (new["index"], old["l"], ""),
            (new["index"], old["l"] * new["keep"], f"× {new['keep']:.2f}"),
            (None, None, ""),
        )
    ]
    return go.Scatter(
        x=[x for x, _, _ in points] or [None], y=draw.rounded([y for _, y, _ in points]) or [None],
        text=[text for *_, text in points] if named else None, mode="lines+text" if named else "lines",
        name="old sum × exp(m − m′)",
        textposition="bottom center", textfont={"color": MOVED, "size": 12},
        line={"color": MOVED, "width": 4}, cliponaxis=False,
    )  # fmt: skip
