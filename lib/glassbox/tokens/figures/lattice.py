"""The Unigram lattice of a word: every piece that fits, the best way through it, and ways that are drawn."""

from collections.abc import Sequence
from html import escape
from math import cos, pi, sin

import plotly.graph_objects as go

from glassbox import draw
from glassbox.draw.rows import expect_rows

CORNERS = 24  # of an arc
RISE = 0.75  # height of an arc for each character it spans beyond the first
FLAT = 0.55  # height of the arc of a single character
THIN, THICK, PATH = 1, 5, 5  # widths: of an arc no segmentation uses, of one that all use, of the path shown
FAINT = "#9DA6B0"
ABOVE, BELOW = 1.1, 0.75  # the room over the highest arc, and under the nodes
PIXELS = 50  # for one unit of height
BEST, MOST_SAMPLES = "best", 2


def lattice(rows: Sequence[dict], samples: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return the lattice of a word for rows of `lattice_rows`, and `sample_rows` of the same word.

    Nodes are the places between the characters, arcs the pieces with their log-probabilities, as thick as the
    share of all segmentations that use them. The states: the best path, and the two most frequent drawn
    segmentations that differ from it, with their log-probability and their share of the draws.
    """
    expect_rows(
        rows, **{name: name for name in ("start", "end", "token", "log_probability", "best", "share")}
    )
    expect_rows(samples, pieces="pieces", count="count")
    paths = _paths(rows, samples)
    figure = _dressed(_parts(rows, paths[BEST], samples), rows, 1)
    moved = [len(rows), len(rows) + 1]
    figure.frames = [
        go.Frame(name=name, data=_changes(path, samples), traces=moved) for name, path in paths.items()
    ]
    if len(paths) > 1:
        figure = draw.add_controls(figure, draw.slider(list(paths), "segmentation: "))
    return draw.Shown(figure, says=says, task=task, still=_still(rows, paths, samples))


def _still(rows: Sequence[dict], paths: dict[str, list[dict]], samples: Sequence[dict]) -> go.Figure:
    """Return the states one below the other."""
    tall = _tall(rows)
    traces = [
        trace
        for place, path in enumerate(paths.values())
        for trace in _parts(rows, path, samples, -place * tall)
    ]
    return _dressed(traces, rows, len(paths))


def _parts(rows: Sequence[dict], path: Sequence[dict], samples: Sequence[dict], low: float = 0.0) -> list:
    """Return the traces of one lattice whose nodes stand at `low`."""
    over = [_path(path, low), _sentence(rows, _words(path, samples), low), _characters(rows, low)]
    return [*(_arc(row, low) for row in rows), *over]


def _paths(rows: Sequence[dict], samples: Sequence[dict]) -> dict[str, list[dict]]:
    """Return the arcs of the best segmentation, and of the most frequent drawn ones that differ."""
    best = sorted((row for row in rows if row["best"]), key=lambda row: row["start"])
    paths = {BEST: best}
    spelled = [row["token"] for row in best]
    others = [sample["pieces"] for sample in samples if list(sample["pieces"]) != spelled]
    for number, pieces in enumerate(others[:MOST_SAMPLES], 1):
        paths[f"drawn {number}"] = _walked(rows, pieces)
    return paths


def _walked(rows: Sequence[dict], pieces: Sequence[str]) -> list[dict]:
    """Return the arcs of a segmentation.

    Raises: ValueError where the lattice has no such arc: the samples are of another word.
    """
    arcs, at, found = {(row["start"], row["token"]): row for row in rows}, 0, []
    for piece in pieces:
        if (at, piece) not in arcs:
            raise ValueError(
                f"samples: expected segmentations of the word of the rows; came {list(pieces)!r}"
            )
        found.append(arcs[at, piece])
        at = found[-1]["end"]
    return found


def _height(row: dict) -> float:
    return FLAT + RISE * (row["end"] - row["start"] - 1)


def _tall(rows: Sequence[dict]) -> float:
    """Return the height of a lattice with its sentence above and its characters below."""
    return max(map(_height, rows)) + ABOVE + BELOW


def _curve(row: dict, low: float) -> tuple[list, list]:
    """Return the corners of an arc: half an ellipse with a flat top."""
    middle, half = (row["start"] + row["end"]) / 2, (row["end"] - row["start"]) / 2
    angles = [pi * corner / CORNERS for corner in range(CORNERS + 1)]
    across = [middle - half * abs(cos(a)) ** 0.7 * (1 if cos(a) > 0 else -1) for a in angles]
    return draw.rounded(across, 4), draw.rounded([low + _height(row) * sin(a) ** 0.7 for a in angles], 4)


def _arc(row: dict, low: float) -> go.Scatter:
    x, y = _curve(row, low)
    share = row["share"]
    words = f"log-probability {row['log_probability']:.2f}, in {share:.1%} of segmentations"
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": FAINT, "width": draw.rounded(THIN + (THICK - THIN) * share, 3)},
        text=f"{escape(row['token'])}: {words}",
        hoverinfo="text",
        showlegend=False,
    )


def _over(path: Sequence[dict], low: float) -> dict:
    curves = [_curve(row, low) for row in path]
    return {key: [v for c in curves for v in (*c[side], None)] for side, key in enumerate("xy")}


def _path(path: Sequence[dict], low: float) -> go.Scatter:
    return go.Scatter(
        mode="lines",
        line={"color": draw.theme.ROLES["query"], "width": PATH},
        hoverinfo="skip",
        showlegend=False,
        **_over(path, low),
    )


def _words(path: Sequence[dict], samples: Sequence[dict]) -> str:
    """Return a segmentation in words: its pieces, its log-probability, how often it was drawn."""
    total = sum(row["log_probability"] for row in path)
    pieces, drawn = [row["token"] for row in path], sum(sample["count"] for sample in samples)
    times = sum(sample["count"] for sample in samples if list(sample["pieces"]) == pieces)
    spelled = escape(" | ".join(pieces))
    return f"<b>{spelled}</b>   log P = {total:.2f}, drawn {times} times of {drawn}"


def _sentence(rows: Sequence[dict], words: str, low: float) -> go.Scatter:
    return go.Scatter(
        x=[0],
        y=[draw.rounded(low + max(map(_height, rows)) + ABOVE - 0.3, 4)],
        text=[words],
        mode="text",
        textposition="middle right",
        textfont={"size": 15},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _changes(path: Sequence[dict], samples: Sequence[dict]) -> list[dict]:
    return [{"type": "scatter", **_over(path, 0.0)}, {"type": "scatter", "text": [_words(path, samples)]}]


def _characters(rows: Sequence[dict], low: float) -> go.Scatter:
    """Return the word, character by character, between its nodes."""
    single = {row["start"]: row["token"][0] for row in sorted(rows, key=lambda row: -row["end"])}
    length = max(row["end"] for row in rows)
    places, letters = list(range(length + 1)), [single.get(at, "") for at in range(length)]
    return go.Scatter(
        x=[*places, *(at + 0.5 for at in range(length))],
        y=draw.rounded([low] * (length + 1) + [low - 0.42] * length, 4),
        text=[""] * (length + 1) + [f"<b>{escape(letter)}</b>" for letter in letters],
        mode="markers+text",
        marker={"size": [11] * (length + 1) + [0] * length, "color": draw.theme.INK},
        textfont={"size": 17, "family": "monospace"},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _dressed(traces: list, rows: Sequence[dict], count: int) -> go.Figure:
    """Return the panel of `count` lattices, one below the other, their arcs labelled."""
    tall, length = _tall(rows), max(row["end"] for row in rows)
    figure = draw.panel(traces, x_title="place (characters)", y_title="piece (characters)")
    figure.update_xaxes(visible=False, range=[-0.3, length + 0.3])
    figure.update_yaxes(visible=False, range=draw.rounded([-BELOW - tall * (count - 1), tall - BELOW], 4))
    figure.update_layout(height=round(PIXELS * tall * count) + 40, margin_t=20, margin_b=20)
    figure.layout.annotations = [_label(row, -place * tall) for place in range(count) for row in rows]
    return figure


def _label(row: dict, low: float) -> dict:
    """Return what stands on an arc: its log-probability, and the piece where it is not seen below."""
    token = f"{escape(row['token'])}<br>" if row["end"] - row["start"] > 1 else ""
    return {
        "x": (row["start"] + row["end"]) / 2,
        "y": draw.rounded(low + _height(row), 4),
        "text": f"{token}{row['log_probability']:.1f}",
        "showarrow": False,
        "bgcolor": "rgba(255,255,255,0.88)",
        "borderpad": 0,
        "font": {"size": 12},
    }
