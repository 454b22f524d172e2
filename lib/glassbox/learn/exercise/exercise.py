"""What all exercises have in common: a header, hints, a solution behind a warning, a state."""

import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from glassbox.arguments import bad_value, expect_choice
from glassbox.learn.exercise import bounded, journal
from glassbox.learn.exercise.bounded import Cells, Limits, Loaded, Stopped
from glassbox.learn.exercise.explained import explained, stopped
from glassbox.learn.exercise.note import Note, dots
from glassbox.learn.exercise.verdict import State, Verdict
from glassbox.learn.progress import in_batch

ID = re.compile(r"[a-z][a-z_]*\.[a-z][a-z0-9_]*")
LEVELS = 3
SCALE = (1, 2, 3, 4, 5)
NBGRADER = ("autograde", "validate")  # a cell fails for nbgrader when it raises
FAILS = (State.NOT_ATTEMPTED, State.FAILED)
WARNING = (
    "This shows the solution. A hint costs nothing: `hint()`. "
    "If you still want to see it, call `reveal()` once more."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise(ABC):
    """One exercise. `id` is topic.name, and the learner's function or answer has that name.

    `statement` is markdown. `hints`: a question, the place, a solution with blanks. `discussion` is what a
    reviewer would say about the solution; `notes` are for instructors. `core` is on the 35-minute path.
    """

    id: str
    title: str
    statement: str
    difficulty: int
    importance: int
    minutes: int
    hints: tuple[str, ...]
    core: bool = True
    discussion: str = ""
    notes: str = ""
    kind: ClassVar[str] = ""

    def __post_init__(self):
        if not ID.fullmatch(self.id):
            raise bad_value("id", "topic.name in small letters, as in norms.rms_norm", self.id)
        for name in ("difficulty", "importance"):
            expect_choice(f"{self.id}: {name}", getattr(self, name), SCALE)
        if len(self.hints) != LEVELS:
            raise bad_value(f"{self.id}: hints", f"{LEVELS} hints", len(self.hints))

    @property
    def topic(self) -> str:
        """Return the topic that the exercise belongs to."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """Return the name of the learner's function or answer."""
        return self.id.partition(".")[2]

    @property
    def points(self) -> int:
        """Return what the exercise is worth in a class: its difficulty."""
        return self.difficulty

    @property
    def grade_id(self) -> str:
        """Return the name of the answer cell in nbgrader's metadata, which knows no dots."""
        return self.id.replace(".", "-")

    # ---- what a learner calls

    def show(self) -> Note:
        """Show the header and the statement."""
        if not in_batch():
            bounded.warm()
        path = "core" if self.core else "stretch"
        header = f"{self.kind} · difficulty {dots(self.difficulty)} · importance {dots(self.importance)}"
        return Note(f"**{self.title}**  \n{header} · {self.minutes} min · {path}\n\n{self.body()}")

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return self.show()._repr_mimebundle_()

    def hint(self) -> Note:
        """Show the next hint; after the last, the last again."""
        level = min(journal.count("hint", self.id) + 1, LEVELS)
        journal.record("hint", self.id, {"level": level})
        return Note(f"**Hint {level} of {LEVELS}.** {self.hints[level - 1]}")

    def reveal(self) -> Note:
        """Show the solution, at the second call."""
        journal.record("reveal", self.id)
        if journal.count("reveal", self.id) == 1:
            return Note(WARNING)
        discussion = f"**What reviewers would say.** {self.discussion}" if self.discussion else ""
        return Note("\n\n".join(part for part in (self.answer(), discussion) if part))

    def reset(self) -> Note:
        """Begin again: the state is `not attempted yet`, and hints start at the first."""
        journal.record("reset", self.id)
        return Note(f"{self.id}: {State.NOT_ATTEMPTED}")

    @property
    def state(self) -> State:
        """Return where the learner stands."""
        return journal.state(self.id)

    # ---- what each kind of exercise says for itself

    @abstractmethod
    def body(self) -> str:
        """Return the statement and what belongs to it, in markdown."""

    @abstractmethod
    def answer(self) -> str:
        """Return the solution and other correct ones, in markdown."""

    @abstractmethod
    def starter(self) -> str:
        """Return the source of the answer cell as learners find it."""

    @abstractmethod
    def check_cells(self, cells: Cells) -> Verdict:
        """Check an answer given as the text of notebook cells; nothing of it runs in this process."""

    @property
    def answer_names(self) -> tuple[str, ...]:
        """Return the names that an answer cell defines."""
        return (self.name,)

    # ---- for the kinds

    def kept(self, verdict: Verdict) -> Verdict:
        """Record an attempt and return its verdict; under nbgrader, raise if it is wrong."""
        if verdict.state is not State.NOT_ATTEMPTED:
            journal.record("attempt", self.id, verdict.payload())
        elif not in_batch():
            bounded.warm()
        if os.environ.get("NBGRADER_EXECUTION") in NBGRADER and verdict.state in FAILS:
            raise AssertionError(str(verdict))
        return verdict

    def loaded(self, cells: Cells) -> tuple[Loaded | None, Verdict | None]:
        """Run answer cells in a process of their own; return what they define, or why they cannot run."""
        limits = Limits()
        try:
            with bounded.Session(cells, limits) as session:
                found = session.loaded
        except Stopped as why:
            return None, Verdict(self.id, State.FAILED, stopped(why, limits))
        if found.raised:
            return None, Verdict(self.id, State.FAILED, explained(found.raised, "interface", None))
        return found, None
