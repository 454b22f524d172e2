"""Explain something in words, or report an experiment: a checklist, then the model answer."""

import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from glassbox.arguments import bad_value
from glassbox.learn.exercise.bounded import Cells
from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.message import Message
from glassbox.learn.exercise.verdict import Finding, State, Verdict


class Point(NamedTuple):
    """What an answer must say: the fact, words one of which shows it, and what to ask if none does."""

    fact: str
    words: tuple[str, ...]
    ask: str

    def is_in(self, text: str) -> bool:
        """Tell whether a text has one of the words; a word may be the beginning of a longer one."""
        return any(re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE) for word in self.words)


@dataclass(frozen=True, kw_only=True, eq=False)
class Explain(Exercise):
    """Answer in words. The check looks for each `Point` of `rubric`; it cannot tell sense from nonsense.

    `model` is the model answer that `reveal()` shows.
    """

    rubric: tuple[Point, ...]
    model: str
    kind: ClassVar[str] = "explain"

    def __post_init__(self):
        super().__post_init__()
        if not self.rubric:
            raise bad_value(f"{self.id}: rubric", "at least one Point", self.rubric)

    def check(self, answer) -> Verdict:
        """Say which points an answer has, and ask about the first that it lacks."""
        return self.kept(self._judged(answer))

    def _judged(self, answer) -> Verdict:
        if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
            return Verdict(self.id, State.NOT_ATTEMPTED)
        if not isinstance(answer, str):
            said = Message("this is not a text", "an answer in words is wanted", "quotation marks")
            return Verdict(self.id, State.FAILED, Finding("interface", said))
        missing = [point for point in self.rubric if not point.is_in(answer)]
        count = f"{len(self.rubric) - len(missing)} of {len(self.rubric)} points found"
        if not missing:
            compare = "by their words alone: now compare with the model answer, `reveal()`"
            return Verdict(self.id, State.PASSED, notes=(f"{count}, {compare}",))
        said = Message(count, "an interviewer would ask on", missing[0].ask)
        return Verdict(self.id, State.FAILED, Finding("rubric", said))

    def check_cells(self, cells: Cells) -> Verdict:
        found, problem = self.loaded(cells)
        return problem or self._judged(found.values[0])

    def starter(self) -> str:
        return f'{self.name} = """\n"""'

    def body(self) -> str:
        return self.statement

    def answer(self) -> str:
        facts = "\n".join(f"- {point.fact}" for point in self.rubric)
        return f"{self.model}\n\nGive yourself a point for each:\n\n{facts}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment(Explain):
    """Change one knob, say beforehand what will happen, and report: judged like an explanation."""

    kind: ClassVar[str] = "experiment"
