"""What the forward kernel does, tile by tile on the simulator: its own accesses, its own running result."""

from collections.abc import Iterator, Sequence
from math import log
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.flash.figures.folds import watched
from glassbox.flash.kernels import Plan, forward
from glassbox.machine import metered

COMPILER = {"STAGES": 1, "ROLES": False, "TWO_LOOPS": True, "num_warps": 4}

Range = tuple[int, int]


class Tile(NamedTuple):
    """One tile that the kernel visits, and what it has once the tile is folded in."""

    queries: Range
    keys: Range
    m: Tensor  # (rows,): the largest score so far, in nats
    l: Tensor  # (rows,)
    o: Tensor  # (rows, e), not yet divided by l
    bytes: int  # through slow memory, from the start of the launch to the end of this tile
    held: int  # bytes on chip: q, k, v of the tile, its scores, m, l and o


def visited_tiles(q: Tensor, k: Tensor, v: Tensor, plan: Plan, blocks: tuple[int, int], fold) -> list[Tile]:
    """Return the tiles of one head in the order in which the kernel visits them.

    `plan` says which keys are seen, `blocks` how many queries and keys a tile has; `fold` is FOLD.
    """
    states: list = []
    seen = watched(fold, lambda *state: states.append([part.data.copy() for part in state]))
    tiles = dict(zip(("QUERIES", "KEYS"), blocks, strict=True))
    with metered() as reports:
        forward(q, k, v, plan, backend="simulated", config=COMPILER | tiles, fold=seen)
    visits = list(_visits(reports[0].events))
    return [_tile(visit, state) for visit, state in zip(visits, states, strict=True)]


class _Visit(NamedTuple):
    queries: Range
    keys: Range
    bytes: int
    loaded: int  # bytes of q, k, v that lie on chip


def _visits(events: Sequence) -> Iterator[_Visit]:
    """Read the tiles from the accesses: a load of k opens one, the next, or the next load of q, closes it."""
    moved, queries, keys, block, tile = 0, None, None, 0, 0
    for event in events:
        if keys is not None and event.argument in ("q_ptr", "k_ptr"):
            yield _Visit(queries, keys, moved, block + tile)
            keys = None
        moved += event.bytes
        if event.argument == "q_ptr":
            queries, block = event.tile[-2], event.bytes
        elif event.argument == "k_ptr":
            keys, tile = event.tile[-2], event.bytes
        elif event.argument == "v_ptr":
            tile += event.bytes
    if keys is not None:
        yield _Visit(queries, keys, moved, block + tile)


def _tile(visit: _Visit, state: list) -> Tile:
    m, l, o = state
    rows, columns = (end - first for first, end in (visit.queries, visit.keys))
    held = visit.loaded + sum(part.nbytes for part in state) + rows * columns * m.itemsize
    m, l, o = (torch.from_numpy(part[:rows]) for part in state)
    return Tile(visit.queries, visit.keys, m[:, 0] * log(2), l[:, 0], o, visit.bytes, held)


def divided_at(tile: Tile, rows: slice = slice(None)) -> Tensor:
    """Return the output if the walk ended at this tile, in float64: 0 where nothing was seen."""
    return tile.o[rows].double() / torch.where(tile.l[rows] == 0, 1.0, tile.l[rows].double())[:, None]
