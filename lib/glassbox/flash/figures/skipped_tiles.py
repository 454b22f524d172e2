"""Which tiles a kernel computes whole, computes and cuts with the mask, or never visits."""

from collections.abc import Sequence

import plotly.graph_objects as go
import torch

from glassbox import draw
from glassbox.arguments import expect_whole
from glassbox.attention.kernels.pieces import fold
from glassbox.attention.masks import Mask, causal, prefix_lm, sliding_window
from glassbox.draw.rows import distinct, expect_rows, groups
from glassbox.flash.figures.stepper_tiles import banded
from glassbox.flash.figures.watching import visited_tiles
from glassbox.flash.kernels import Plan
from glassbox.tiny.seeds import normal

STATES = "skipped", "cut by the mask", "computed whole"
COLORS = draw.theme.PAPER, "#A9C3E3", draw.theme.ROLES["query"]
CROSS = {"symbol": "x-thin", "size": 8, "line": {"width": 1.3, "color": draw.theme.ROLES["residual"]}}
FEATURES = 16  # of the heads that are run: few, for only the tiles count


def tile_rows(n: int = 512, block: int = 64, window: int = 128, prefix: int = 192) -> list[dict]:
    """Run the forward kernel under three masks and return a row for each tile of the n x n scores.

    All three hide the future; the window hides what is far, the prefix is seen by all. A row has "mask",
    "query" and "key" (the numbers of the blocks) and "state", one of STATES: skipped is what the kernel did
    not visit, whole what it visited and no pair of which is hidden.

    Convention: the window counts the query's own position.
    Raises: TypeError, ValueError for sizes that are no whole numbers >= 1.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    for name, size in {"n": n, "block": block, "window": window, "prefix": prefix}.items():
        expect_whole(name, size, 1)
    many = torch.tensor([prefix], dtype=torch.int32)
    kinds = {
        "causal": (causal(), {}),
        f"window of {window}": (causal() & sliding_window(window), {"window": window}),
        f"prefix of {prefix}": (prefix_lm(prefix), {"prefix": many}),
    }
    return [
        {"mask": name} | row for name, (mask, plan) in kinds.items() for row in _tiles(n, block, mask, plan)
    ]


def _tiles(n: int, block: int, mask: Mask, plan: dict) -> list[dict]:
    q, k, v = (normal((1, 1, n, FEATURES), seed, torch.float32) for seed in range(3))
    visits = visited_tiles(q, k, v, Plan(1.0, causal=True, **plan), (block, block), fold)
    visited = {(tile.queries[0] // block, tile.keys[0] // block) for tile in visits}
    rows = []
    for query, line in enumerate(mask.dense(n, n).split(block)):
        for key, seen in enumerate(line.split(block, -1)):
            state = STATES[(1 + int(seen.all())) if (query, key) in visited else 0]
            rows.append({"query": query, "key": key, "state": state})
    return rows


def skipped_tiles(rows: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return the tiles of each mask for rows of `tile_rows`, up to three masks side by side.

    Dark tiles are computed whole, light ones cut by the mask, crossed ones never visited. Each title says how
    many are visited.
    Raises: ValueError for missing columns, fewer than two masks or more than three.
    """
    expect_rows(rows, **{name: name for name in ("mask", "query", "key", "state")})
    panels = [_panel(name, own) for name, own in groups(rows, "mask").items()]
    figure = draw.side_by_side(*panels).add_traces(
        [_entry(*pair) for pair in zip(STATES, COLORS, strict=True)]
    )
    figure.update_layout(height=360, margin_t=74, margin_b=88).update_annotations(align="left")
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.3, "yanchor": "top"})
    return draw.Shown(figure, says=says, task=task)


def _panel(name: str, rows: Sequence[dict]) -> go.Figure:
    side = 1 + max(row["query"] for row in rows)
    codes = [[None] * len(distinct(rows, "key")) for _ in range(side)]
    for row in rows:
        codes[row["query"]][row["key"]] = STATES.index(row["state"])
    visited = sum(row["state"] != STATES[0] for row in rows)
    share = f"{visited} of {len(rows)} tiles ({visited / len(rows):.0%})"
    figure = draw.matrix(
        codes,
        title=f"<b>{name}</b><br>{share}",
        limits=(-0.5, 2.5),
        x_title="block of keys (number)",
        y_title="block of queries (number)",
    )
    figure.update_traces(showscale=False, texttemplate=None, colorscale=banded(COLORS), hoverinfo="skip")
    hidden = [row for row in rows if row["state"] == STATES[0]]
    return figure.add_trace(_crosses([row["key"] for row in hidden], [row["query"] for row in hidden]))


def _crosses(x: Sequence[int], y: Sequence[int]) -> go.Scatter:
    return go.Scatter(x=list(x), y=list(y), mode="markers", marker=CROSS, showlegend=False, hoverinfo="skip")


def _entry(name: str, color: str) -> go.Scatter:
    """Return an entry of the legend: the cross, or a tile's colour."""
    square = {"symbol": "square", "size": 13, "color": color}
    marker = CROSS if name == STATES[0] else square
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=name)
