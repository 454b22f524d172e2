"""The numbers of notebook 12 that need no kernel: online softmax by hand, multiply-adds, bytes by formula."""

from collections.abc import Sequence

import torch

from glassbox.arguments import bad_value, expect_whole
from glassbox.flash.counting import keys_outside_bytes, naive_bytes, queries_outside_bytes, tile_products
from glassbox.flash.reference.softmax import start, step


def worked_instance(scores: Sequence[float] = (1, 2, 3, 4), group: int = 2) -> list[dict]:
    """Walk over a few scores in groups: m and l after each group.

    A row has `group` (from 1), `scores`, `m`, `l`, and `keep`, what the old sum was multiplied by.

    Precision: float64.
    Raises: TypeError, ValueError for no scores, or a group that is no whole number >= 1.
    Source: Milakov & Gimelshein 2018, algorithm 3 (arXiv:1805.02867).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("group", group, 1)
    if len(scores) == 0:
        raise bad_value("scores", "at least one score", list(scores))
    values = torch.tensor(scores, dtype=torch.float64)
    rows, run = [], start(values[0])
    for number, part in enumerate(values.split(group), start=1):
        before, run = run, step(run, part)
        keep = (before.m - run.m).exp().item()
        rows.append(
            {"group": number, "scores": part.tolist(), "m": run.m.item(), "l": run.l.item(), "keep": keep}
        )
    return rows


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
