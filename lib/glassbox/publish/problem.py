"""What is wrong with a notebook, where, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One broken rule. Where one cell is to blame, `cell` is its id and `number` its position from 1."""

    notebook: str
    rule: str
    advice: str
    cell: str = ""
    number: int | None = None
    warning: bool = False

    def __str__(self) -> str:
        where = f", cell {self.number} ({self.cell})" if self.number else ""
        return f"{self.notebook}{where}: {self.rule}{' (advice)' if self.warning else ''}: {self.advice}"


class Refused(Exception):
    """A notebook breaks the rules, so it was not written. `problems` lists every breach."""

    def __init__(self, problems: Sequence[Problem]):
        super().__init__(problems)
        self.problems = list(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))
