"""Sweeps too long for a notebook: their rows, shipped in `data/experiments/` with how they were made."""

import json
import platform
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from glassbox import paths
from glassbox.norms.experiments.signals import stories

KEYS = {"command", "date", "versions", "processor", "text_sha256", "every", "runs"}


def gather(rows: Sequence[dict]) -> list[dict]:
    """Return one entry per run: the columns that name it, and its `losses` in order of steps."""
    runs: dict[tuple, list[float]] = {}
    for row in rows:
        name = tuple((key, value) for key, value in row.items() if key not in ("step", "loss"))
        runs.setdefault(name, []).append(row["loss"])
    return [dict(name) | {"losses": losses} for name, losses in runs.items()]


def spread(runs: Sequence[dict], every: int) -> list[dict]:
    """Undo `gather`."""
    return [
        {key: value for key, value in run.items() if key != "losses"}
        | {"step": (index + 1) * every, "loss": loss}
        for run in runs
        for index, loss in enumerate(run["losses"])
    ]


def write(path: Path, rows: Sequence[dict], every: int, command: str) -> None:
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
        "text_sha256": sha256(stories()).hexdigest(),
        "every": every,
    }
    head = json.dumps(record, indent=1)[:-2]
    body = ",\n".join("  " + json.dumps(run) for run in gather(rows))
    path.write_text(f'{head},\n "runs": [\n{body}\n ]\n}}\n', encoding="utf-8", newline="\n")


def recorded(name: str) -> list[dict]:
    """Return the rows of a shipped sweep: "training" or "recentering".

    Raises: FileNotFoundError if it is not there; ValueError if it does not say how it was made.
    """
    path = paths.data("experiments", f"norms_{name}.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    if missing := KEYS - record.keys():
        raise ValueError(f"{path.name} does not say: {', '.join(sorted(missing))}")
    return spread(record["runs"], record["every"])
