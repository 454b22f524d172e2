"""Find exercises by name, and say where the learner stands."""

from importlib import import_module
from pathlib import Path

import glassbox
from glassbox.arguments import bad_value
from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.message import title
from glassbox.learn.exercise.note import Note, dots, table

HEAD = ("exercise", "kind", "difficulty", "minutes", "path", "state")


def exercises_of(topic: str) -> list[Exercise]:
    """Return the exercises of a topic, in the order in which its `exercises.py` declares them."""
    try:
        module = import_module(f"glassbox.{topic}.exercises")
    except ModuleNotFoundError as error:
        if error.name not in (f"glassbox.{topic}", f"glassbox.{topic}.exercises"):
            raise
        raise bad_value("topic", "a topic that has exercises", topic) from error
    return [each for each in vars(module).values() if isinstance(each, Exercise)]


def every_exercise() -> list[Exercise]:
    """Return the exercises of all topics. This imports the topics."""
    topics = sorted(path.parent.name for path in Path(glassbox.__file__).parent.glob("*/exercises*"))
    return [each for topic in topics for each in exercises_of(topic)]


def exercise(name: str) -> Exercise:
    """Return the exercise with an id such as norms.rms_norm.

    Raises: ValueError if there is none.
    """
    found = {each.id: each for each in exercises_of(name.partition(".")[0])}
    if name not in found:
        raise bad_value("name", f"one of {', '.join(found)}", name)
    return found[name]


def status(topic: str) -> Note:
    """Show where the learner stands in each exercise of a topic."""
    rows = [
        (
            each.title,
            each.kind,
            dots(each.difficulty),
            each.minutes,
            "core" if each.core else "stretch",
            each.state,
        )
        for each in exercises_of(topic)
    ]
    return Note(table(HEAD, rows))


def instructor_notes(topic: str) -> Note:
    """Show what a teacher plans with: minutes, points, the mistakes to expect, and notes."""
    rows = []
    for each in exercises_of(topic):
        mistakes = "; ".join(title(mistake) for mistake in getattr(each, "mistakes", ()))
        rows.append((each.title, each.minutes, each.points, mistakes, each.notes))
    return Note(table(("exercise", "minutes", "points", "mistakes to expect", "notes"), rows))
