"""Making the shipped sweeps of a topic again, from the command line."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from glassbox import paths
from glassbox.measured.recording import Shape, write


class Sweep(NamedTuple):
    """What makes the rows, with which arguments in turn, and how the rows are stored."""

    function: Callable[..., list[dict]]
    jobs: Sequence[tuple]
    shape: Shape


def make(name: str, sweep: Sweep) -> list[dict]:
    """Return the rows of a sweep, job by job."""
    rows = []
    for number, job in enumerate(sweep.jobs, 1):
        rows += sweep.function(*job)
        print(f"{name}: {number} of {len(sweep.jobs)}", flush=True)
    return rows


def remake(topic: str, sweeps: Mapping[str, Sweep], arguments: list[str] | None = None) -> None:
    """Make all sweeps of a topic, or the one that `--only` names, and write them with their provenance.

    Convention: one thread, so that the same command gives the same rows.
    """
    parser = argparse.ArgumentParser(description=f"Make the shipped sweeps of {topic} again.")
    parser.add_argument("--out", type=Path, default=paths.root() / "data" / "experiments")
    parser.add_argument("--only", choices=sweeps, help="one sweep alone")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in [chosen.only] if chosen.only else sweeps:
        rows, file = make(name, sweeps[name]), f"{topic}_{name}.json"
        command = f"python -m glassbox.{topic}.experiments --only {name}"
        write(chosen.out / file, rows, sweeps[name].shape, command)
        print(f"{file}: {len(rows)} rows")
