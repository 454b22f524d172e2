"""Make the shipped sweeps again: `python -m glassbox.flash.experiments --out data/experiments`.

About 3 minutes of one core.
"""

from glassbox.flash.experiments.timing import CPU_TIME, cpu_time
from glassbox.measured.remaking import Sweep, remake

# name -> what makes its rows, with which arguments in turn, and how the rows are stored
SWEEPS = {"cpu_time": Sweep(cpu_time, [()], CPU_TIME)}


def main(arguments: list[str] | None = None) -> None:
    """Make the sweeps again, all or one."""
    remake("flash", SWEEPS, arguments)
