"""Make the shipped sweeps again: `python -m glassbox.attention.experiments --out data/experiments`.

About 35 minutes of one core.
"""

import argparse
from pathlib import Path

import torch

from glassbox import paths
from glassbox.attention.experiments.conversion import CONVERSION, METHODS, conversion
from glassbox.attention.experiments.decode_time import DECODE_TIME, decode_time
from glassbox.attention.experiments.lookups import LOOKUPS, READOUTS, lookups
from glassbox.attention.experiments.prior import KINDS, PRIOR, prior
from glassbox.attention.experiments.reversal import ALIGNMENT, REVERSAL, SCORES, alignment, reversal
from glassbox.attention.experiments.stability import HIGH, STABILITY, stability
from glassbox.attention.experiments.training import CURVE, PEAK
from glassbox.attention.experiments.training_variants import COMPARISONS, SHARED, quality, sharing
from glassbox.measured import Shape, write

# name -> what makes its rows, with which arguments in turn, and how the rows are stored
SWEEPS = {
    "quality": (quality, [(list(COMPARISONS), [seed]) for seed in range(5)], CURVE),
    "sharing": (sharing, [([name], [seed]) for name in SHARED for seed in range(3)], CURVE),
    "conversion": (conversion, [(list(METHODS), (4, 2, 1), 2, [seed]) for seed in range(3)], CONVERSION),
    "lookups": (lookups, [((1, 2), READOUTS, 8), ((1, 2, 4, 8, 16), READOUTS, 32)], LOOKUPS),
    "stability": (stability, [((8, 1), (peak,)) for peak in (PEAK, HIGH)], STABILITY),
    "prior": (prior, [([kind],) for kind in KINDS], PRIOR),
    "reversal": (reversal, [([score],) for score in SCORES], REVERSAL),
    "alignment": (alignment, [()], ALIGNMENT),
    "decode_time": (decode_time, [()], DECODE_TIME),
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
    parser = argparse.ArgumentParser(description="Make the shipped sweeps of notebook 03 again.")
    parser.add_argument("--out", type=Path, default=paths.root() / "data" / "experiments")
    parser.add_argument("--only", choices=SWEEPS, help="one sweep alone")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in [chosen.only] if chosen.only else SWEEPS:
        rows, shape = make(name)
        command = f"python -m glassbox.attention.experiments --only {name}"
        write(chosen.out / f"attention_{name}.json", rows, shape, command)
        print(f"attention_{name}.json: {len(rows)} rows")
