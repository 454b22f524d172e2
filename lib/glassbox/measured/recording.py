"""Sweeps too long for a notebook: their rows, shipped in `data/experiments/` with how they were made."""

import json
import platform
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from glassbox import paths
from glassbox.arguments import expect_choice
from glassbox.tiny.text import stories

KEYS = {"command", "date", "versions", "processor", "text_sha256", "along", "every", "runs"}


class Shape(NamedTuple):
    """How the rows of a sweep are stored: one list per measured column, along `along` in steps of `every`.

    Where the steps are uneven, `along` is stored as a measured column is.
    """

    along: str
    every: int
    measured: tuple[str, ...]


def text_digest() -> str:
    """Return the checksum of the text that the runs read."""
    return sha256(stories()).hexdigest()


def gather(rows: Sequence[dict], shape: Shape) -> list[dict]:
    """Return one entry per run: the columns that name it, and each measured column as a list."""
    runs: dict[tuple, list[dict]] = {}
    for row in rows:
        name = tuple((key, value) for key, value in row.items() if key not in (shape.along, *shape.measured))
        runs.setdefault(name, []).append(row)
    return [
        dict(name) | {column: [_short(row[column]) for row in part] for column in shape.measured}
        for name, part in runs.items()
    ]


def _short(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.5g}")


def spread(runs: Sequence[dict], along: str, every: int) -> list[dict]:
    """Undo `gather`."""
    rows = []
    for run in runs:
        lists = {key: value for key, value in run.items() if isinstance(value, list)}
        name = {key: value for key, value in run.items() if key not in lists}
        for index, values in enumerate(zip(*lists.values(), strict=True)):
            rows.append(name | {along: (index + 1) * every} | dict(zip(lists, values, strict=True)))
    return rows


def write(path: Path, rows: Sequence[dict], shape: Shape, command: str) -> None:
    """Write the rows with their provenance, one run to a line."""
    record = {
        "command": command,
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "processor": platform.machine(),
        "text_sha256": text_digest(),
        "along": shape.along,
        "every": shape.every,
    }
    head = json.dumps(record, indent=1)[:-2]
    body = ",\n".join("  " + json.dumps(run) for run in gather(rows, shape))
    path.write_text(f'{head},\n "runs": [\n{body}\n ]\n}}\n', encoding="utf-8", newline="\n")


def recorded(topic: str, name: str) -> list[dict]:
    """Return the rows of a shipped sweep of a topic: `data/experiments/<topic>_<name>.json`.

    Raises: ValueError if there is no such sweep, or it does not say how it was made.
    """
    folder = paths.data("experiments")
    shipped = sorted(path.stem.removeprefix(f"{topic}_") for path in folder.glob(f"{topic}_*.json"))
    expect_choice("name", name, shipped)
    path = folder / f"{topic}_{name}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    if missing := KEYS - record.keys():
        raise ValueError(f"{path.name} does not say: {', '.join(sorted(missing))}")
    return spread(record["runs"], record["along"], record["every"])
