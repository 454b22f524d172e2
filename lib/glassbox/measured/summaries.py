"""A column of rows by the values of other columns: mean, median, spread; and the power of a power law."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median

from glassbox.arguments import bad_value


def mean_of(rows: Iterable[dict], column: str, *keys: str) -> dict:
    """Return the mean of a column by the values of the key columns: {(key, key): mean}, or {key: mean}."""
    return {name: fmean(values) for name, values in _grouped(rows, column, keys).items()}


def median_of(rows: Iterable[dict], column: str, *keys: str) -> dict:
    """Return the median of a column by the values of the key columns, as `mean_of` does the mean."""
    return {name: median(values) for name, values in _grouped(rows, column, keys).items()}


def spread_of(rows: Iterable[dict], column: str, *keys: str) -> dict:
    """Return {key: {"median", "least", "most"}} of a column, such as over the seeds."""
    return {
        name: {"median": median(values), "least": min(values), "most": max(values)}
        for name, values in _grouped(rows, column, keys).items()
    }


def _grouped(rows: Iterable[dict], column: str, keys: Sequence[str]) -> dict:
    values: dict = {}
    for row in rows:
        name = tuple(row[key] for key in keys)
        values.setdefault(name if len(keys) > 1 else name[0], []).append(row[column])
    return values


def loglog_slope(rows: Iterable[dict], y: str, x: str) -> float:
    """Return the power p of the least-squares fit y ~ x^p: 0 is flat, -0.5 falls as one over the root of x.

    Raises: ValueError with fewer than two different x, or values that have no logarithm.
    """
    points = [(row[x], row[y]) for row in rows]
    if len({a for a, _ in points}) < 2:
        raise bad_value("rows", f"at least two different {x}", len(points))
    if min(min(point) for point in points) <= 0:
        raise bad_value("rows", f"{x} and {y} above zero", min(points))
    logs = [(math.log(a), math.log(b)) for a, b in points]
    mean_x, mean_y = (sum(axis) / len(logs) for axis in zip(*logs, strict=True))
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in logs)
    return covariance / sum((a - mean_x) ** 2 for a, _ in logs)
