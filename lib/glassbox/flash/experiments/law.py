"""The law of traffic: bytes against length, head size and on-chip memory, naive, tiled and causal."""

from collections.abc import Sequence
from math import ceil

from glassbox.arguments import expect_choice, expect_whole
from glassbox.flash.counting import naive_bytes, queries_outside_bytes
from glassbox.flash.experiments.blocks import LEAST_KEYS, largest_query_block, square_block
from glassbox.measured import loglog_slope

FORMS = ("naive", "tiled", "causal")
BASE = {"n": 8192, "d": 64, "chip_bytes": 131_072}


def step_by_step_bytes(
    t: int, n: int, d: int, e: int, query_block: int, key_block: int, item: int = 4, apart: bool = False
) -> list[int]:
    """Return the bytes of each launch of `kernels.step_by_step`, one head: q, k, v are read once per block.

        q k^T: ceil(n / Bc) t d + ceil(t / Br) n d + t n;  softmax: 2 t n;  p v: t n + ceil(t / Br) n e + t e

    Convention: with `apart`, scale and mask take a launch of 2 t n. A row of scores fits on the chip. In one
        block (Br >= t, Bc >= n) the sum is `counting.naive_bytes`, which reads q, k and v once.
    Raises: TypeError, ValueError for what is no whole number >= 1.
    Source: Dao et al. 2022, algorithm 0 (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    sizes = {"t": t, "n": n, "d": d, "e": e, "query_block": query_block, "key_block": key_block, "item": item}
    for name, size in sizes.items():
        expect_whole(name, size, 1)
    rows, columns = ceil(t / query_block), ceil(n / key_block)
    steps = [columns * t * d + rows * n * d + t * n, 2 * t * n, t * n + rows * n * e + t * e]
    if apart:
        steps.insert(1, 2 * t * n)
    return [item * step for step in steps]


def keys_met(t: int, n: int, query_block: int, key_block: int) -> int:
    """Return how many keys the blocks of queries read in all, if causal skips the blocks that nobody sees.

        sum over blocks of queries of the keys up to its last query, rounded up to whole blocks of keys

    Convention: bottom-right; a block that sees nothing reads nothing.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    ends = (min(first + query_block, t) + n - t for first in range(0, t, query_block))
    return sum(min(ceil(max(end, 0) / key_block) * key_block, n) for end in ends)


def causal_bytes(t: int, n: int, d: int, e: int, query_block: int, key_block: int, item: int = 4) -> int:
    """Return the bytes of causal tiled attention with queries outside that skips hidden tiles, one head.

        read q once, k and v of the blocks that are met; write o and lse once

    Taught in: notebooks/12_flash_attention.ipynb
    """
    return item * (t * (d + e) + keys_met(t, n, query_block, key_block) * (d + e)) + 4 * t


def form_row(form: str, n: int, d: int, chip_bytes: int, item: int = 4, power_of_two: bool = False) -> dict:
    """Return the blocks that a form takes on a chip, and the bytes of one head by formula.

    A row has `n`, `d`, `chip_bytes`, `form`, `query_block`, `key_block`, `bytes`.

    Convention: each form gets the whole chip for itself. "naive" takes square tiles for its products; "tiled"
        and "causal" take as many queries as fit beside 16 keys.
    Raises: ValueError for another form, or a chip that holds no tile.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_choice("form", form, FORMS)
    if form == "naive":
        queries = keys = square_block(chip_bytes, d, item, power_of_two)
        moved = sum(step_by_step_bytes(n, n, d, d, queries, keys, item))
    else:
        keys = LEAST_KEYS
        queries = largest_query_block(chip_bytes, d, keys, item, power_of_two)
        moved = causal_bytes(n, n, d, d, queries, keys, item)
        moved = moved if form == "causal" else queries_outside_bytes(n, n, d, d, queries, item)
    size = {"n": n, "d": d, "chip_bytes": chip_bytes, "form": form}
    return size | {"query_block": queries, "key_block": keys, "bytes": moved}


def traffic_law(
    lengths: Sequence[int] = (2048, 4096, 8192, 16_384),
    sizes: Sequence[int] = (32, 64, 128, 256),
    chips: Sequence[int] = (32_768, 65_536, 131_072, 262_144),
    item: int = 4,
) -> list[dict]:
    """Return the bytes of each form along the length, the head size and the memory on the chip.

        tiled: about 4 n^2 d^2 / M numbers,   naive: n^2 (4 + 3 d / B),   causal: half of tiled

    Rows are those of `form_row`, with `varies`: "n", "d" or "chip_bytes"; the other two stay at 8192, 64 and
    128 KiB. By formula; `metered_traffic` holds the formulas to the kernels.

    Source: Dao et al. 2022, theorem 2 (arXiv:2205.14135). There the naive form reads q, k and v once.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    along = {"n": lengths, "d": sizes, "chip_bytes": chips}
    return [
        {"varies": varies} | form_row(form, **BASE | {varies: value}, item=item)
        for varies, values in along.items()
        for form in FORMS
        for value in values
    ]


def exponents(rows: Sequence[dict]) -> dict:
    """Return the fitted power of the bytes: {(form, varies): exponent}, from rows of `traffic_law`.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    names = dict.fromkeys((row["form"], row["varies"]) for row in rows)
    return {
        (form, varies): loglog_slope(
            [row for row in rows if (row["form"], row["varies"]) == (form, varies)], "bytes", varies
        )
        for form, varies in names
    }


def break_even(sizes: Sequence[int] = (32, 64, 128, 256), n: int = 8192, item: int = 4) -> list[dict]:
    """Find the query block from which on tiled attention moves less than the naive form.

        2 n^2 d / Br <= 4 n^2,   so Br is about d / 2

    A row has `d`, `query_block` (the least) and `ratio_at_128`: naive over tiled with blocks of 128.

    Convention: against `counting.naive_bytes`, which reads q, k and v once. Queries outside, no tile skipped.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rows = []
    for d in sizes:
        naive = naive_bytes(n, n, d, d, item)
        fits = (b for b in range(1, n + 1) if queries_outside_bytes(n, n, d, d, b, item) <= naive)
        ratio = naive / queries_outside_bytes(n, n, d, d, min(128, n), item)
        rows.append({"d": d, "query_block": next(fits), "ratio_at_128": ratio})
    return rows
