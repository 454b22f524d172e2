"""The roofline: the time that a GPU needs at least for the work of a launch, and the wall that decides it.

    seconds = max(bytes / bandwidth, matrix / peak, elementwise / vector peak, special / special rate)

Units: seconds, bytes, FLOP. It is a floor: the walls are assumed to overlap perfectly and each unit to run at
its ceiling, so a real kernel needs longer; how much longer is what a measurement tells.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from glassbox.arguments import bad_type, bad_value, expect_choice, expect_positive
from glassbox.machine.gpus import GPUS, Gpu, find, plain, quantity
from glassbox.machine.simulator.report import Report

__all__ = ["GPUS", "WALLS", "Prediction", "Walls", "Work", "floor", "predict"]

BYTES = ("compulsory", "moved")
CEILINGS = ("datasheet", "measured")


class Walls(NamedTuple):
    """One number per wall: seconds, or the ceiling in bytes/s and FLOP/s."""

    memory: float
    matrix: float
    elementwise: float
    special: float


WALLS = Walls._fields


class Work(NamedTuple):
    """What one launch moves (bytes) and computes (FLOP)."""

    name: str
    bytes: float
    matrix: float
    elementwise: float
    special: float

    @property
    def flops(self) -> float:
        """The FLOP that are quoted: of the matrix units where there are any, as for attention, else all."""
        return self.matrix or self.elementwise + self.special


@dataclass(frozen=True, repr=False)
class Prediction:
    """The floor of one or several launches on one GPU, run one after the other.

    Convention: each launch has its own floor, its largest wall; the total is the sum of these floors.
    """

    gpu: str
    dtype: str
    ceilings: str
    rates: Walls
    launches: tuple[Work, ...]

    @property
    def floors(self) -> tuple[Walls, ...]:
        """The seconds of each wall, launch by launch."""
        return tuple(_walls(work, self.rates, self.dtype) for work in self.launches)

    @property
    def seconds(self) -> float:
        """The time needed at least."""
        return sum(map(max, self.floors))

    @property
    def walls(self) -> Walls:
        """The seconds that each wall alone would need, summed over the launches."""
        return Walls(*map(sum, zip(*self.floors, strict=True)))

    @property
    def binds(self) -> str:
        """The wall that decides the largest part of the time."""
        decided = dict.fromkeys(WALLS, 0.0)
        for walls in self.floors:
            decided[_highest(walls)] += max(walls)
        return max(decided, key=decided.__getitem__)

    @property
    def share(self) -> dict[str, float]:
        """Each wall's seconds divided by the floor: 1 for the wall of a single launch that binds."""
        return {wall: own / self.seconds for wall, own in self.walls._asdict().items()}

    @property
    def work(self) -> Work:
        """Bytes and FLOP of all launches together."""
        names = dict.fromkeys(work.name for work in self.launches)
        return Work(", ".join(names), *(sum(column) for column in list(zip(*self.launches, strict=True))[1:]))

    @property
    def flop_per_second(self) -> float:
        """The rate in quoted FLOP/s that the floor allows: the height of the point under the roof."""
        return self.work.flops / self.seconds

    @property
    def intensity(self) -> float:
        """Quoted FLOP per byte (see `Work.flops`)."""
        return self.work.flops / self.work.bytes if self.work.bytes else math.inf

    @property
    def ridge(self) -> float:
        """The intensity in FLOP per byte at which memory and computing would take this work equally long.

        Convention: of this work's own mix of operations. Where the matrix units decide it is peak /
        bandwidth, the ridge point of the textbook; work without FLOP gets that one too.
        """
        computing = sum(max(walls[1:]) for walls in self.floors)
        rate = self.work.flops / computing if computing else self.rates.matrix
        return rate / self.rates.memory

    def __repr__(self) -> str:
        lines = [self._headline()]
        lines += [f"  {name:<12}{cells[0]:>10}{cells[1]:>12}   {cells[2]}" for name, *cells in self._rows()]
        return "\n".join([*lines, f"  {self._intensity()}"])

    def _repr_html_(self) -> str:
        head = "<tr><th>wall</th><th>time</th><th>share</th><th>work and ceiling</th></tr>"
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in self._rows())
        title, foot = map(html.escape, (self._headline(), self._intensity()))
        return f"<p><b>{title}</b></p><table><thead>{head}</thead><tbody>{body}</tbody></table><p>{foot}</p>"

    def _headline(self) -> str:
        count = f"{len(self.launches)} launches: " if len(self.launches) > 1 else ""
        where = f"{self.gpu} ({self.dtype}, {self.ceilings} ceilings)"
        return (
            f"{count}{self.work.name} on {where}: at least {quantity(self.seconds, 's')}, {self.binds} binds"
        )

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                wall,
                quantity(seconds, "s"),
                f"{100 * seconds / self.seconds:.3g} %",
                f"{quantity(amount, unit)} at {quantity(rate, unit + '/s')}",
            )
            for wall, seconds, amount, rate, unit in zip(
                WALLS, self.walls, self.work[1:], self.rates, ("B", "FLOP", "FLOP", "FLOP"), strict=True
            )
        ]

    def _intensity(self) -> str:
        return f"{plain(self.intensity)} FLOP per byte; memory and computing meet at {plain(self.ridge)}"


