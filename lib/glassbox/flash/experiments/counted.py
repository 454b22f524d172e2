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
