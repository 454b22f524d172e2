"""One step of a form: a page to read, a question, and the keys that answer it."""

from collections.abc import Callable, Generator
from typing import NamedTuple

from glassbox.learn.bank import Words

Show = Callable[[str], str]  # a language -> text or HTML in that language


class Sheet:
    """A page to write code on; `text` is what stands there now."""

    def __init__(self, text: str):
        self.text = text


class Step(NamedTuple):
    """What is shown and asked.

    `keys` are the answers, each with its label; up to `most` of them may be typed at once. With `marks` the
    answer is a choice among these instead, typed as numbers. `note` is markdown, which the notebook renders:
    formulas, and links that jump to a cell.
    """

    page: Show
    ask: Show
    keys: tuple[tuple[str, Words], ...] = ()
    marks: tuple[Words, ...] = ()
    most: int = 1
    note: Show | None = None
    sheet: Sheet | None = None
    fresh: bool = False  # a question that nobody has answered yet: it may be exchanged for another

    def read(self, typed: str) -> str | tuple[int, ...] | None:
        """Return the keys, or the places of the marks from 0, that a line names; None if it names none."""
        typed = typed.strip().lower()
        if self.marks:
            return _places(typed, len(self.marks))
        known = {key for key, _ in self.keys}
        many = 1 < len(typed) <= self.most and set(typed) <= known
        return typed if typed in known or many else None

    def choices(self) -> str:
        """Return what may be typed, for a hint."""
        if self.marks:
            return f"1 … {len(self.marks)}, a, 0"
        return ", ".join(key for key, _ in self.keys)


Flow = Generator[Step, object, object]


def _places(typed: str, count: int) -> tuple[int, ...] | None:
    """Read numbers from 1 to `count`; `a` is all, 0 is none."""
    parts = typed.replace(",", " ").split()
    if parts in (["a"], ["0"]):
        return tuple(range(count)) if parts == ["a"] else ()
    if parts and all(part.isdecimal() and 1 <= int(part) <= count for part in parts):
        return tuple(sorted({int(part) - 1 for part in parts}))
    return None
