"""Launch arguments worth trying for each head size: what `glassbox bench NAME --tune` times.

A thread has 255 registers for its share of the float32 tiles and all else; below 40 numbers of a tile the
products are too small to fill the matrix units. A program has 227 KiB of shared memory for the tile that
stays and for STAGES of those that pass by. What spills all the same is dropped ahead of time.
"""

from collections.abc import Iterator
from itertools import product

from glassbox.machine import configs
from glassbox.machine.bench import Case

SHARED = 227 * 1024
LANES = 32
FEWEST, MOST_FORWARD, MOST_BACKWARD = 40, 160, 192  # numbers of float32 tiles that a thread holds
ROLES_ON = ("sm_90",)  # where warps are given roles, which takes one loop and four warps


def forward(case: Case) -> list[dict]:
    """Return configs for `flash_forward` and `flash_forward_masked`."""
    d = case["size"]
    return [
        {**tile, "STAGES": stages, "ROLES": False, "TWO_LOOPS": two, "num_warps": warps}
        for tile in _tiles((64, 128, 256), (64, 128) if d <= 128 else (32, 64))
        for warps in (4, 8)
        for stages in (2, 3, 4)
        for two in (True, False)
        if FEWEST <= _held(_forward_tiles(d, **tile), warps) <= MOST_FORWARD
        and _shared(tile["QUERIES"] * d, 2 * tile["KEYS"] * d, stages) <= SHARED
        and not (stages == 4 and tile["KEYS"] == 128)
    ] + list(_with_roles(d))


def _with_roles(d: int) -> Iterator[dict]:
    """Yield configs that give loads and products to different warps; they take about another tile of q."""
    if configs.current_arch() in ROLES_ON:
        for tile, stages in product(_tiles((64, 128), (64, 128)), (2, 3)):
            if _shared(2 * tile["QUERIES"] * d, 2 * tile["KEYS"] * d, stages) <= SHARED:
                yield {**tile, "STAGES": stages, "ROLES": True, "TWO_LOOPS": False, "num_warps": 4}


def keys(case: Case) -> list[dict]:
    """Return configs for `flash_backward_keys` and `flash_backward_fused`: keys stay, queries pass by."""
    d = case["size"]
    return [
        {**tile, "STAGES": stages, "num_warps": warps}
        for tile in _tiles((32, 64, 128) if d <= 128 else (16, 32, 64), (32, 64, 128))
        for warps in (4, 8)
        for stages in (1, 2, 3)
        if FEWEST <= _held(_keys_tiles(d, **tile), warps) <= MOST_BACKWARD
        and _shared(2 * tile["KEYS"] * d, 2 * tile["QUERIES"] * d, stages) <= SHARED
    ]


def queries(case: Case) -> list[dict]:
    """Return configs for `flash_backward_queries`: queries stay, keys pass by."""
    d = case["size"]
    return [
        {**tile, "STAGES": stages, "num_warps": warps}
        for tile in _tiles((64, 128) if d <= 128 else (32, 64, 128), (32, 64, 128))
        for warps in (4, 8)
        for stages in (1, 2, 3)
        if FEWEST <= _held(_queries_tiles(d, **tile), warps) <= MOST_BACKWARD
        and _shared(2 * tile["QUERIES"] * d, 2 * tile["KEYS"] * d, stages) <= SHARED
    ]


def _tiles(rows: tuple[int, ...], columns: tuple[int, ...]) -> list[dict]:
    return [{"QUERIES": r, "KEYS": c} for r, c in product(rows, columns)]


def _forward_tiles(d: int, QUERIES: int, KEYS: int) -> int:
    return QUERIES * (d + KEYS)  # o and the scores


def _keys_tiles(d: int, QUERIES: int, KEYS: int) -> int:
    return 2 * KEYS * d + 2 * QUERIES * KEYS  # dk, dv; the weights and their gradient


def _queries_tiles(d: int, QUERIES: int, KEYS: int) -> int:
    return QUERIES * d + 2 * QUERIES * KEYS  # dq; the weights and their gradient


def _held(numbers: int, warps: int) -> float:
    return numbers / (LANES * warps)


def _shared(stays: int, passes: int, stages: int) -> int:
    """Return the bytes of halves that shared memory holds: one tile, and `stages` of the other."""
    return 2 * (stays + passes * stages)
