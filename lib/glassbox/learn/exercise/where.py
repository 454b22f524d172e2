"""Where a wrong result is wrong, in one sentence: everywhere by a factor, one row, the diagonal."""

import torch
from torch import Tensor

from glassbox.learn.exercise.compare import agrees

MOST_PAIRS = 4


def where(got: Tensor, want: Tensor) -> str:
    """Return a sentence on a result of the right shape with wrong values."""
    right = agrees(got, want)
    if want.numel() == 1:
        return _single(float(got), float(want))
    if (found := _pattern(got.double(), want.double(), right)) is not None:
        return found
    place = _place(~right)
    return f"{int((~right).sum())} of {right.numel()} values differ{f': {place}' if place else ''}"


def _single(got: float, want: float) -> str:
    if want and abs(got / want) < 1e6:
        return f"{number(got)} instead of {number(want)}: {number(got / want)} times as large"
    return f"{number(got)} instead of {number(want)}"


def _pattern(got: Tensor, want: Tensor, right: Tensor) -> str | None:
    """See a factor or a constant that is the same everywhere, or in each row."""
    if bool(right.any()) or not bool((got.isfinite() & want.isfinite()).all()):
        return None
    ratio, gap = got / want, got - want
    if _constant(ratio):
        return f"everything is {number(ratio.mean())} times as large as it should be"
    if _constant(gap):
        return f"everything is off by {number(gap.mean())}"
    if want.ndim > 1 and _constant(ratio, -1):
        return "each row (last dimension) is off by a factor of its own"
    if want.ndim > 1 and _constant(gap, -1):
        return "each row (last dimension) is off by a constant of its own"
    if want.ndim > 1 and _constant(ratio, -2):
        return "each column is off by a factor of its own"
    return None


def _constant(x: Tensor, dim: int | None = None) -> bool:
    if dim is not None and x.shape[dim] < 2:
        return False
    middle = x.mean() if dim is None else x.mean(dim, keepdim=True)
    return bool(x.isfinite().all()) and bool(((x - middle).abs() <= 1e-6 * (1e-9 + middle.abs())).all())


def _place(wrong: Tensor) -> str:
    if wrong.ndim < 2:
        return _list("place", wrong.nonzero().flatten().tolist(), wrong.numel())
    table = wrong.reshape(-1, *wrong.shape[-2:]).any(0)
    rows, columns = table.any(1).nonzero().flatten().tolist(), table.any(0).nonzero().flatten().tolist()
    n, m = table.shape
    if len(rows) < n and len(rows) <= n // 2:
        return _list("row", rows, n)
    if len(columns) < m and len(columns) <= m // 2:
        return _list("column", columns, m)
    if not bool(table.triu(1).any()):
        return "on the diagonal and below" if bool(table.tril(-1).any()) else "on the diagonal"
    if not bool(table.tril(-1).any()):
        return "on the diagonal and above" if bool(table.diagonal().any()) else "above the diagonal"
    return ""


def _list(name: str, places: list[int], total: int) -> str:
    if len(places) == total or len(places) > 3:
        return ""
    last = " (the last)" if places == [total - 1] else ""
    return f"{name}{'s' * (len(places) > 1)} {', '.join(map(str, places))}{last} of {total}"


def pairs(got: Tensor, want: Tensor) -> tuple[str, ...]:
    """Return the worst places with both values: at most four, so eight numbers."""
    wrong = ~agrees(got, want)
    gap = (got.double() - want.double()).abs().nan_to_num(torch.inf, torch.inf).where(wrong, -1.0)
    worst = gap.flatten().argsort(descending=True, stable=True)[: min(MOST_PAIRS, int(wrong.sum()))]
    return tuple(_pair(got, want, int(place)) for place in worst)


def _pair(got: Tensor, want: Tensor, place: int) -> str:
    index = [int(part) for part in torch.unravel_index(torch.tensor(place), want.shape)] if want.ndim else []
    values = f"{number(got.flatten()[place])}, expected {number(want.flatten()[place])}"
    return f"{index or ''}: {values}".lstrip(": ")


def number(value) -> str:
    """Return a number with four significant digits."""
    value = value.item() if isinstance(value, Tensor) else value
    return f"{value:.4g}" if isinstance(value, float) else str(value)
