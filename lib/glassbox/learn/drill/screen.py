"""Where a front writes and reads: a rich console and lines from the keyboard."""

from collections.abc import Callable, Iterable

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from glassbox.learn.bank import Card, Words
from glassbox.learn.drill.wording import say


class Stop(Exception):
    """The learner wants to end."""


class Screen:
    """A console, a way to read one line, and the language."""

    def __init__(self, console: Console, read: Callable[[str], str] = input, language: str = "en"):
        self.console, self.read, self.language = console, read, language

    def say(self, key: str, **values: object) -> None:
        """Write one of the terminal's own sentences."""
        self.write(say(key, self.language, **values))

    def write(self, text: str) -> None:
        """Write plain text."""
        self.console.print(escape(text), highlight=False)

    def panel(self, title: str, text: str) -> None:
        """Write text in a frame."""
        self.console.print(Panel(escape(text), title=escape(title), title_align="left"))

    def of(self, words: Words) -> str:
        """Return a text of the bank in the learner's language."""
        return words.of(self.language)

    def line(self, key: str, **values: object) -> str:
        """Ask for a line. Raises: Stop at q, or when the input ends."""
        try:
            typed = self.read(say(key, self.language, **values) + " ").strip().lower()
        except (EOFError, KeyboardInterrupt) as error:
            raise Stop from error
        if typed == "q":
            raise Stop
        return typed

    def one_of(self, key: str, choices: Iterable[str], **values: object) -> str:
        """Ask until one of the choices is typed."""
        allowed = tuple(choices)
        while (typed := self.line(key, **values)) not in allowed:
            self.say("again", choices=" ".join(allowed or "-"))
        return typed

    def numbers(self, key: str, count: int) -> tuple[int, ...]:
        """Ask for numbers from 1 to `count`, and return them from 0; `a` is all, an empty line none."""
        while True:
            parts = self.line(key).replace(",", " ").split()
            if parts == ["a"]:
                return tuple(range(count))
            if all(part.isdecimal() and 1 <= int(part) <= count for part in parts):
                return tuple(sorted({int(part) - 1 for part in parts}))
            self.say("again", choices=" ".join(map(str, range(1, count + 1))))

    def listed(self, key: str, texts: Iterable[Words]) -> None:
        """Write a numbered list under a heading."""
        self.say(key)
        for number, words in enumerate(texts, start=1):
            self.write(f"  {number}. {self.of(words)}")

    def question(self, card: Card, why: str) -> None:
        """Write a card's question, with the answer to mend if it has one."""
        self.panel(f"{card.topic} · {card.kind} · {why}", self.of(card.ask))
        if card.claim:
            self.panel(say("claim", self.language), self.of(card.claim))

    def answer(self, card: Card) -> None:
        """Write a card's model answers and its checklist."""
        self.panel(say("brief", self.language), self.of(card.brief))
        self.panel(say("full", self.language), self.of(card.full))
        self.listed("facts", card.must_say)
        self.listed("red", card.red_flags)
        if card.refs:
            self.write(f"{say('see', self.language)}: {' '.join(card.refs)}")
