"""The tiles of the stepper: the grid, its strips, which blocks are on chip. Rows in, traces out."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.draw import rounded, theme

TO_COME, DONE, NOW, HIDDEN = "#EFEFEF", "#B7CBE3", theme.INK, "#FFFFFF"
STRIPS = {"K": theme.ROLES["key"], "V": theme.ROLES["value"], "Q": theme.ROLES["query"], "O": "#333031"}
PALE = 0.35
THICK, NEAR, FAR = 0.055, 0.02, 0.095  # of a strip: its width and its distance, as shares of the grid
NUMBERED = 64  # tiles that carry the number of their visit


def at(rows: Sequence[dict], step: int) -> dict:
    """Return the row of a kernel after so many steps, or its last."""
    return rows[min(step, len(rows)) - 1]


def quiet(**settings) -> dict:
    """Return settings of a trace that has no entry in a legend and says nothing under the pointer."""
    return {"showlegend": False, "hoverinfo": "skip", **settings}


# ---- the grid: one cell for each tile, numbered by its visit


def edges(n: int, block: int) -> list[int]:
    """Return where the blocks of n positions begin, and where the last ends."""
    return [*range(0, n, block), n]


def cells(rows: Sequence[dict], step: int) -> list[list]:
    """Return for each tile what it is: 0 hidden, 1 to come, 2 done, 3 being computed."""
    visits, now = visit_numbers(rows), min(step, len(rows))
    return [
        [0 if visit is None else 1 + (visit < now) + 2 * (visit == now) for visit in line] for line in visits
    ]


def visit_numbers(rows: Sequence[dict]) -> list[list]:
    """Return for each tile the step at which it is visited, None where it never is."""
    first = rows[0]
    found = {(row["queries"][0], row["keys"][0]): row["step"] for row in rows}
    starts = [edges(first["n"], first[side])[:-1] for side in ("query_block", "key_block")]
    return [[found.get((query, key)) for key in starts[1]] for query in starts[0]]


def words_on(rows: Sequence[dict], step: int) -> list[list[str]]:
    """Return the numbers of the visits so far."""
    visits, most = visit_numbers(rows), step if len(rows) <= NUMBERED else 0
    return [[str(visit) if visit and visit <= most else "" for visit in line] for line in visits]


def grid(rows: Sequence[dict], step: int) -> go.Heatmap:
    """Return the tiles; nothing of them is stored, so none shows a score."""
    first, colors = rows[0], (HIDDEN, TO_COME, DONE, NOW)
    return go.Heatmap(
        x=edges(first["n"], first["key_block"]),
        y=edges(first["n"], first["query_block"]),
        z=cells(rows, step),
        text=words_on(rows, step),
        texttemplate="%{text}",
        zmin=-0.5,
        zmax=3.5,
        colorscale=banded(colors),
        showscale=False,
        xgap=1,
        ygap=1,
        hoverinfo="skip",
    )


def banded(colors: Sequence[str]) -> list:
    """Return a colour scale of as many even bands as colours."""
    ends = rounded([(place / len(colors), (place + 1) / len(colors)) for place in range(len(colors))])
    return [(end, color) for pair, color in zip(ends, colors, strict=True) for end in pair]


def crosses(rows: Sequence[dict]) -> go.Scatter:
    """Return a cross on each tile that the kernel never visits."""
    first, visits = rows[0], visit_numbers(rows)
    middles = [
        (min(key + first["key_block"] / 2, first["n"]), min(query + first["query_block"] / 2, first["n"]))
        for query, line in zip(edges(first["n"], first["query_block"]), visits, strict=False)
        for key, visit in zip(edges(first["n"], first["key_block"]), line, strict=False)
        if visit is None
    ]
    return go.Scatter(
        x=[x for x, _ in middles] or [None],
        y=[y for _, y in middles] or [None],
        mode="markers",
        marker={"symbol": "x-thin", "size": 9, "line": {"width": 1.5, "color": theme.ROLES["residual"]}},
        **quiet(),
    )


# ---- the strips: which blocks of q, k and v are on chip, and which of o are stored


def strips(rows: Sequence[dict], step: int) -> dict[str, go.Heatmap]:
    """Return the blocks of K and V above the grid, those of Q and O beside it."""
    first = rows[0]
    n, states = first["n"], blocks(rows, step)
    drawn = {}
    for name, color in STRIPS.items():
        along = edges(n, first["key_block" if name in "KV" else "query_block"])
        across = rounded([share * n for share in PLACES[name]], 6)
        x, y = (along, across) if name in "KV" else (across, along)
        drawn[name] = go.Heatmap(
            x=x,
            y=y,
            z=states[name],
            zmin=-0.5,
            zmax=2.5,
            colorscale=banded((TO_COME, mixed(color), color)),
            showscale=False,
            xgap=1,
            ygap=1,
            hoverinfo="skip",
        )
    return drawn


PLACES = {
    "K": (-NEAR - THICK, -NEAR),
    "V": (-FAR - THICK, -FAR),
    "Q": (-NEAR - THICK, -NEAR),
    "O": (1 + NEAR, 1 + NEAR + THICK),
}


def mixed(color: str) -> str:
    """Return a colour as it looks, pale, on paper."""
    parts = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - PALE * (255 - part)):02X}" for part in parts)


def blocks(rows: Sequence[dict], step: int) -> dict[str, list[list[int]]]:
    """Return for each block of K, V, Q and O: 0 never on chip, 1 was, 2 is; of O 1 runs, 2 is stored."""
    here = at(rows, step)
    done = rows[: min(step, len(rows))]
    keys, queries = {row["keys"][0] for row in done}, {row["queries"][0] for row in done}
    ahead = {row["queries"][0] for row in rows[len(done) :]}
    key_starts, query_starts = (edges(here["n"], here[side])[:-1] for side in ("key_block", "query_block"))
    loaded = [(start in keys) + (start == here["keys"][0]) for start in key_starts]
    held = [(start in queries) + (start == here["queries"][0]) for start in query_starts]
    stored = [(start in queries) + (start in queries and start not in ahead) for start in query_starts]
    return {"K": [loaded], "V": [loaded], "Q": [[one] for one in held], "O": [[one] for one in stored]}
