"""Make the shipped sweeps again: `python -m glassbox.attention.experiments --out data/experiments`.

About 35 minutes of one core.
"""

from glassbox.attention.experiments.conversion import CONVERSION, METHODS, conversion
from glassbox.attention.experiments.decode_time import DECODE_TIME, decode_time
from glassbox.attention.experiments.lookups import LOOKUPS, READOUTS, lookups
from glassbox.attention.experiments.prior import KINDS, PRIOR, prior
from glassbox.attention.experiments.reversal import ALIGNMENT, REVERSAL, SCORES, alignment, reversal
from glassbox.attention.experiments.stability import HIGH, STABILITY, stability
from glassbox.attention.experiments.training import CURVE, PEAK
from glassbox.attention.experiments.training_variants import COMPARISONS, SHARED, quality, sharing
from glassbox.measured.remaking import Sweep, remake

# name -> what makes its rows, with which arguments in turn, and how the rows are stored
SWEEPS = {
    "quality": Sweep(quality, [(list(COMPARISONS), [seed]) for seed in range(5)], CURVE),
    "sharing": Sweep(sharing, [([name], [seed]) for name in SHARED for seed in range(3)], CURVE),
    "conversion": Sweep(conversion, [(list(METHODS), (4, 2, 1), 2, [seed]) for seed in range(3)], CONVERSION),
    "lookups": Sweep(lookups, [((1, 2), READOUTS, 8), ((1, 2, 4, 8, 16), READOUTS, 32)], LOOKUPS),
    "stability": Sweep(stability, [((8, 1), (peak,)) for peak in (PEAK, HIGH)], STABILITY),
    "prior": Sweep(prior, [([kind],) for kind in KINDS], PRIOR),
    "reversal": Sweep(reversal, [([score],) for score in SCORES], REVERSAL),
    "alignment": Sweep(alignment, [()], ALIGNMENT),
    "decode_time": Sweep(decode_time, [()], DECODE_TIME),
}


def main(arguments: list[str] | None = None) -> None:
    """Make the sweeps again, all or one."""
    remake("attention", SWEEPS, arguments)
