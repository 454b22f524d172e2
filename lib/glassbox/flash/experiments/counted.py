"""Multiply-adds and bytes of attention by formula: what tiling changes, and what it leaves."""

from collections.abc import Sequence

from glassbox.flash.counting import keys_outside_bytes, naive_bytes, queries_outside_bytes, tile_products


def multiply_adds(n: int = 1024, d: int = 64, blocks: Sequence[int] = (16, 32, 64, 1024)) -> list[dict]:
    """Count the multiply-adds of q k^T for several blocks: always n^2 d, however it is cut.

    A row has `block`, `tiles`, `multiply_adds`.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    return [
        {"block": block, "tiles": (-(-n // block)) ** 2, "multiply_adds": tile_products(n, block, d)}
        for block in blocks
    ]


def traffic(
    lengths: Sequence[int] = (1024, 4096, 8192), d: int = 128, block: int = 128, item: int = 2
) -> list[dict]:
    """Return the bytes of one head by formula, naive and in both loop orders.

    A row has `length`, `order` ("naive", "keys outside", "queries outside"), `bytes`.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    return [
        {"length": n, "order": order, "bytes": moved}
        for n in lengths
        for order, moved in (
            ("naive", naive_bytes(n, n, d, d, item)),
            ("keys outside", keys_outside_bytes(n, n, d, d, block, item)),
            ("queries outside", queries_outside_bytes(n, n, d, d, block, item)),
        )
    ]


def decode_saving(
    n: int = 4096, d: int = 128, queries: Sequence[int] = (1, 16, 64, 128, 512, 4096), block: int = 128,
    item: int = 2,
) -> list[dict]:  # fmt: skip
    """Return what tiling saves for so many queries over n keys: a decoded token, a chunk, a whole prompt.

        one query: (2 n d + 4 n) against 2 n d numbers,   n queries: 4 n^2 against 2 n^2 d / block

    A row has `queries`, `naive`, `tiled` (bytes of one head by formula) and `ratio` (naive over tiled).

    Convention: the keys are those before and of the queries; no mask. The naive form reads q, k, v once.
    Raises: TypeError, ValueError for sizes that are no whole numbers >= 1.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rows = []
    for t in queries:
        naive, tiled = naive_bytes(t, n, d, d, item), queries_outside_bytes(t, n, d, d, block, item)
        rows.append({"queries": t, "naive": naive, "tiled": tiled, "ratio": naive / tiled})
    return rows
