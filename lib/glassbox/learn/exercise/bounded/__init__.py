"""Run somebody else's function in a process of its own: bounded in time and memory, and never trusted.

This keeps accidents and cheating away from the marks. It is no sandbox: the code runs as the user.
"""

from glassbox.learn.exercise.bounded.code import Cells, Code, Unsendable, shipped
from glassbox.learn.exercise.bounded.observing import UNITS, Observation, Raised, observe
from glassbox.learn.exercise.bounded.pool import close_all, warm
from glassbox.learn.exercise.bounded.session import Limits, Loaded, Session, Stopped

__all__ = [
    "UNITS",
    "Cells",
    "Code",
    "Limits",
    "Loaded",
    "Observation",
    "Raised",
    "Session",
    "Stopped",
    "Unsendable",
    "close_all",
    "observe",
    "shipped",
    "warm",
]
