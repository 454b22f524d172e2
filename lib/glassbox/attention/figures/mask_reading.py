"""What a painted mask says: the code that comes nearest to it, and what a softmax makes of its rows."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from glassbox.attention.figures.mask_kinds import mask_kinds

MOST_CHANGES = 6

Cells = Sequence[Sequence[bool]]


class Reading(NamedTuple):
    """The lines of code of a mask, how many keys each query sees, and the sum of its weights."""

    code: str
    keys: tuple[int, ...]
    sums: tuple[float, ...]


def whole_kinds(size: int) -> list[dict]:
    """Return the kinds of mask whose every query is computed."""
    return [row for row in mask_kinds(size) if None not in (cell for cells in row["seen"] for cell in cells)]


def read(seen: Cells) -> Reading:
    """Return what a mask of as many queries as keys says; a row that sees nothing sums to NaN."""
    matrix = torch.tensor(seen, dtype=torch.bool)
    scores = torch.zeros(matrix.shape).masked_fill(~matrix, -torch.inf)
    sums = scores.softmax(-1).sum(-1)
    return Reading(_code(seen), tuple(matrix.sum(-1).tolist()), tuple(sums.tolist()))


def _code(seen: Cells) -> str:
    """Return the code of the nearest kind, and the cells that have to be changed."""
    size = len(seen)
    changes, nearest = min(
        ((_changes(kind["seen"], seen), kind) for kind in whole_kinds(size)), key=lambda pair: len(pair[0])
    )
    data = [nearest["data"]] if nearest["data"] else []
    if not changes:
        return "\n".join([nearest["code"], *data])
    lines = [f"seen[{query}, {key}] = {seen[query][key]}" for query, key in changes[:MOST_CHANGES]]
    more = [f"... and {len(changes) - MOST_CHANGES} cells more"] if len(changes) > MOST_CHANGES else []
    mask = f"({nearest['code']})" if " " in nearest["code"] else nearest["code"]
    return "\n".join([f"seen = {mask}.dense({size}, {size})", *data, *lines, *more])


def _changes(old: Cells, new: Cells) -> list[tuple[int, int]]:
    return [
        (query, key)
        for query, (before, after) in enumerate(zip(old, new, strict=True))
        for key, (one, other) in enumerate(zip(before, after, strict=True))
        if one != other
    ]
