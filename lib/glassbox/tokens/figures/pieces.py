"""A text as coloured boxes, one for each token, and the step that made it in words."""

from collections.abc import Collection, Sequence
from html import escape
from typing import NamedTuple

import plotly.graph_objects as go

from glassbox import draw

SYMBOL, NEW = "#EBEBEB", "#F6A04D"  # a single symbol; a token that the step shown has made
LEARNED = ("#BBD5F2", "#F7CFC2", "#C3E8CE", "#F3E19D", "#DFCAF3", "#BFE8EA")
COLORS = (SYMBOL, *LEARNED, NEW)
LINE = 34  # symbols in one line
LETTERS, MARKED, NUMBERS = 13, 11, 10  # sizes of a token's text, of one with marks, and of its id
MOST_SHOWN = 5  # tokens of a word that is quoted


class Box(NamedTuple):
    """A token, its id, where it begins in its line, how many symbols it covers, and its line."""

    token: str
    id: int
    left: int
    width: int
    line: int


def boxes(words: Sequence[Sequence[dict]], line: int = LINE) -> list[Box]:
    """Lay tokens out in lines; a word goes to the next line as a whole, if a line holds it."""
    found, row, at = [], 0, 0
    for word in words:
        widths = [piece["cells"] for piece in word]
        if at and at + sum(widths) > line >= sum(widths):
            row, at = row + 1, 0
        for piece, width in zip(word, widths, strict=True):
            if at and at + width > line:
                row, at = row + 1, 0
            found.append(Box(piece["token"], piece["id"], at, width, row))
            at += width
    return found


def lines_of(rows: Sequence[dict]) -> int:
    """Return how many lines the longest of the rows takes."""
    return 1 + max(box.line for row in rows for box in boxes(row["words"]))


def color_of(token: str, number: int, learned: Collection[str], new: str | None = None) -> int:
    """Return the place in COLORS of a token: the same for the same id."""
    if token == new:
        return len(COLORS) - 1
    return 1 + number % len(LEARNED) if token in learned else 0


def newest(row: dict) -> str | None:
    """Return the token that the last merge has made."""
    return row["merges"][-1][-1] if row.get("merges") else None


def changes(row: dict, below: float = 0.0, tall: float = 1.0) -> dict:
    """Return what a row says of its boxes, as plotly's settings of bars; lines go down from `below`."""
    laid = boxes(row["words"])
    new = newest(row)
    return {
        "x": [box.width for box in laid],
        "base": [box.left for box in laid],
        "y": [draw.rounded(below + tall * box.line, 4) for box in laid],
        "text": [escape(box.token) for box in laid],
        "customdata": [box.id for box in laid],
        "marker": {"color": [color_of(box.token, box.id, row["learned"], new) for box in laid]},
    }


def bars(row: dict, below: float = 0.0, tall: float = 1.0, high: float = 0.86) -> go.Bar:
    """Return a row's text as boxes with token and id."""
    last = len(COLORS) - 1
    scale = [(draw.rounded(place / last, 4), color) for place, color in enumerate(COLORS)]
    trace = go.Bar(
        orientation="h",
        width=high,
        texttemplate=f"%{{text}}<br><span style='font-size:{NUMBERS}px'>%{{customdata}}</span>",
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        textfont={"family": "monospace", "size": _letters(row), "color": draw.theme.INK},
        hovertemplate="token %{text}, id %{customdata}<extra></extra>",
        marker={
            "colorscale": scale,
            "cmin": 0,
            "cmax": last,
            "line": {"color": draw.theme.PAPER, "width": 2},
        },
        showlegend=False,
    )
    return trace.update(changes(row, below, tall))


def _letters(row: dict) -> int:
    """Return the size at which a marked symbol fits its box."""
    marked = any(len(piece["token"]) > piece["cells"] for word in row["words"] for piece in word)
    return MARKED if marked else LETTERS


def sentence(row: dict) -> list[str]:
    """Return the step in words, and whether fewer tokens would do."""
    tokens = f"<b>{row['tokens']} token{'s' * (row['tokens'] != 1)}</b>"
    if row["fewest"] == row["tokens"]:
        return [escape(row["done"]), f"{tokens}; what is learned allows no fewer"]
    return [escape(row["done"]), f"{tokens}, where <b>{row['fewest']}</b> would do{_quoted(row['longer'])}"]


def _quoted(longer: Sequence[dict]) -> str:
    """Return the first word that got too many tokens, and how it could be written."""
    for one in longer:
        if len(one["made"]) <= MOST_SHOWN:
            made, allowed = (escape(" | ".join(one[key])) for key in ("made", "allowed"))
            return f": {made} could be {allowed}"
    return ""
