"""Loss curves summed up: the end of each run, its mean and spread over the seeds, and pairs of one seed."""

from collections.abc import Sequence
from statistics import fmean, stdev

# The columns that change along a run; all others name it.
MEASURED = ("step", "loss", "held_out", "gradient", "largest")


def finals(rows: Sequence[dict]) -> list[dict]:
    """Return the last row of each run."""
    last = {}
    for row in rows:
        last[tuple(value for key, value in row.items() if key not in MEASURED)] = row
    return list(last.values())


def summary(rows: Sequence[dict], *keys: str, column: str = "held_out") -> list[dict]:
    """Return, by the key columns, `runs` and the `mean`, `deviation`, `least`, `most` of the runs' last rows.

    Convention: `deviation` is that of one run (over n - 1), not that of the mean.
    """
    groups: dict[tuple, list[float]] = {}
    for row in finals(rows):
        groups.setdefault(tuple(row[key] for key in keys), []).append(row[column])
    return [
        dict(zip(keys, name, strict=True))
        | {"runs": len(values), "mean": fmean(values), "deviation": stdev(values)}
        | {"least": min(values), "most": max(values)}
        for name, values in groups.items()
    ]


def against(rows: Sequence[dict], key: str, base: str, column: str = "held_out") -> list[dict]:
    """Return each other run less the `base` run of its seed: `key`, `pairs`, `mean`, `error`, `above`.

    Convention: `error` is the standard error of the mean difference; `above` counts the seeds at which the
        other run is the worse one. The runs of a seed read the same batches.
    """
    runs: dict[str, dict[int, float]] = {}
    for row in finals(rows):
        runs.setdefault(row[key], {})[row["seed"]] = row[column]
    found = []
    for name, losses in runs.items():
        if name != base:
            gaps = [loss - runs[base][seed] for seed, loss in losses.items()]
            error = stdev(gaps) / len(gaps) ** 0.5
            row = {key: name, "pairs": len(gaps), "mean": fmean(gaps), "error": error}
            found.append(row | {"above": sum(gap > 0 for gap in gaps)})
    return found
