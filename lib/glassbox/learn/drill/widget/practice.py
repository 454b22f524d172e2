"""The daily drill, step by step, without any front: cards until the learner stops."""

from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import UTC, datetime

from glassbox.learn.bank import Card, FollowUp, Words
from glassbox.learn.drill.deck import ALL, Filters, grade, opened, skip
from glassbox.learn.drill.rubric import LEVELS, cap
from glassbox.learn.drill.terminal import span
from glassbox.learn.drill.turn import Turn, ask, commit, record, settle
from glassbox.learn.drill.widget.page import answer, asked_on, line, links, page, question, replied
from glassbox.learn.drill.widget.step import Flow, Show, Step
from glassbox.learn.drill.widget.words import KEYS, quote, tell
from glassbox.learn.progress import Event

SKIP = "s"


def now() -> datetime:
    """Return the time, as the log keeps it."""
    return datetime.now(UTC)


class Practice:
    """A drill under way: the deck, the filters, and how many cards were reviewed."""

    def __init__(
        self, cards: Mapping[str, Card], events: Iterable[Event], filters: Filters = ALL,
        clock: Callable[[], datetime] = now,
    ):  # fmt: skip
        self.deck, self.filters, self.clock = opened(cards, events), filters, clock
        self.done, self.language = 0, "en"
        self.last: Show = lambda language: ""

    def flow(self) -> Flow:
        """Ask one card after the other; it ends when no card passes the filters."""
        while (turn := ask(self.deck, self.clock(), self.filters)) is not None:
            shown = page(self.last, question(turn.card, turn.why), line(quote("aloud")))
            before = yield Step(shown, tell("before"), (*graded(), (SKIP, KEYS["skip"])), fresh=True)
            if before == SKIP:
                self.deck = skip(self.deck, turn.card.id)
            else:
                yield from self._answered(commit(turn, int(before)))

    def _answered(self, turn: Turn) -> Flow:
        card, shown = turn.card, page(question(turn.card, turn.why), answer(turn.card))
        said, flags = yield from checklist(card, shown)
        most = cap(len(card.must_say), len(said), len(flags))
        after = yield Step(shown, tell("after", most=most), graded(most), note=links(card))
        self._keep(turn, said, flags, int(after))
        if card.followups:
            yield from chain(page(self.last, question(card, turn.why)), card.followups)

    def _keep(self, turn: Turn, said: tuple, flags: tuple, after: int) -> None:
        at = self.clock()
        review = settle(turn, said, flags, after, at)
        self.deck, self.done = grade(self.deck, turn.card.id, review.rating, at), self.done + 1
        record(review, self.language)
        wait = span(self.deck.memories[turn.card.id].due - at)
        self.last = line(quote("graded", after=review.after, before=review.before, wait=wait))

    def end(self) -> Show:
        """Return the last page."""
        empty = ask(self.deck, self.clock(), self.filters) is None
        lines = [line(quote("empty"))] if empty else []
        return page(self.last, *lines, line(quote("done", count=self.done)), line(tell("again")))


def graded(most: int = 4) -> tuple[tuple[str, Words], ...]:
    """Return the keys of the grades 0 to `most`, with what each means."""
    return tuple((str(level), words) for level, words in enumerate(LEVELS[: most + 1]))


def checklist(card: Card, shown: Show) -> Generator[Step, tuple, tuple[tuple, tuple]]:
    """Ask which facts were said and which red flags fell; return the places of both."""
    said = yield Step(shown, tell("said"), marks=card.must_say, note=links(card))
    flags = yield Step(shown, tell("flags"), marks=card.red_flags, note=links(card))
    return said, flags


def chain(shown: Show, followups: tuple[FollowUp, ...]) -> Generator[Step, str, int]:
    """Ask follow-ups along the tree while they hold, and return how many were held."""
    held = 0
    while followups:
        whens = tuple((str(place), each.when) for place, each in enumerate(followups, start=1))
        typed = yield Step(shown, tell("follow"), (*whens, ("0", KEYS["none"])))
        if typed == "0":
            break
        node = followups[int(typed) - 1]
        keys = (("y", KEYS["held"]), ("n", KEYS["fell"]))
        good = (yield Step(page(asked_on(node)), tell("held"), keys)) == "y"
        held, shown = held + good, page(replied(node))
        if not (followups := node.then if good else ()):
            yield Step(shown, tell("read"), (("g", KEYS["go_on"]),))
    return held
