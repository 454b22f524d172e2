"""Two loop orders of tiled attention, over a slow memory that counts what is loaded and stored."""

from collections import Counter
from typing import NamedTuple

from torch import Tensor

from glassbox.attention.masks import Mask
from glassbox.attention.reference.core import Attended
from glassbox.flash.api import checked_rules, expect_blocks
from glassbox.flash.reference.softmax import Partial, finish
from glassbox.flash.reference.tiled import (
    Keys,
    Queries,
    forward_start,
    forward_step,
    joined,
    key_blocks,
    query_blocks,
)
from glassbox.tiny.seeds import normal


class SlowMemory:
    """Tensors by name and block. Counts the loads, the stores, and the numbers that both move."""

    def __init__(self):
        self.held: dict[tuple[str, int], Tensor] = {}
        self.loads: Counter = Counter()
        self.stores: Counter = Counter()
        self.moved = 0

    def load(self, name: str, block: int) -> Tensor:
        """Return what is held there, and count it."""
        self.loads[name, block] += 1
        self.moved += self.held[name, block].numel()
        return self.held[name, block]

    def store(self, name: str, block: int, value: Tensor) -> None:
        """Hold this from now on, and count it."""
        self.stores[name, block] += 1
        self.moved += value.numel()
        self.held[name, block] = value


class Walked(NamedTuple):
    """What a walk over all tiles leaves."""

    attended: Attended
    memory: SlowMemory
    first_output: list[Tensor]  # what stood in output block 0 after each store


def _filled(q, k, v, query_block, key_block):
    """A memory that holds the blocks of the inputs, and the blocks."""
    rows, columns = query_blocks(q, k.shape[1], k.shape[2], query_block), key_blocks(k, v, key_block)
    memory = SlowMemory()
    memory.held |= {("q", i): row.q for i, row in enumerate(rows)}
    memory.held |= {("k", j): keys.k for j, keys in enumerate(columns)}
    memory.held |= {("v", j): keys.v for j, keys in enumerate(columns)}
    return memory, rows, columns


def queries_outside(
    q: Tensor, k: Tensor, v: Tensor, query_block: int, key_block: int, mask: Mask | None = None
) -> Walked:
    """Return attention with queries in the outer loop: m, l and o stay on chip, each output is stored once.

    Convention: shapes and masks as `tiled_attention`. The inputs lie in slow memory at no cost.
    Source: Dao 2023, algorithm 1 (arXiv:2307.08691).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, None, None)
    expect_blocks(query_block, key_block)
    memory, rows, columns = _filled(q, k, v, query_block, key_block)
    for i, row in enumerate(rows):
        queries = Queries(memory.load("q", i), row.at)
        part = forward_start(queries, v.shape[-1])
        for j, keys in enumerate(columns):
            part = forward_step(part, queries, Keys(memory.load("k", j), memory.load("v", j), keys.at), rules)
        for name, value in zip(("o", "lse"), finish(part), strict=True):
            memory.store(name, i, value)
    finished = [Attended(memory.held["o", i], memory.held["lse", i]) for i in range(len(rows))]
    return Walked(joined(finished, q), memory, [finished[0].output])


def keys_outside(
    q: Tensor, k: Tensor, v: Tensor, query_block: int, key_block: int, mask: Mask | None = None
) -> Walked:
    """Return attention with keys in the outer loop: o, m, l are loaded and stored per key block.

    Convention: shapes and masks as `tiled_attention`. What lies in slow memory before the first load costs
        nothing: the inputs, and o = 0, m = -inf, l = 0. The stored o is divided by l each time.
    Source: Dao et al. 2022, algorithm 1 (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, None, None)
    expect_blocks(query_block, key_block)
    memory, rows, columns = _filled(q, k, v, query_block, key_block)
    for i, row in enumerate(rows):
        start = forward_start(row, v.shape[-1])
        memory.held |= {("m", i): start.m, ("l", i): start.l, ("o", i): start.o}
    first = []
    for j, column in enumerate(columns):
        keys = Keys(memory.load("k", j), memory.load("v", j), column.at)
        for i, row in enumerate(rows):
            _fold(memory, i, row.at, keys, rules)
        first.append(memory.held["o", 0])
    finished = [finish(_undivided(*(memory.held[name, i] for name in "mlo"))) for i in range(len(rows))]
    return Walked(joined(finished, q), memory, first)


def _undivided(m, l, o) -> Partial:
    return Partial(m, l, l[..., None] * o)


def _fold(memory, i, at, keys, rules) -> None:
    """Load a block of queries and its m, l, o; fold in the keys; store m, l, o."""
    part = _undivided(*(memory.load(name, i) for name in "mlo"))
    part = forward_step(part, Queries(memory.load("q", i), at), keys, rules)
    for name, value in (("m", part.m), ("l", part.l), ("o", finish(part).output)):
        memory.store(name, i, value)


def store_rows(length: int = 64, block: int = 16, head_size: int = 8, seed: int = 0) -> list[dict]:
    """Count for both orders how often each block of o, m, l and lse is stored.

    A row has `order`, `part`, `stores` (of each block: the same for all), `blocks` and `moved`, the
    numbers that the whole walk loads and stores.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    q, k, v = (normal((1, 1, length, head_size), seed + place) for place in range(3))
    return [
        row
        for walk in (keys_outside, queries_outside)
        for row in _counted(walk.__name__, walk(q, k, v, block, block).memory)
    ]


def _counted(order: str, memory: SlowMemory) -> list[dict]:
    rows = []
    for part in sorted({name for name, _ in memory.stores}):
        stores = {count for (name, _), count in memory.stores.items() if name == part}
        blocks = sum(name == part for name, _ in memory.stores)
        (each,) = stores
        rows.append({"order": order, "part": part, "stores": each, "blocks": blocks, "moved": memory.moved})
    return rows
