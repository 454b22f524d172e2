"""The drill in a terminal: one card after the other, by keyboard alone."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from glassbox.learn import progress
from glassbox.learn.bank import Card, FollowUp, cards
from glassbox.learn.drill.deck import ALL, Deck, Filters, grade, opened, skip
from glassbox.learn.drill.rubric import LEVELS, cap
from glassbox.learn.drill.screen import Screen, Stop
from glassbox.learn.drill.turn import Review, Turn, ask, commit, record, settle
from glassbox.learn.drill.weak import WeakSpots, weak_spots

GRADES = ("0", "1", "2", "3", "4")


def drill(
    screen: Screen, filters: Filters = ALL, count: int | None = None, bank: Mapping[str, Card] | None = None
) -> int:
    """Ask cards until the learner stops, the cards end, or `count` are reviewed; return how many were."""
    deck, done = opened(cards() if bank is None else bank, progress.events()), 0
    try:
        while count is None or done < count:
            turn = ask(deck, _now(), filters)
            if turn is None:
                screen.say("empty")
                break
            deck, reviewed = _one(screen, deck, turn)
            done += reviewed
    except Stop:
        pass
    screen.say("done", count=done)
    return done


def _one(screen: Screen, deck: Deck, turn: Turn) -> tuple[Deck, bool]:
    before = _before(screen, turn)
    if before is None:
        return skip(deck, turn.card.id), False
    turn = commit(turn, before)
    screen.answer(turn.card)
    review = _after(screen, turn)
    now = _now()
    deck = grade(deck, turn.card.id, review.rating, now)
    record(review, screen.language)
    wait = span(deck.memories[turn.card.id].due - now)
    screen.say("graded", after=review.after, before=review.before, wait=wait)
    if turn.card.followups and screen.one_of("follow", ("", "f")) == "f":
        chain(screen, turn.card.followups)
    return deck, True


def _before(screen: Screen, turn: Turn) -> int | None:
    screen.question(turn.card, turn.why)
    screen.say("aloud")
    while True:
        typed = screen.one_of("before", (*GRADES, "?", "s", "l"))
        if typed in GRADES:
            return int(typed)
        if typed == "s":
            return None
        if typed == "l":
            screen.language = "zh" if screen.language == "en" else "en"
            screen.question(turn.card, turn.why)
        else:
            for level, words in enumerate(LEVELS):
                screen.write(f"  {level}  {screen.of(words)}")


def _after(screen: Screen, turn: Turn) -> Review:
    card = turn.card
    said = screen.numbers("said", len(card.must_say))
    flags = screen.numbers("flags", len(card.red_flags))
    most = cap(len(card.must_say), len(said), len(flags))
    return settle(turn, said, flags, int(screen.one_of("after", GRADES, most=most)), _now())


def chain(screen: Screen, followups: tuple[FollowUp, ...]) -> int:
    """Ask follow-ups along the tree, and return how many were held."""
    held = 0
    while followups:
        for number, each in enumerate(followups, start=1):
            screen.write(f"  {number}. {screen.of(each.when)}")
        typed = screen.one_of("which", ("", *(str(n) for n in range(1, len(followups) + 1))))
        if not typed:
            break
        node = followups[int(typed) - 1]
        screen.panel("?", screen.of(node.ask))
        good = screen.one_of("held", ("y", "n")) == "y"
        screen.write(screen.of(node.answer))
        held += good
        followups = node.then if good else ()
    return held


def _now() -> datetime:
    return datetime.now(UTC)


def span(wait) -> str:
    """Return a time span in minutes, or in days from one day on."""
    minutes = max(0, round(wait.total_seconds() / 60))
    return f"{minutes} min" if minutes < 24 * 60 else f"{round(minutes / 1440)} d"


def show_weak_spots(console: Console, bank: Mapping[str, Card] | None = None) -> WeakSpots:
    """Write the weak-spot report, and return it."""
    history = progress.events()
    found = weak_spots(opened(cards() if bank is None else bank, history), history, _now())
    table = Table("topic", "skill", "cards", "seen", "recall", "half-life", "grade", show_edge=False)
    for spot in found.spots:
        recall = "–" if spot.recall is None else f"{spot.recall:.0%}"
        days = "–" if spot.half_life is None else f"{spot.half_life:.0f} d"
        graded = "–" if spot.grade is None else f"{spot.grade:.1f}"
        table.add_row(spot.topic, spot.skill, str(spot.cards), str(spot.seen), recall, days, graded)
    console.print(table)
    lines = [f"{name}: {times} times" for name, times in found.mistakes]
    lines += [
        f"sure {each.confidence} of 5: {each.right:.0%} of {each.answers} right" for each in found.calibration
    ]
    if found.excess is not None:
        lines.append(f"expected less earned: {found.excess:+.2f}")
    lines += [f"{step.minutes} min  {step.link}  {step.why}" for step in found.next]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return found
