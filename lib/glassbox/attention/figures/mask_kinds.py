"""The masks that the painter shows, each with the line of code that makes it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from glassbox.arguments import expect_whole
from glassbox.attention import masks
from glassbox.attention.masks import Mask

LEAST = 8


class Kind(NamedTuple):
    """A mask of t queries from position `first`, drawn from the row `row` on; `data` is what it reads."""

    name: str
    code: str
    mask: Mask
    t: int
    first: int = 0
    row: int = 0
    data: str = ""


def mask_kinds(size: int = 12) -> list[dict]:
    """Return one row per kind of mask over `size` positions: its name, its code, and what each query sees.

    Convention: `seen[query][key]` is True where the query may see the key; a query that is not computed has
        a row of None. `code` is the expression of `glassbox.attention.masks`, `data` what it reads, if any.
    Raises: TypeError, ValueError for a size that is no whole number >= 8.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_whole("size", size, LEAST)
    return [
        {
            "name": kind.name,
            "code": kind.code,
            "data": kind.data,
            "seen": _placed(_dense(kind, size), kind.row, size),
        }
        for kind in _kinds(size)
    ]


def _kinds(size: int) -> list[Kind]:
    causal, *plain = [Kind(name, code, mask, size) for name, code, mask in _plain(size)]
    with_data = [
        Kind(name, f"causal() & {code}", masks.causal() & mask, size, data=data)
        for name, code, mask, data in _with_data(size)
    ]
    return [causal, *_chunks(size), *plain, *with_data]


def _chunks(size: int) -> list[Kind]:
    """Return the two alignments of a chunk of queries behind a cache."""
    t = size // 3
    names = (
        ("chunk with a cache, bottom-right", "", size - t),
        ("chunk with a cache, top-left", ", first=0", 0),
    )
    return [
        Kind(name, f"causal().dense({t}, {size}{more})", masks.causal(), t, first, size - t)
        for name, more, first in names
    ]


def _plain(size: int) -> list[tuple[str, str, Mask]]:
    third, causal = size // 3, masks.causal()
    window, sinks = masks.sliding_window(third), masks.sinks(2)
    return [
        ("causal", "causal()", causal),
        ("prefix LM", f"prefix_lm({third})", masks.prefix_lm(third)),
        ("GLM blank filling", f"blank_filling({size - third})", masks.blank_filling(size - third)),
        ("sliding window", f"causal() & sliding_window({third})", causal & window),
        ("window with sinks", f"causal() & (sinks(2) | sliding_window({third}))", causal & (sinks | window)),
        ("dilated", "causal() & dilated(3)", causal & masks.dilated(3)),
        ("strided", f"causal() & strided({third})", causal & masks.strided(third)),
        ("the future alone", "~causal()", ~causal),
    ]


def _with_data(size: int) -> list[tuple[str, str, Mask, str]]:
    third = size // 3
    ids = torch.arange(size)[None] // (third + 1)
    right, left = torch.arange(size)[None] < size - third, torch.arange(size)[None] >= third
    layout = torch.eye(-(-size // third), dtype=torch.bool)
    layout[:, 0] = True
    blocks = " / ".join(_digits(row) for row in layout)
    return [
        ("packed documents", "documents(ids)", masks.documents(ids), f"ids = {_digits(ids[0])}"),
        ("right padding", "padding(valid)", masks.padding(right), f"valid = {_digits(right[0])}"),
        ("left padding", "padding(valid)", masks.padding(left), f"valid = {_digits(left[0])}"),
        (
            "block-sparse",
            f"block_sparse(layout, {third})",
            masks.block_sparse(layout, third),
            f"layout = {blocks}",
        ),
    ]


def _digits(row: torch.Tensor) -> str:
    return " ".join(str(int(value)) for value in row)


def _dense(kind: Kind, size: int) -> list[list[bool]]:
    seen = kind.mask.dense(kind.t, size, first=kind.first)
    return seen.reshape(-1, *seen.shape[-2:])[0].tolist()


def _placed(seen: Sequence[Sequence[bool]], row: int, size: int) -> list[list]:
    """Return the rows at the positions of their queries; rows before and after hold None."""
    after = size - row - len(seen)
    return [[None] * size for _ in range(row)] + [list(each) for each in seen] + [[None] * size] * after
