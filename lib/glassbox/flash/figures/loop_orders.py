"""Two loop orders: when each tile is visited, and how often each block of the output is stored."""

from collections.abc import Sequence

import plotly.graph_objects as go
import torch

from glassbox import draw
from glassbox.arguments import expect_whole
from glassbox.attention.masks import Mask
from glassbox.draw.rows import expect_rows, groups
from glassbox.flash.orders import Walked, keys_outside, queries_outside
from glassbox.tiny.seeds import normal

ORDERS = {
    "keys outside (FlashAttention)": keys_outside,
    "queries outside (FlashAttention-2)": queries_outside,
}


def visit_rows(length: int = 64, block: int = 16, head_size: int = 8, seed: int = 0) -> list[dict]:
    """Walk over all tiles in both orders and return a row for each tile, in the order of the visits.

    A row has "order", "query" and "key" (the numbers of the blocks), "visit" (from 1), "stores" (of each
    block of the output, in the whole walk) and "moved" (numbers loaded and stored, in the whole walk).

    Raises: TypeError, ValueError for sizes that are no whole numbers, or a length of a single block.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("block", block, 1)
    expect_whole("length", length, block + 1)
    q, k, v = (normal((1, 1, length, head_size), seed + place) for place in range(3))
    rows = []
    for name, walk in ORDERS.items():
        visits: list[tuple[int, int]] = []
        walked = walk(q, k, v, block, block, mask=_noting(visits, block))
        whole = {"order": name, "stores": _stores(walked), "moved": walked.memory.moved}
        rows += [
            whole | {"query": query, "key": key, "visit": visit}
            for visit, (query, key) in enumerate(visits, 1)
        ]
    return rows


def _noting(visits: list, block: int) -> Mask:
    """Return a mask that hides nothing, and notes each tile that it is asked about."""

    def rule(sequence, query, key):
        if len(key) <= block:  # more are asked about when the arguments are checked
            visits.append((int(query.min()) // block, int(key.min()) // block))
        return torch.ones_like(key, dtype=torch.bool)

    return Mask(rule)


def _stores(walked: Walked) -> int:
    return max(count for (name, _), count in walked.memory.stores.items() if name == "o")


def loop_orders(rows: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return the visits of both orders for rows of `visit_rows`: each tile with the number of its visit.

    Raises: ValueError for missing columns.
    """
    expect_rows(rows, **{name: name for name in ("order", "query", "key", "visit", "stores", "moved")})
    panels = [_panel(name, own) for name, own in groups(rows, "order").items()]
    figure = draw.side_by_side(*panels).update_traces(showscale=False)
    figure.update_layout(height=400, margin_t=86).update_annotations(align="left")
    return draw.Shown(figure, says=says, task=task)


def _panel(name: str, rows: Sequence[dict]) -> go.Figure:
    sides = [1 + max(row[side] for row in rows) for side in ("query", "key")]
    visits = [[None] * sides[1] for _ in range(sides[0])]
    for row in rows:
        visits[row["query"]][row["key"]] = row["visit"]
    times = "once" if rows[0]["stores"] == 1 else f"{rows[0]['stores']} times"
    title = f"<b>{name}</b><br>each block of o stored {times};<br>{rows[0]['moved']:,} numbers moved"
    return draw.matrix(
        visits, title=title, x_title="block of keys (number)", y_title="block of queries (number)"
    )
