"""Work out a number."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from glassbox.learn.exercise.bounded import Cells
from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.listing import listing
from glassbox.learn.exercise.message import Message, message
from glassbox.learn.exercise.note import code
from glassbox.learn.exercise.verdict import Finding, State, Verdict
from glassbox.learn.exercise.where import number

FACTORS = {
    2.0: "a factor of 2: something is counted twice, or once too few",
    8.0: "a factor of 8: bits and bytes",
    1000.0: "a factor of 1000: the prefix of the unit",
    1024.0: "a factor of 1024: the prefix of the unit",
    2**20 / 1e6: "a factor of 1.049: MB is 10^6 bytes, MiB is 2^20",
    1e6: "a factor of a million: the prefix of the unit",
    2.0**20: "a factor of 2^20: the prefix of the unit",
    1e9: "a factor of 10^9: the prefix of the unit",
    2.0**30: "a factor of 2^30: the prefix of the unit",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Compute(Exercise):
    """Work out the number that `solution()` returns, within `tolerance` (relative).

    `mistakes` are functions without arguments that return a common wrong value; their docstrings are the
    messages.
    """

    solution: Callable[[], float]
    unit: str
    mistakes: tuple[Callable[[], float], ...]
    tolerance: float = 0.01
    alternatives: tuple[Callable[[], float], ...] = ()
    kind: ClassVar[str] = "compute"

    def __post_init__(self):
        super().__post_init__()
        for mistake in self.mistakes:
            message(mistake)

    def check(self, answer) -> Verdict:
        """Say whether a number is right, and if not, which mistake gives it."""
        return self.kept(self._judged(answer))

    def _judged(self, answer) -> Verdict:
        if answer is None or answer is ...:
            return Verdict(self.id, State.NOT_ATTEMPTED)
        value = _as_number(answer)
        if value is None:
            said = Message(
                "this is not a number", f"one finite number is wanted, in {self.unit}", "what you pass"
            )
            return Verdict(self.id, State.FAILED, Finding("interface", said))
        if self.near(value, self.solution()):
            return Verdict(self.id, State.PASSED)
        return Verdict(self.id, State.FAILED, self._found(value))

    def near(self, value: float, target: float) -> bool:
        """Tell whether two numbers are the same within the tolerance."""
        return math.isclose(value, target, rel_tol=self.tolerance, abs_tol=0.0)

    def _found(self, value: float) -> Finding:
        for mistake in self.mistakes:
            if self.near(value, mistake()):
                return Finding("mistakes", message(mistake), mistake=mistake.__name__)
        size = "too large" if value > self.solution() else "too small"
        return Finding(
            "value",
            Message(f"{number(value)} {self.unit} is {size}", self._factor(value), "each term by itself"),
        )

    def _factor(self, value: float) -> str:
        ratio = abs(value / self.solution()) if self.solution() else 0.0
        for factor, says in FACTORS.items():
            if self.near(ratio, factor) or self.near(ratio, 1 / factor):
                return says
        return "it is none of the mistakes known here"

    def check_cells(self, cells: Cells) -> Verdict:
        found, problem = self.loaded(cells)
        return problem or self._judged(found.values[0])

    def starter(self) -> str:
        return f"{self.name} = None  # {self.unit}"

    def body(self) -> str:
        return f"{self.statement}\n\nAnswer in {self.unit}."

    def answer(self) -> str:
        value = f"{number(float(self.solution()))} {self.unit}"
        ways = [code(listing(way, self.name)) for way in (self.solution, *self.alternatives)]
        return f"{value}.\n\n" + "\n\nAnother way:\n\n".join(ways)


def _as_number(value) -> float | None:
    """Return a finite number from a number, a NumPy number or a tensor of one value."""
    if isinstance(value, (bool, str, bytes)):
        return None
    try:
        value = float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return value if math.isfinite(value) else None