def predict(
    report: Report | Sequence[Report],
    gpu: str | Gpu = "H200",
    dtype: str = "bf16",
    *,
    bytes: str = "compulsory",
    ceilings: str = "datasheet",
) -> Prediction:
    """Return the time in seconds that the work of a metered launch, or of several, needs at least on a GPU.

    `dtype` is what the matrix operations multiply: "fp32" (vector units), "tf32", "fp16", "bf16", "fp8",
    "int8". `ceilings="measured"` takes the bandwidth and the matrix rate that were recorded on that GPU.

    Convention: `bytes="compulsory"` counts each element once, what must cross the memory bus whatever the
    cache does. Only this is a floor, since a repeated access may hit the L2 cache. `bytes="moved"` counts
    every access, as if nothing were ever cached.
    Convention: elementwise operations are set against the fp32 vector rate, which counts a multiply-add as
    two; each special function (exp, rsqrt, division, ...) is one result of the special-function units. A
    kernel with packed 16-bit arithmetic, or with polynomials in place of exp, can pass these two walls.
    Raises: ValueError for a GPU that is not in the table, a dtype it lacks, ceilings that nobody recorded, or
    a report without counts.
    Source: Williams, Waterman & Patterson 2009 (doi:10.1145/1498765.1498785).
    """
    expect_choice("bytes", bytes, BYTES)
    reports = [report] if isinstance(report, Report) else report
    if not isinstance(reports, Sequence) or not all(isinstance(each, Report) for each in reports):
        raise bad_type("report", "a Report of a simulated launch, or a list of them", report)
    if not reports:
        raise bad_value("report", "at least one launch", "an empty list")
    return _prediction([_counted(each, bytes) for each in reports], find(gpu), dtype, ceilings)


def floor(
    *,
    bytes: float = 0,
    matrix: float = 0,
    elementwise: float = 0,
    special: float = 0,
    gpu: str | Gpu = "H200",
    dtype: str = "bf16",
    ceilings: str = "datasheet",
    name: str = "work",
) -> Prediction:
    """Return the same for plain numbers: bytes, and matrix, elementwise and special-function FLOP.

    So a formula predicts what is too large to simulate:

        floor(bytes=2 * 16384 * 4096 * 2, gpu="H200")
    """
    work = Work(name, bytes, matrix, elementwise, special)
    for what, amount in zip(Work._fields[1:], work[1:], strict=True):
        expect_positive(what, amount, zero_allowed=True)
    if not any(work[1:]):
        raise bad_value("bytes", "at least one byte or one FLOP", 0)
    return _prediction([work], find(gpu), dtype, ceilings)


def _counted(report: Report, which: str) -> Work:
    if not report.metered:
        raise bad_value("report", "a metered launch", f"{report.kernel} launched with meter=False")
    moved = report.bytes_compulsory if which == "compulsory" else report.bytes_moved
    if not moved and not report.flops.total:
        raise bad_value(
            "report", "a launch that moves a byte or computes", f"{report.kernel}, which does not"
        )
    return Work(report.kernel, moved, *report.flops)


def _prediction(launches: list[Work], gpu: Gpu, dtype: str, ceilings: str) -> Prediction:
    expect_choice("ceilings", ceilings, CEILINGS)
    rates = Walls(gpu.memory_bytes_per_second, gpu.peak(dtype), gpu.peaks["fp32"], gpu.special_per_second)
    if ceilings == "measured":
        rates = _measured(gpu, dtype, rates, any(work.matrix for work in launches))
    return Prediction(gpu.name, dtype, ceilings, rates, tuple(launches))


def _measured(gpu: Gpu, dtype: str, rates: Walls, has_matrix: bool) -> Walls:
    """Return the rates with what was recorded; nothing records the vector and special-function units."""
    copy = gpu.measured.copy_bytes_per_second if gpu.measured else None
    matmul = gpu.measured.matmul.get(dtype) if gpu.measured else None
    if copy is None or (has_matrix and matmul is None):
        what = "copy" if copy is None else f"{dtype} matmul"
        raise bad_value("ceilings", f"'datasheet', since no {what} on {gpu.name} was recorded", "measured")
    return rates._replace(memory=copy, matrix=matmul or rates.matrix)


def _walls(work: Work, rates: Walls, dtype: str) -> Walls:
    """Return the seconds of each wall; an fp32 dot runs on the vector units and waits for them."""
    shared = work.elementwise if dtype == "fp32" and work.matrix else 0
    return Walls(
        work.bytes / rates.memory,
        (work.matrix + shared) / rates.matrix,
        work.elementwise / rates.elementwise,
        work.special / rates.special,
    )


def _highest(walls: Walls) -> str:
    return max(WALLS, key=lambda wall: getattr(walls, wall))
