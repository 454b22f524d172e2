"""The rows of the tile stepper: one for each tile that the forward kernel visits, read off while it runs."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.arguments import expect_choice, expect_whole
from glassbox.attention.masks import Mask, causal, full, sliding_window
from glassbox.flash.counting import naive_bytes
from glassbox.flash.figures.folds import BUGS
from glassbox.flash.figures.watching import Tile, divided_at, visited_tiles
from glassbox.flash.kernels import Plan
from glassbox.tiny.seeds import normal

WINDOW = 48
CHIP = 96 * 1024
NUMBERS = 2  # of the output that is shown


class Rule(NamedTuple):
    """What hides keys: as a mask, and as what the kernel is told."""

    mask: Mask
    plan: dict


RULES = {
    "causal": Rule(causal(), {"causal": True}),
    "all keys": Rule(full(), {}),
    f"window of {WINDOW}": Rule(causal() & sliding_window(WINDOW), {"causal": True, "window": WINDOW}),
}


def stepper_rows(
    query_block: int = 64,
    key_block: int = 64,
    *,
    mask: str = "causal",
    bug: str = "none",
    fold=None,
    name: str = "",
    n: int = 256,
    d: int = 64,
    chip: int = CHIP,
    follow: int | None = None,
    seed: int = 12,
) -> list[dict]:
    """Run the forward kernel on the simulator and return a row for each tile, in the order it visits them.

    A row has "kernel" (its `name`), "step", "queries" and "keys" (first and end of the tile), "query" (the
    one that is followed), its "m_before", "m", "l", "keep" (what its old sums are due to be
    multiplied by: a fold with a mistake may not do it), "moved"
    and "o" (the first numbers of its output so far, divided by l), "error_so_far" and "error_final" (largest
    of the block against attention over the keys seen so far, and over all it sees), "bytes" so far and
    "naive_bytes" of the whole, "held" and "chip" (bytes on chip, and how many there are), and the sizes.

    Convention: n queries and n keys of one head, float32. `fold` takes the place of the kernel's, `bug` that
        of one in BUGS. `follow` is the place of the followed query in its block: where its maximum moves most
        often unless given. A query that has seen nothing has no error; a result that is no number has NaN.
    Raises: TypeError, ValueError for sizes that are no whole numbers >= 1, unknown masks and bugs.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect(mask, bug, follow, query_block=query_block, key_block=key_block, n=n, d=d, chip=chip)
    q, k, v = (normal((1, 1, n, d), seed + place, torch.float32) for place in range(3))
    plan = Plan(d**-0.5, **RULES[mask].plan)
    tiles = visited_tiles(q, k, v, plan, (query_block, key_block), fold or BUGS[bug])
    whole = {
        "kernel": name or _named(query_block, key_block, mask, bug), "n": n, "query_block": query_block,
        "key_block": key_block, "mask": mask, "chip": chip, "naive_bytes": naive_bytes(n, n, d, d),
    }  # fmt: skip
    exact = Exact(*(x[0, 0].double() for x in (q, k, v)), RULES[mask].mask)
    place = _most_moved(tiles) if follow is None else follow
    return [whole | row for row in _rows(tiles, exact, place)]


def _named(query_block: int, key_block: int, mask: str, bug: str) -> str:
    parts = [f"{query_block} × {key_block}", *({mask} - {"causal"}), *({bug} - {"none"})]
    return ", ".join(parts)


def _rows(tiles: Sequence[Tile], exact: "Exact", place: int) -> list[dict]:
    rows, before = [], None
    for step, tile in enumerate(tiles, 1):
        same = before is not None and before.queries == tile.queries
        rows.append({"step": step} | _followed(tile, before if same else None, place) | _errors(tile, exact))
        before = tile
    return rows


def _followed(tile: Tile, before: Tile | None, place: int) -> dict:
    """Return the running result of one query of the block."""
    place = min(place, len(tile.m) - 1)
    m, l = tile.m[place].item(), tile.l[place].item()
    old = before.m[place].item() if before else -torch.inf
    keep = 0.0 if old == -torch.inf else torch.tensor(old - m).exp().item()
    return {
        "queries": tile.queries, "keys": tile.keys, "query": tile.queries[0] + place, "m_before": old,
        "m": m, "l": l, "keep": keep, "moved": m > old > -torch.inf,
        "o": divided_at(tile)[place, :NUMBERS].tolist(), "bytes": tile.bytes, "held": tile.held,
    }  # fmt: skip


def _errors(tile: Tile, exact: "Exact") -> dict:
    so_far, final = exact.rows(tile.queries, tile.keys[1]), exact.rows(tile.queries, None)
    return {"error_so_far": _error(divided_at(tile), so_far), "error_final": _error(divided_at(tile), final)}


def _error(output: Tensor, exact: Tensor) -> float:
    """Return the largest difference over the queries that see something; NaN where one is no number."""
    return (output - exact)[~exact.isnan().any(-1)].abs().amax().item()


def _most_moved(tiles: Sequence[Tile]) -> int:
    """Return the place in a block whose maximum moves most often, after the first tile of each block."""
    moved = [(b.m > a.m) & (a.m > -torch.inf) for a, b in pairwise(tiles) if a.queries == b.queries]
    rows = min(map(len, moved), default=1)
    return int(sum(one[:rows].int() for one in moved).argmax()) if moved else 0


class Exact(NamedTuple):
    """Attention in float64, by the definition."""

    q: Tensor
    k: Tensor
    v: Tensor
    mask: Mask

    def rows(self, queries: tuple[int, int], end: int | None) -> Tensor:
        """Return the output of these queries over the first `end` keys; NaN where a query sees none."""
        seen = self.mask.dense(len(self.q), len(self.k))[slice(*queries), :end]
        scores = self.q[slice(*queries)] @ self.k[:end].mT * self.q.shape[-1] ** -0.5
        return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ self.v[:end]


def _expect(mask, bug, follow, **sizes) -> None:
    expect_choice("mask", mask, RULES)
    expect_choice("bug", bug, BUGS)
    for name, size in sizes.items():
        expect_whole(name, size, 1)
    if follow is not None:
        expect_whole("follow", follow, 0)
