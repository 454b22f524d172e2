"""Make a config table again on a GPU: try what compiles well, time it by the protocol, keep the fastest."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from glassbox.machine import configs
from glassbox.machine.bench.case import Case, Operation, Table
from glassbox.machine.bench.protocol import Sample, measure
from glassbox.machine.bench.rig import Rig
from glassbox.machine.bench.run import chosen, entry, problem

# (operation, case, candidates, rig) -> for each why it is dropped before it costs time on the device, or ''
Prune = Callable[[Operation, Case, Sequence[dict], Rig], Sequence[str]]
CLEARLY = 0.98  # a table changes for a config that needs at most this share of the time


class Pick(NamedTuple):
    """What one case's tuning found: the config in use, the fastest, their medians, and what was dropped."""

    case: Case
    architecture: str
    dtype: str
    bucket: int
    before: dict
    after: dict
    before_ms: float | None
    after_ms: float | None
    dropped: dict[str, str]

    @property
    def changed(self) -> bool:
        """Whether another config is clearly faster."""
        return self.before != self.after


def tune(
    operation: Operation,
    rig: Rig,
    prune: Prune,
    quick: bool = False,
    tell: Callable[[str], object] = lambda text: None,
) -> list[Pick]:
    """Time the candidates of every case, and return what to put into the table.

    Raises: ValueError if the operation has no table.
    """
    if operation.table is None:
        raise ValueError(f"{operation.name} takes no launch arguments from a table: nothing to tune")
    picks = []
    with rig.timer.session():
        for case in chosen(operation, quick):
            tell(f"{operation.name}: {case}")
            picks.append(tune_case(operation, operation.table, case, rig, prune))
    return picks


def tune_case(operation: Operation, table: Table, case: Case, rig: Rig, prune: Prune) -> Pick:
    """Time the config in use and the candidates that are not pruned, in one run.

    Convention: a candidate that computes something wrong is dropped as one that does not compile.
    """
    rig.fresh()
    size = table.size(case)
    before = configs.choose(table.name, case.torch_dtype, size)
    tried = [before, *(config for config in table.candidates(case) if config != before)]
    why = dict(zip(map(label, tried), ["", *prune(operation, case, tried[1:], rig)], strict=True))
    samples = _timed(operation, table.name, case, rig, [c for c in tried if not why[label(c)]], why)
    fastest = _fastest(before, tried, samples)
    found = (samples[label(c)].median if label(c) in samples else None for c in (before, fastest))
    dropped = {config: reason for config, reason in why.items() if reason}
    key = (rig.facts.architecture, case.dtype, 1 << (size - 1).bit_length())
    return Pick(case, *key, before, fastest, *found, dropped)


def label(config: dict) -> str:
    """Return a config as text."""
    return " ".join(f"{key}={value}" for key, value in config.items())


def _timed(operation, name: str, case: Case, rig: Rig, kept: Sequence[dict], why: dict) -> dict[str, Sample]:
    this, providers = problem(operation, case, rig.device), {}
    for config in kept:
        made = entry(this, lambda config=config: _forced(operation.ours, name, config))
        if "provider" in made:
            own = made["provider"]
            providers[label(config)] = type(own)(_forced(own.call, name, config), own.prepare)
        else:
            why[label(config)] = made.get("refused") or made["absent"]
    return measure(providers, rig.timer)


def _forced(function: Callable, name: str, config: dict) -> Callable:
    """Return the function with one config forced on every launch below it."""

    def call(*arguments):
        with configs.override(name, config):
            return function(*arguments)

    return call


def _fastest(before: dict, tried: Sequence[dict], samples: dict[str, Sample]) -> dict:
    """Return the fastest config: the one in use unless another is clearly faster."""
    timed = [config for config in tried if label(config) in samples]
    best = min(timed, key=lambda config: samples[label(config)].median, default=before)
    own = samples.get(label(before))
    return before if own and samples[label(best)].median > CLEARLY * own.median else best


def difference(picks: Sequence[Pick]) -> list[str]:
    """Return one line for each case: what stays, or what comes instead of what."""
    return [_line(pick) for pick in picks]


def _line(pick: Pick) -> str:
    head = f"{pick.architecture} {pick.dtype} <= {pick.bucket}"
    first = next((f", such as {config}: {why}" for config, why in pick.dropped.items()), "")
    tail = f"{_ms(pick.after_ms)}; {len(pick.dropped)} dropped{first}"
    if not pick.changed:
        return f"  {head}: {label(pick.before)} ({tail})"
    return f"- {head}: {label(pick.before)} ({_ms(pick.before_ms)})\n+ {head}: {label(pick.after)} ({tail})"


def _ms(value: float | None) -> str:
    return "not timed" if value is None else f"{value:.4f} ms"


def write_table(path: Path, picks: Sequence[Pick], made: str) -> None:
    """Put picks into a table: each replaces, or adds, the row of its architecture, dtype and bucket.

    Convention: a dtype that had no rows of its own first gets those it used so far, since one row of its own
        would otherwise serve every smaller size. `made` says how, in the table's own words.
    """
    table = json.loads(path.read_text(encoding="utf-8"))
    rows = table["rows"]
    for pick in picks:
        rows = _with(_laddered(rows, pick), pick)
    _save(path, {**table, "made": made}, rows)
    configs.table.cache_clear()


def _laddered(rows: list[dict], pick: Pick) -> list[dict]:
    """Return the rows with a ladder of buckets for the pick's architecture and dtype."""
    own = (pick.architecture, pick.dtype)
    for arch, dtype in (own, (pick.architecture, configs.ANY), (configs.ANY, pick.dtype), (configs.ANY,) * 2):
        ladder = [row for row in rows if (row["arch"], row["dtype"]) == (arch, dtype)]
        if ladder:
            copies = [{**row, "arch": own[0], "dtype": own[1]} for row in ladder]
            return rows if (arch, dtype) == own else rows + copies
    return rows


def _with(rows: list[dict], pick: Pick) -> list[dict]:
    own = {"arch": pick.architecture, "dtype": pick.dtype, "bucket": pick.bucket, "config": pick.after}
    key = ("arch", "dtype", "bucket")
    return [row for row in rows if any(row[k] != own[k] for k in key)] + [own]


def _save(path: Path, table: dict, rows: list[dict]) -> None:
    """Write a table, one row to a line, each ladder in order with the open end last."""
    groups = list(dict.fromkeys((row["arch"], row["dtype"]) for row in rows))
    rows = sorted(
        rows, key=lambda r: (groups.index((r["arch"], r["dtype"])), r["bucket"] is None, r["bucket"] or 0)
    )
    head = json.dumps({k: v for k, v in table.items() if k != "rows"}, indent=1, ensure_ascii=False)[:-2]
    body = ",\n".join("  " + json.dumps(row) for row in rows)
    path.write_text(f'{head},\n "rows": [\n{body}\n ]\n}}\n', encoding="utf-8", newline="\n")
