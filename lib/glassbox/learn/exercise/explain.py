"""Explain something in words, or report an experiment: a count of points, then the model answer."""

import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from glassbox.arguments import bad_value
from glassbox.learn.exercise.bounded import Cells
from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.message import Message
from glassbox.learn.exercise.verdict import Finding, State, Verdict

COMPARE = "compare with the model answer, `reveal()`"
CLAUSE = re.compile(r"[.,;:!?]\s|\n|\b(?:so|hence|therefore)\b", re.IGNORECASE)
DENIALS = (
    *(r"\bnot?\b", r"n['’]t\b", r"\b(?:never|nor|neither)\b", r"\bwithout vanish"),
    *(r"\b(?:wrong|false|myth)\b", r"\btextbook", r"\bclaim"),
)
DENIED = re.compile("|".join(DENIALS), re.IGNORECASE)


class Point(NamedTuple):
    """What an answer must say: the fact, words one of which shows it, and what to ask if none does."""

    fact: str
    words: tuple[str, ...]
    ask: str

    def is_in(self, text: str) -> bool:
        """Tell whether a text has one of the words; a word may be the beginning of a longer one."""
        return any(re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE) for word in self.words)


class Claim(NamedTuple):
    """What an answer must not say: a short name, the pattern that shows it, and why it is wrong."""

    name: str
    pattern: str
    why: str

    def is_in(self, text: str) -> bool:
        """Tell whether one clause of a text says it, and neither denies it nor reports it."""
        clauses = [clause for clause in CLAUSE.split(text) if re.search(self.pattern, clause, re.IGNORECASE)]
        return any(not DENIED.search(clause) for clause in clauses)


@dataclass(frozen=True, kw_only=True, eq=False)
class Explain(Exercise):
    """Answer in words. The check counts each `Point` of `rubric`, and takes one off for each of `wrong`.

    It cannot tell sense from nonsense, so it says neither right nor wrong: the learner compares with
    `model`, the answer that `reveal()` shows.
    """

    rubric: tuple[Point, ...]
    model: str
    wrong: tuple[Claim, ...] = ()
    kind: ClassVar[str] = "explain"

    def __post_init__(self):
        super().__post_init__()
        if not self.rubric:
            raise bad_value(f"{self.id}: rubric", "at least one Point", self.rubric)

    def check(self, answer) -> Verdict:
        """Say how many points an answer has by its words, and ask about the first that it seems to lack."""
        return self.kept(self._judged(answer))

    def _judged(self, answer) -> Verdict:
        if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
            return Verdict(self.id, State.NOT_ATTEMPTED)
        if not isinstance(answer, str):
            said = Message("this is not a text", "an answer in words is wanted", "quotation marks")
            return Verdict(self.id, State.FAILED, Finding("interface", said))
        return Verdict(self.id, State.COMPARE, self._counted(answer))

    def _counted(self, answer: str) -> Finding:
        missing = [point for point in self.rubric if not point.is_in(answer)]
        claims = [claim for claim in self.wrong if claim.is_in(answer)]
        count = max(0, len(self.rubric) - len(missing) - len(claims))
        off = f", {len(claims)} less for: {', '.join(claim.name for claim in claims)}" if claims else ""
        saw = f"{count} of {len(self.rubric)} points found by their words{off}; {COMPARE}"
        means = "; ".join(claim.why for claim in claims)
        look = f"if you left it out, an interviewer asks: {missing[0].ask}" if missing else ""
        return Finding("words", Message(saw, means, look), mistake=claims[0].name if claims else "")

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
