"""The drill and the mock interview as forms in a notebook, with the engine of the terminal."""

import random
from collections.abc import Iterable

from IPython.display import display

from glassbox.arguments import bad_value, expect_choice
from glassbox.learn import progress
from glassbox.learn.bank import SKILLS, cards, corner
from glassbox.learn.bank.corner import LANGUAGES
from glassbox.learn.drill.boards import boards
from glassbox.learn.drill.deck import Filters
from glassbox.learn.drill.mock import PRESETS, ROLES, begin, plan
from glassbox.learn.drill.widget.practice import Practice, now
from glassbox.learn.drill.widget.sitting import Sitting
from glassbox.learn.forms import bundled
from glassbox.learn.predict.block import Block, listed, paragraph, stacked


def drill(
    topics: Iterable[str] = (), skills: Iterable[str] = (), language: str = "en", example: str = ""
) -> None:
    """Ask cards in a form until the learner stops; empty `topics` or `skills` let all pass.

    Convention: where a machine runs the notebook (GLASSBOX_BATCH=1) the card `example` is shown, its answer
        folded; nothing is read from the learner's record or written to it.
    Raises: ValueError for a topic without cards, an unknown skill or language, or an example that is no card.
    """
    filters = Filters(frozenset(topics), frozenset(skills))
    expect_choice("language", language, LANGUAGES)
    _expect_known("topics", filters.topics, {card.topic for card in cards().values()})
    _expect_known("skills", filters.skills, set(SKILLS))
    if progress.in_batch():
        display(_example(example, language))
    else:
        from glassbox.learn.drill.widget.head import drill_desk

        practice = Practice(cards(), progress.events(), filters)
        practice.language = language
        _show(drill_desk(practice), "glassbox drill")


def interview(
    minutes: int = 20, role: str = "research", language: str = "en", seed: int | None = None
) -> None:
    """Hold a mock interview in a form, with a clock, and a report at its end.

    Convention: where a machine runs the notebook (GLASSBOX_BATCH=1) only the parts and their
        minutes are shown.
    Raises: ValueError for an unknown length, role or language.
    """
    expect_choice("minutes", minutes, tuple(PRESETS))
    expect_choice("role", role, tuple(ROLES))
    expect_choice("language", language, LANGUAGES)
    if progress.in_batch():
        display(_parts(minutes, role))
        return
    from glassbox.learn.drill.widget.head import interview_desk

    drawn = random.randrange(2**31) if seed is None else seed
    sitting = Sitting(begin(minutes, role, plan(minutes, role, cards(), boards(), drawn), now()))
    sitting.language = language
    _show(interview_desk(sitting), f"glassbox drill --mock {minutes} --role {role}")


def _expect_known(name: str, wanted: frozenset[str], known: set[str]) -> None:
    if strangers := sorted(wanted - known):
        raise bad_value(name, f"some of {', '.join(sorted(known))}", strangers)


def _example(example: str, language: str) -> Block:
    ask = paragraph("Run this cell: a form asks one card after the other. Until then, one card by hand.")
    return stacked(ask, corner(example, language=language)) if example else ask


def _parts(minutes: int, role: str) -> Block:
    ask = paragraph(f"Run this cell: {minutes} minutes, role {role}, with a clock and a report. The parts:")
    return stacked(ask, listed([f"{part}, {length} min" for part, length in PRESETS[minutes].items()]))


def _show(desk, command: str) -> None:
    """Show the form, and words where no kernel draws it."""
    words = f"The form appears when the cell is run. In a terminal: {command}"
    display(bundled(desk.view, words), raw=True)
