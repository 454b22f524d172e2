"""What tiling costs, by formula: multiply-adds, bytes through slow memory, tiles with a visible pair."""

from math import ceil

from glassbox.arguments import expect_whole
from glassbox.attention.masks import Mask


def tile_products(n: int, block: int, d: int) -> int:
    """Return the multiply-adds of q k^T in tiles, counted tile by tile.

        tiles = ceil(n / block)^2,   sum of rows * columns * d over the tiles = n^2 d

    Convention: one matrix product; the product with v costs as many again.
    Raises: TypeError, ValueError for what is no whole number >= 1.
    Source: Dao et al. 2022, theorem 1 (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect(n=n, block=block, d=d)
    sides = [min(block, n - first) for first in range(0, n, block)]
    return sum(rows * columns * d for rows in sides for columns in sides)


def visible_tiles(t: int, n: int, query_block: int, key_block: int, mask: Mask | None = None) -> int:
    """Return how many tiles hold at least one pair that the mask allows: those that a kernel must compute.

    Convention: the mask is aligned bottom-right; with data per sequence, a tile counts for each sequence.
    Raises: TypeError, ValueError for what is no whole number >= 1.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect(t=t, n=n, query_block=query_block, key_block=key_block)
    if mask is None:
        return ceil(t / query_block) * ceil(n / key_block)
    tiles = (part for rows in mask.dense(t, n).split(query_block, -2) for part in rows.split(key_block, -1))
    return sum(int(part.flatten(-2).any(-1).sum()) for part in tiles)


def naive_bytes(t: int, n: int, d: int, e: int, item: int = 4) -> int:
    """Return the bytes of attention in three passes, one head: scores and weights go through slow memory.

        read q, k, write s;  read s, write p;  read p, v, write o:   t d + n d + n e + t e + 4 t n numbers

    Source: Dao et al. 2022, algorithm 0 (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect(t=t, n=n, d=d, e=e, item=item)
    return item * ((t + n) * d + (t + n) * e + 4 * t * n)


def queries_outside_bytes(t: int, n: int, d: int, e: int, query_block: int, item: int = 4) -> int:
    """Return the bytes of tiled attention with queries outside, one head: keys are read per block of queries.

        read q once, k and v ceil(t / query_block) times; write o and lse once

    Convention: every tile is computed, none is kept between blocks of queries. The lse is 4 bytes a row.
    Source: Dao 2023, algorithm 1 (arXiv:2307.08691).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect(t=t, n=n, d=d, e=e, query_block=query_block, item=item)
    return item * (t * d + ceil(t / query_block) * n * (d + e) + t * e) + 4 * t


def keys_outside_bytes(t: int, n: int, d: int, e: int, key_block: int, item: int = 4) -> int:
    """Return the bytes of tiled attention with keys outside, one head: o, m, l travel per block of keys.

        read k and v once; ceil(n / key_block) times: read q, read and write o, m, l

    Convention: m and l are 4 bytes a row each. Setting o, m, l to their start is not counted.
    Source: Dao et al. 2022, algorithm 1 and theorem 2 (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    _expect(t=t, n=n, d=d, e=e, key_block=key_block, item=item)
    return item * n * (d + e) + ceil(n / key_block) * (item * t * (d + 2 * e) + 16 * t)


def _expect(**sizes: int) -> None:
    for name, size in sizes.items():
        expect_whole(name, size, 1)
