"""What a text costs in tokens: by its kind, the algorithm, and the size of the vocabulary."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import bad_value, expect_choice
from glassbox.draw.rows import distinct, expect_rows

MOST = 4  # states in the still picture
HOLLOW = "hollow: part of it became unknown tokens"
COLUMNS = "algorithm", "vocabulary", "text", "tokens", "bytes", "characters"


def fertility(
    rows: Sequence[dict], says: str, task: str = "", by: str = "algorithm", start: str | None = None
) -> draw.Shown:
    """Return tokens per character and bytes per token against the vocabulary, a curve for each kind of text.

    `rows` are those of `experiments.fertility`; a slider chooses the value of the column `by`, `start` the
    one shown first (default: the first). The axes are the same for all. A point is hollow where the column
    "unknown" counts tokens that stand for no text.
    Raises: ValueError for two rows of one point: choose those of one training text, or give it as `by`.
    """
    expect_rows(rows, by=by, **{name: name for name in COLUMNS})
    names = distinct(rows, by)
    expect_choice("start", start, [None, *names])
    states = {name: _state([row for row in rows if row[by] == name]) for name in names}
    figure = next(iter(states.values()))
    if len(names) > 1:
        figure = draw.steps(states, prefix=f"{by.replace('_', ' ')}: ", start=start)
    figure.update_xaxes(tickvals=sorted(distinct(rows, "vocabulary")))
    above = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"}
    figure.update_layout(legend=above, margin_t=48)
    if any(row.get("unknown") for row in rows):
        place = {"xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom", "yshift": 6}
        figure.add_annotation(text=HOLLOW, x=1, y=1, showarrow=False, **place)
    return draw.Shown(figure, says=says, task=task, static=tuple(names[:MOST]) if len(names) > 1 else ())


def _state(rows: Sequence[dict]) -> go.Figure:
    points = [(row["text"], row["vocabulary"]) for row in rows]
    if twice := next((point for point in points if points.count(point) > 1), None):
        raise bad_value("rows", "one row for each text and vocabulary of a state", twice)
    counted = [
        row | {"fertility": row["tokens"] / row["characters"], "worth": row["bytes"] / row["tokens"]}
        for row in rows
    ]
    left = _panel(counted, "fertility", "cost (tokens per character)")
    return draw.side_by_side(left, _panel(counted, "worth", "worth (bytes per token)"))


def _panel(rows: Sequence[dict], column: str, title: str) -> go.Figure:
    order = distinct(rows, "text")
    figure = draw.lines(
        rows, "vocabulary", column, "text", x_title="vocabulary (tokens)", y_title=title, log_x=True
    )
    for name, trace in zip(order, figure.data, strict=True):
        own = sorted((row for row in rows if row["text"] == name), key=lambda row: row["vocabulary"])
        sign = trace.marker.symbol
        trace.marker.symbol = [f"{sign}-open" if row.get("unknown") else sign for row in own]
    return figure
