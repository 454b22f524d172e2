"""Make the shipped sweeps again: `python -m glassbox.norms.experiments --out data/experiments`.

About 30 minutes on two idle cores.
"""

import argparse
import multiprocessing
from pathlib import Path

import torch

from glassbox import paths
from glassbox.measured import write
from glassbox.norms.experiments.recentering import PARTS, recentering
from glassbox.norms.experiments.recorded import SIGNALS, TRAINING, UPDATES
from glassbox.norms.experiments.signals import model_update, signal_sweep
from glassbox.norms.experiments.training import train

STEPS = 300
# (placement, warm-up) at each depth; at 40 layers three seeds, else five.
SETTINGS = [("post", 0), ("post", 100), ("pre", 0), ("pre", 100), ("deep", 0), ("sandwich", 0)]
DEEPEST = [("post", 0), ("pre", 0), ("deep", 0)]


def training_runs() -> list[dict]:
    runs = [(depth, setting, seed) for depth in (4, 8, 24) for setting in SETTINGS for seed in range(5)]
    runs += [(40, setting, seed) for setting in DEEPEST for seed in range(3)]
    return [
        {
            "placement": placement,
            "depth": depth,
            "seed": seed,
            "warmup": warmup,
            "steps": STEPS,
            "every": TRAINING.every,
        }
        for depth, (placement, warmup), seed in runs
    ]


def _train(run: dict) -> list[dict]:
    return train(**run)


def _recentre(job: tuple[str, int]) -> list[dict]:
    part, seed = job
    return recentering([part], seeds=[seed], steps=STEPS)


def _signals(job: tuple[str, float]) -> list[dict]:
    placement, gain = job
    return signal_sweep([placement], gains=[gain], seeds=SEEDS)


def _updates(job: tuple[str, int]) -> list[dict]:
    placement, seed = job
    return model_update([placement], seeds=[seed], moving=["matrices"])


PLACEMENTS, GAINS = ("post", "pre", "deep", "sandwich"), (0.5, 1.0, 2.0)
SEEDS = range(9)  # of the signals and the updates: one network differs much from the next
# name -> what one worker does, with which jobs, and how the rows are stored
SWEEPS = {
    "signals": (_signals, lambda: [(placement, gain) for placement in PLACEMENTS for gain in GAINS], SIGNALS),
    "updates": (
        _updates,
        lambda: [(placement, seed) for placement in ("post", "pre", "deep") for seed in SEEDS],
        UPDATES,
    ),
    "training": (_train, training_runs, TRAINING),
    "recentering": (_recentre, lambda: [(part, seed) for part in PARTS for seed in range(5)], TRAINING),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the shipped sweeps of notebook 01 again.")
    parser.add_argument("--out", type=Path, default=paths.root() / "data" / "experiments")
    parser.add_argument("--only", choices=SWEEPS, help="one sweep alone")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in [chosen.only] if chosen.only else SWEEPS:
        function, jobs, shape = SWEEPS[name]
        with multiprocessing.get_context("spawn").Pool(2, torch.set_num_threads, (1,)) as pool:
            rows = [row for part in pool.imap(function, jobs()) for row in part]
        command = f"python -m glassbox.norms.experiments --only {name}"
        write(chosen.out / f"norms_{name}.json", rows, shape, command)
        print(f"norms_{name}.json: {len(rows)} rows")
