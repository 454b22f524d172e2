"""Markdown that a notebook renders, formulas included, and a terminal prints."""

from dataclasses import dataclass

DOTS = 5


@dataclass(frozen=True)
class Note:
    """A piece of markdown."""

    markdown: str

    def __repr__(self) -> str:
        return self.markdown

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/markdown": self.markdown, "text/plain": self.markdown}


def dots(number: int) -> str:
    """Return a number from 0 to 5 as five dots."""
    return "●" * number + "○" * (DOTS - number)


def code(text: str) -> str:
    """Return Python as a block of markdown."""
    return f"```python\n{text}\n```"


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a table in markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
