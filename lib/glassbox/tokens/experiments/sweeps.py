"""Make the shipped sweeps again: `python -m glassbox.tokens.experiments --out data/experiments`.

About ten minutes on one idle core.
"""

import argparse
from pathlib import Path

import torch

from glassbox import paths
from glassbox.measured import Shape, write
from glassbox.tokens.experiments.fertility import FERTILITY, SIZES, TEXTS, TRAINED_ON, TRAINERS, fertility
from glassbox.tokens.experiments.glitches import (
    GLITCHES,
    NEIGHBOURS,
    SETUPS,
    glitch_neighbours,
    glitches,
)
from glassbox.tokens.experiments.loss_per_byte import LOSS, VOCABULARIES, loss_per_byte
from glassbox.tokens.experiments.speed import SPEED, speed

# name -> what makes its rows, with which arguments in turn, and how the rows are stored
SWEEPS = {
    "fertility": (fertility, [(SIZES, tuple(TRAINERS), tuple(TEXTS), on) for on in TRAINED_ON], FERTILITY),
    "loss_per_byte": (loss_per_byte, [((vocabulary,),) for vocabulary in VOCABULARIES], LOSS),
    "loss_longer": (
        loss_per_byte,
        [((vocabulary,), ("steps",), range(3), 1200) for vocabulary in (256, 2048)],
        LOSS,
    ),
    "glitches": (glitches, [((setup,),) for setup in SETUPS], GLITCHES),
    "glitch_neighbours": (glitch_neighbours, [((setup,),) for setup in SETUPS], NEIGHBOURS),
    "speed": (speed, [()], SPEED),
}


def make(name: str) -> tuple[list[dict], Shape]:
    """Return the rows of a sweep, and how they are stored."""
    function, jobs, shape = SWEEPS[name]
    rows = []
    for number, job in enumerate(jobs, 1):
        rows += function(*job)
        print(f"{name}: {number} of {len(jobs)}", flush=True)
    return rows, shape


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the shipped sweeps of notebook 05 again.")
    parser.add_argument("--out", type=Path, default=paths.root() / "data" / "experiments")
    parser.add_argument("--only", choices=SWEEPS, help="one sweep alone")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in [chosen.only] if chosen.only else SWEEPS:
        rows, shape = make(name)
        command = f"python -m glassbox.tokens.experiments --only {name}"
        write(chosen.out / f"tokens_{name}.json", rows, shape, command)
        print(f"tokens_{name}.json: {len(rows)} rows")
