"""What a check answers, to be read in a notebook, in a terminal and by a program."""

from dataclasses import dataclass, field
from enum import StrEnum
from html import escape

from glassbox.learn.exercise import difference
from glassbox.learn.exercise.message import Message


class State(StrEnum):
    """Where an exercise stands. An answer in words is neither right nor wrong for a program: COMPARE."""

    NOT_ATTEMPTED = "not attempted yet"
    FAILED = "not yet right"
    PASSED = "passed"
    COMPARE = "compare it yourself"


SIGN = {State.NOT_ATTEMPTED: "○", State.FAILED: "✗", State.PASSED: "✓", State.COMPARE: "◇"}
GREY = "#6f6f6f"
COLOUR = {State.NOT_ATTEMPTED: GREY, State.FAILED: "#8a3c00", State.PASSED: "#16407f", State.COMPARE: GREY}


@dataclass(frozen=True)
class Finding:
    """The first thing that was seen: at which stage, for which seed, at most eight numbers, a map."""

    stage: str
    message: Message
    seed: int | None = None
    numbers: tuple[str, ...] = ()
    table: list[list[float]] | None = None
    mistake: str = ""


@dataclass(frozen=True)
class Verdict:
    """The answer of a check: `state`, and what was found unless it passed."""

    exercise: str
    state: State
    finding: Finding | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Tell whether everything was right."""
        return self.state is State.PASSED

    @property
    def mistake(self) -> str:
        """Return the name of the known mistake that this is, or nothing."""
        return self.finding.mistake if self.finding else ""

    def payload(self) -> dict:
        """Return what the learner's record keeps."""
        found = self.finding
        more = {"stage": found.stage, "mistake": found.mistake, "seed": found.seed} if found else {}
        return {"state": str(self.state), **more}

    def lines(self) -> list[tuple[str, str]]:
        """Return the findings as pairs of a label and words."""
        found = self.finding
        if found is None:
            return [("", note) for note in self.notes]
        said = [(label, words) for label, words in found.message._asdict().items() if words]
        values = [("values", "; ".join(found.numbers))] * bool(found.numbers)
        seed = [("seed", str(found.seed))] * (found.seed is not None)
        return said + values + seed + [("", note) for note in self.notes]

    def heading(self) -> str:
        """Return the first line."""
        stage = f" ({self.finding.stage})" if self.finding else ""
        return f"{SIGN[self.state]} {self.exercise}: {self.state}{stage}"

    def __str__(self) -> str:
        rows = [f"{label:<6} {words}".strip() for label, words in self.lines()]
        if self.finding and self.finding.table:
            rows += [difference.LEGEND, difference.text(self.finding.table)]
        return "\n".join([self.heading(), *rows])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(f"<div><b>{label}</b> {escape(words)}</div>" for label, words in self.lines())
        table = difference.html(self.finding.table) if self.finding and self.finding.table else ""
        bar = f"border-left:4px solid {COLOUR[self.state]};padding-left:10px"
        return f'<div style="{bar}"><div><b>{escape(self.heading())}</b></div>{rows}{table}</div>'
