"""By what factor something changes with the depth, seed by seed: its median and its range."""

from collections.abc import Iterable, Sequence

from glassbox.arguments import bad_value
from glassbox.measured import spread_of
from glassbox.norms.experiments.recorded import recorded


def gradient_change(
    shallow: int = 6, deep: int = 48, seeds: Iterable[int] = range(9), rows: Sequence[dict] | None = None
) -> list[dict]:
    """Return by what factor the gradient of the first and of the last block changes from shallow to deep.

    factor = |gradient| at `deep` / |gradient| at `shallow`, each with the same seed.
    A row has `placement`, `block` ("first" or "last"), and the `median`, `least` and `most` factor.

    Convention: `grad_norm` of `signal_sweep` at gain 1; its recorded rows unless others are given.
    Raises: ValueError for a depth or a seed that the rows do not have.
    Taught in: notebooks/01_norms.ipynb
    """
    rows = recorded("signals") if rows is None else rows
    ends = [
        row | {"block": block}
        for row in rows
        if row["gain"] == 1
        for block, layer in (("first", 1), ("last", row["depth"]))
        if row["layer"] == layer
    ]
    return _changes(ends, "grad_norm", ("placement", "block"), shallow, deep, seeds)


def update_change(
    shallow: int = 4, deep: int = 32, seeds: Iterable[int] = range(9), rows: Sequence[dict] | None = None
) -> list[dict]:
    """Return by what factor one gradient step moves the output of a deep stack further than a shallow one's.

    factor = `update` at `deep` / `update` at `shallow`, each with the same seed.
    A row has `placement`, and the `median`, `least` and `most` factor.

    Convention: `update` of `model_update`, matrices only; its recorded rows unless others are given.
    Raises: ValueError for a depth or a seed that the rows do not have.
    Taught in: notebooks/01_norms.ipynb
    """
    rows = recorded("updates") if rows is None else rows
    matrices = [row for row in rows if row["moving"] == "matrices"]
    return _changes(matrices, "update", ("placement",), shallow, deep, seeds)


def _changes(
    rows: Sequence[dict], column: str, keys: Sequence[str], shallow: int, deep: int, seeds: Iterable[int]
) -> list[dict]:
    seeds = list(seeds)
    _expect("shallow", shallow, {row["depth"] for row in rows})
    _expect("deep", deep, {row["depth"] for row in rows})
    for seed in seeds:
        _expect("seeds", seed, {row["seed"] for row in rows})
    chosen = [row for row in rows if row["seed"] in seeds]
    below = {_name(row, *keys, "seed"): row[column] for row in chosen if row["depth"] == shallow}
    factors = [
        {key: row[key] for key in keys} | {"factor": row[column] / below[_name(row, *keys, "seed")]}
        for row in chosen
        if row["depth"] == deep
    ]
    names = {_name(row, *keys): {key: row[key] for key in keys} for row in factors}
    spread = spread_of([row | {"name": _name(row, *keys)} for row in factors], "factor", "name")
    return [names[name] | spread[name] for name in names]


def _name(row: dict, *keys: str) -> tuple:
    return tuple(row[key] for key in keys)


def _expect(name: str, value: int, known: set[int]) -> None:
    if value not in known:
        raise bad_value(name, f"one of the rows: {', '.join(map(str, sorted(known)))}", value)
