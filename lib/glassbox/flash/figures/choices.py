"""The blocks that the live stepper offers, what each choice holds and moves, and the best that fits."""

from functools import lru_cache
from typing import NamedTuple

from glassbox.flash.counting import visible_tiles
from glassbox.flash.experiments import held_bytes
from glassbox.flash.figures.steps import RULES

N, D, ITEM = 256, 64, 4
QUERY_BLOCKS, KEY_BLOCKS = (16, 32, 64, 128, 256), (16, 32, 64, 128)
CHIPS = (48, 96, 160, 228)  # KiB


class Choice(NamedTuple):
    """A pair of blocks, the bytes that it holds on chip, and those that the whole walk moves."""

    query_block: int
    key_block: int
    held: int
    bytes: int


@lru_cache
def choices(mask: str) -> tuple[Choice, ...]:
    """Return every pair of blocks with its bytes by formula: q, o, lse once; k, v for each visited tile."""
    found = []
    for queries in QUERY_BLOCKS:
        for keys in KEY_BLOCKS:
            tiles = visible_tiles(N, N, queries, keys, RULES[mask].mask)
            moved = ITEM * (2 * N * D + N + tiles * keys * 2 * D)
            found.append(Choice(queries, keys, sum(held_bytes(queries, keys, D).values()), moved))
    return tuple(found)


def fewest(mask: str, chip: int) -> int | None:
    """Return the fewest bytes of a pair that fits on a chip of so many bytes; None where none fits."""
    return min((one.bytes for one in choices(mask) if one.held <= chip), default=None)
