"""How blocks are chosen from the memory on the chip: what they hold, and what then moves."""

from collections.abc import Sequence
from math import ceil, isqrt

from glassbox.arguments import bad_value, expect_choice, expect_whole
from glassbox.flash.counting import keys_outside_bytes, queries_outside_bytes

LEAST_KEYS = 16  # the fewest rows of a tile that tensor cores multiply
WIDE = 4  # output, scores and statistics are float32 on the chip


def held_bytes(query_block: int, key_block: int, d: int, e: int | None = None, item: int = 4) -> dict:
    """Return the bytes on the chip, part by part, while one tile is folded in.

        q: Br d,  k: Bc d,  v: Bc e  of `item` bytes;   o: Br e,  scores: Br Bc,  m and l: 2 Br  of 4 bytes

    Convention: the weights take the place of the scores. e is d unless given. One tile of keys at a time; a
        kernel that loads ahead holds two or more.
    Raises: TypeError, ValueError for what is no whole number >= 1.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    e = d if e is None else e
    for name, size in {
        "query_block": query_block,
        "key_block": key_block,
        "d": d,
        "e": e,
        "item": item,
    }.items():
        expect_whole(name, size, 1)
    inputs = {"q": query_block * d, "k": key_block * d, "v": key_block * e}
    wide = {"o": query_block * e, "scores": query_block * key_block, "m and l": 2 * query_block}
    return {name: item * size for name, size in inputs.items()} | {
        name: WIDE * size for name, size in wide.items()
    }


def largest_query_block(
    chip_bytes: int, d: int, key_block: int = LEAST_KEYS, item: int = 4, power_of_two: bool = False
) -> int:
    """Return the most queries that fit on the chip beside one tile of keys.

        Br = floor((M - Bc (d + e) item) / (d item + 4 (e + Bc + 2))),   about M / 2d numbers for large M

    Convention: e = d. With `power_of_two`, the largest of those: kernels have no other tiles.
    Raises: ValueError where not even one query fits.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("chip_bytes", chip_bytes, 1)
    keys = held_bytes(1, key_block, d, item=item)
    fixed = keys["k"] + keys["v"]
    block = (chip_bytes - fixed) // (sum(keys.values()) - fixed)
    if block < 1:
        raise bad_value("chip_bytes", f"at least {sum(keys.values())} for d = {d}", chip_bytes)
    return 1 << block.bit_length() - 1 if power_of_two else block


def square_block(chip_bytes: int, d: int, item: int = 4, power_of_two: bool = False) -> int:
    """Return the side of the largest tile of q k^T, or of p v, that fits on the chip by itself.

        2 B d item + 4 B^2 <= M

    Raises: ValueError where not even one fits.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("chip_bytes", chip_bytes, 1)
    expect_whole("d", d, 1)
    block = (isqrt((2 * d * item) ** 2 + 4 * WIDE * chip_bytes) - 2 * d * item) // (2 * WIDE)
    if block < 1:
        raise bad_value("chip_bytes", f"at least {2 * d * item + WIDE} for d = {d}", chip_bytes)
    return 1 << block.bit_length() - 1 if power_of_two else block


def _chosen(choice: str, chip_bytes: int, d: int, item: int) -> tuple[int, int]:
    """Query block and key block."""
    quarter = ceil(chip_bytes // item / (4 * d))
    blocks = {
        "queries outside": lambda: (largest_query_block(chip_bytes, d, LEAST_KEYS, item), LEAST_KEYS),
        "keys outside": lambda: (min(quarter, d), quarter),
        "keys outside, no cap": lambda: (quarter, quarter),
    }
    expect_choice("choice", choice, blocks)
    return blocks[choice]()


CHOICES = ("queries outside", "keys outside", "keys outside, no cap")


def block_shapes(
    chip_bytes: Sequence[int] | int = (65_536, 131_072, 196_608, 232_448),
    d: Sequence[int] | int = (64, 128, 256),
    n: int = 8192,
    item: int = 4,
    choices: Sequence[str] = CHOICES,
) -> list[dict]:
    """Choose blocks for a chip, and add up all that they hold, the scores too.

    A row has `chip_bytes` (M), `d`, `choice`, `query_block`, `key_block`, the parts of `held_bytes` ("q",
    "k", "v", "o", "scores", "m and l"), `held` (their sum), `fits` (whether that is at most M) and `bytes`
    (of one head of n queries and keys, in that loop order, every tile computed). The choices:

        "queries outside":        the largest Br beside 16 keys
        "keys outside":           Bc = ceil(M/4d), Br = min(ceil(M/4d), d), M in numbers, as published
        "keys outside, no cap":   Br = Bc = ceil(M/4d)

    Convention: the published rule is an order of magnitude. Its cap by d keeps the scores to d M/4d = M/4;
        counted exactly its parts are 3M/4 + 2 d^2 and a little, and where the cap does nothing (d >= M/4d)
        they are M for q, k, v, o alone, with no room for the scores.
    Raises: TypeError, ValueError for sizes that are no whole numbers >= 1.
    Source: Dao et al. 2022, algorithm 1 and appendix C (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    chips, sizes = ([x] if isinstance(x, int) else list(x) for x in (chip_bytes, d))
    return [_shape(m, size, choice, n, item) for m in chips for size in sizes for choice in choices]


def _shape(m: int, d: int, choice: str, n: int, item: int) -> dict:
    queries, keys = _chosen(choice, m, d, item)
    parts = held_bytes(queries, keys, d, item=item)
    held, order = sum(parts.values()), choice.partition(",")[0]
    row = {"chip_bytes": m, "d": d, "choice": choice, "query_block": queries, "key_block": keys} | parts
    return row | {"held": held, "fits": held <= m, "bytes": ordered_bytes(order, n, d, queries, keys, item)}


def ordered_bytes(order: str, n: int, d: int, query_block: int, key_block: int, item: int = 4) -> int:
    """Return the bytes of one head of n queries and n keys in a loop order, by its formula in `counting`.

    Convention: "queries outside" does not depend on the key block, "keys outside" not on the query block.
    Raises: ValueError for another order.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_choice("order", order, ("queries outside", "keys outside"))
    if order == "queries outside":
        return queries_outside_bytes(n, n, d, d, query_block, item)
    return keys_outside_bytes(n, n, d, d, key_block, item)


def block_sweep(
    n: int = 8192, d: int = 128, blocks: Sequence[int] = (16, 32, 64, 128, 256, 512, 1024, 8192, 16384),
    fixed: int = 64, item: int = 4,
) -> list[dict]:  # fmt: skip
    """Grow one block while the other stays: in each loop order one of them decides, the other is free.

    A row has `order`, `grows` ("query block" or "key block"), `block`, `bytes`, `held`.

    Convention: a block beyond n is n: from there on nothing is left to save.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rows = []
    for order in ("queries outside", "keys outside"):
        for grows in ("query block", "key block"):
            for block in blocks:
                shape = (block, fixed) if grows == "query block" else (fixed, block)
                shape = tuple(min(size, n) for size in shape)
                row = {"order": order, "grows": grows, "block": block}
                row |= {"bytes": ordered_bytes(order, n, d, *shape, item)}
                rows.append(row | {"held": sum(held_bytes(*shape, d, item=item).values())})
    return rows
