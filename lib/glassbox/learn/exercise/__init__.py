"""Exercises that diagnose: one declaration each, checked in a bounded process, known mistakes by name."""

from glassbox.learn.exercise.bounded import Cells, Limits, close_all, warm
from glassbox.learn.exercise.compute import Compute
from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.explain import Claim, Experiment, Explain, Point
from glassbox.learn.exercise.implement import Budget, Debug, Implement
from glassbox.learn.exercise.inputs import EPS, Inputs
from glassbox.learn.exercise.lookup import every_exercise, exercise, exercises_of, instructor_notes, status
from glassbox.learn.exercise.message import Message, message
from glassbox.learn.exercise.metadata import stamp
from glassbox.learn.exercise.note import Note
from glassbox.learn.exercise.verdict import Finding, State, Verdict

__all__ = [
    "EPS",
    "Budget",
    "Cells",
    "Claim",
    "Compute",
    "Debug",
    "Exercise",
    "Experiment",
    "Explain",
    "Finding",
    "Implement",
    "Inputs",
    "Limits",
    "Message",
    "Note",
    "Point",
    "State",
    "Verdict",
    "close_all",
    "every_exercise",
    "exercise",
    "exercises_of",
    "instructor_notes",
    "message",
    "stamp",
    "status",
    "warm",
]
