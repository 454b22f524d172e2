"""What a card and an erratum hold. Every text stands in English and in Chinese."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Kind = Literal["explain", "derive", "code", "compute", "debug", "design", "repair"]
Skill = Literal["recall", "derive", "code", "compute", "judge"]
KINDS: tuple[str, ...] = Kind.__args__
SKILLS: tuple[str, ...] = Skill.__args__

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Ref = Annotated[str, StringConstraints(pattern=r"^\d\d#[a-z][a-z0-9-]*$")]
Digits = Annotated[str, StringConstraints(pattern=r"^-?\d[\d,]*(\.\d+)?(e[+-]?\d+)?%?$")]


class Part(BaseModel):
    """A record without unknown fields that nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Part):
    """One text in both languages."""

    en: Text
    zh: Text

    def of(self, language: str) -> str:
        """Return the text in "en" or "zh"."""
        return self.zh if language == "zh" else self.en


class Number(Part):
    """A number that the texts print, and the Python expression that it must agree with.

    `says` is the number as printed, `by` uses the names of glassbox.learn.bank.numbers and the file's own
    `definitions`.
    """

    name: Text
    says: Digits
    by: Text


class FollowUp(Part):
    """What an interviewer asks next: after which answer, to tell what from what, and a good reply."""

    when: Words
    ask: Words
    tells: Words
    answer: Words
    then: tuple["FollowUp", ...] = ()


class Card(Part):
    """One interview question.

    `brief` is the answer in 30 seconds, `full` the one in two minutes; `must_say` are the facts that an
    answer is checked against, and a `red_flags` entry is a sentence that sinks it. A "repair" card holds the
    wrong `claim` to be mended. `numbers` are computed by a test; `given` lists the other numbers in the
    texts, those that the question or a source sets. `refs` name notebook cells as "01#cell-id";
    `whiteboard` names an exercise; `raised_by` the predictions and exercises whose failure asks this card.
    """

    id: Slug
    topic: Slug
    kind: Kind
    skill: Skill
    level: Literal[1, 2, 3]
    frequency: Literal[1, 2, 3, 4, 5]
    ask: Words
    claim: Words | None = None
    brief: Words
    full: Words
    must_say: Annotated[tuple[Words, ...], Field(min_length=2, max_length=6)]
    red_flags: Annotated[tuple[Words, ...], Field(min_length=1, max_length=4)]
    followups: tuple[FollowUp, ...] = ()
    numbers: tuple[Number, ...] = ()
    given: tuple[Digits, ...] = ()
    refs: Annotated[tuple[Ref, ...], Field(min_length=1)]
    whiteboard: Text | None = None
    raised_by: tuple[Text, ...] = ()
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    verified: date

    @model_validator(mode="after")
    def _claim_belongs_to_repair(self) -> "Card":
        if (self.kind == "repair") != (self.claim is not None):
            raise ValueError("a card has a claim if, and only if, its kind is repair")
        return self


class Erratum(Part):
    """A wrong claim in circulation, why it is wrong, and the notebook cell that refutes it."""

    id: Slug
    topic: Slug
    claim: Words
    why: Words
    refuted_by: Ref
    card: Slug | None = None
    numbers: tuple[Number, ...] = ()
    given: tuple[Digits, ...] = ()
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    verified: date


def all_words(record: Part) -> Iterator[tuple[str, Words]]:
    """Yield every text of a card or erratum with the name of its field, follow-ups included."""
    for name in type(record).model_fields:
        value = getattr(record, name)
        parts = value if isinstance(value, tuple) else (value,)
        for place, part in enumerate(parts):
            label = f"{name}[{place}]" if isinstance(value, tuple) else name
            if isinstance(part, Words):
                yield label, part
            elif isinstance(part, FollowUp):
                yield from ((f"{label}.{inner}", words) for inner, words in all_words(part))
