"""The drill: which card next, how well it went, where the weak spots are, and a mock interview.

The engine prints nothing: its states are named tuples and its steps return new ones. `terminal` is one front.
"""

from glassbox.learn.drill.anki import export_anki
from glassbox.learn.drill.boards import Board, board, boards
from glassbox.learn.drill.deck import Deck, Filters, Pick, choose, grade, opened
from glassbox.learn.drill.feed import Urgent, from_outcome, urgent
from glassbox.learn.drill.mock import (
    PRESETS,
    ROLES,
    Item,
    Mock,
    Report,
    Result,
    begin,
    complete,
    plan,
    report,
)
from glassbox.learn.drill.rubric import CRITERIA, LEVELS, cap, rating
from glassbox.learn.drill.schedule import half_life, recall, replay, reviewed
from glassbox.learn.drill.turn import Review, Turn, ask, commit, record, settle
from glassbox.learn.drill.weak import WeakSpots, weak_spots

__all__ = [
    "CRITERIA",
    "LEVELS",
    "PRESETS",
    "ROLES",
    "Board",
    "Deck",
    "Filters",
    "Item",
    "Mock",
    "Pick",
    "Report",
    "Result",
    "Review",
    "Turn",
    "Urgent",
    "WeakSpots",
    "ask",
    "begin",
    "board",
    "boards",
    "cap",
    "choose",
    "commit",
    "complete",
    "export_anki",
    "from_outcome",
    "grade",
    "half_life",
    "opened",
    "plan",
    "rating",
    "recall",
    "record",
    "replay",
    "report",
    "reviewed",
    "settle",
    "urgent",
    "weak_spots",
]
