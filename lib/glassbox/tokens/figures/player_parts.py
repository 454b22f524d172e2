"""The lower half of the merge player: what comes next, and how short the text becomes."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from glassbox import draw
from glassbox.draw.rows import groups

RANKS = 6
PAIR, COUNT, SCORE = 0.02, 0.62, 0.97  # where the columns of the table stand
HEADS = {"WordPiece": ("pair", "count", "score"), "Unigram": ("piece that can go", "uses", "loss (nats)")}
BAR = "#DCE6F2"


def at(rows: Sequence[dict], learned: int) -> dict:
    """Return the row of a recipe with the most learned tokens that are not more than `learned`."""
    fitting = [row for row in rows if len(row["learned"]) <= learned] or [rows[0]]
    most = max(len(row["learned"]) for row in fitting)
    return [row for row in fitting if len(row["learned"]) == most][-1]


def table_bars(row: dict) -> dict:
    """Return bars as long as the scores, the best as long as the table."""
    scores = [abs(one["score"]) for one in row["table"]] + [0.0] * (RANKS - len(row["table"]))
    most = max(scores) or 1.0
    return {"x": draw.rounded([score / most for score in scores[:RANKS]])}


def table_words(row: dict) -> dict:
    """Return the cells of the table as text, column by column."""
    heads = HEADS.get(row["recipe"], ("pair", "", "count"))
    lines = [_line(one, bool(heads[1])) for one in row["table"][:RANKS]]
    lines += [("", "", "")] * (RANKS - len(lines))
    named = [f"<b>{head}</b>" if head else "" for head in heads]
    return {"text": [text for column in zip(named, *lines, strict=True) for text in column]}


def _line(one: dict, scored: bool) -> tuple[str, str, str]:
    parts = [one["left"]] if one["right"] is None else [one["left"], one["right"]]
    score = f"{one['score']:.2g}" if abs(one["score"]) < 1 else f"{one['score']:.1f}"
    count = str(one["count"])
    return escape(" + ".join(parts)), *((count, score) if scored else ("", count))


def table(row: dict) -> list:
    """Return the ranked table: bars, and the words on them."""
    ranks, columns = list(range(RANKS + 1)), (PAIR, COUNT, SCORE)
    back = go.Bar(
        orientation="h",
        y=ranks[1:],
        width=0.8,
        marker={"color": BAR},
        hoverinfo="skip",
        showlegend=False,
        **table_bars(row),
    )
    words = go.Scatter(
        x=[x for x in columns for _ in ranks],
        y=ranks * len(columns),
        mode="text",
        textposition=["middle right"] * len(ranks) + ["middle left"] * 2 * len(ranks),
        textfont={"family": "monospace", "size": 13},
        hoverinfo="skip",
        showlegend=False,
        **table_words(row),
    )
    return [trace.update(xaxis="x2", yaxis="y2") for trace in (back, words)]


def curves(rows: Sequence[dict]) -> list[go.Scatter]:
    """Return the length of the text against the learned tokens, a curve for each recipe."""
    counted = [row | {"count": len(row["learned"])} for row in rows]
    counted = list({(row["recipe"], row["count"]): row for row in counted}.values())
    traces = draw.line_traces(counted, "count", "tokens", "recipe")
    return [trace.update(mode="lines", xaxis="x3", yaxis="y3") for trace in traces]


def bound(rows: Sequence[dict]) -> go.Scatter:
    """Return the fewest tokens that the learned ones allow, at the steps where BPE or another takes more."""
    longer = [row for row in rows if row["fewest"] < row["tokens"]]
    return go.Scatter(
        x=[len(row["learned"]) for row in longer] or [None],
        y=[row["fewest"] for row in longer] or [None],
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 8, "color": draw.theme.INK, "line": {"width": 2}},
        name="fewest possible",
        xaxis="x3",
        yaxis="y3",
    )


def here(row: dict, color: str) -> go.Scatter:
    """Return the mark of the state shown on its curve."""
    return go.Scatter(
        mode="markers",
        marker={"size": 14, "color": color, "line": {"color": draw.theme.INK, "width": 2}},
        hoverinfo="skip",
        showlegend=False,
        xaxis="x3",
        yaxis="y3",
        **place(row),
    )


def place(row: dict) -> dict:
    """Return where a row stands on its curve."""
    return {"x": [len(row["learned"])], "y": [row["tokens"]]}


def by_recipe(rows: Sequence[dict]) -> dict[str, list[dict]]:
    """Return the rows of each recipe, in the order of the rows."""
    return groups(rows, "recipe")
