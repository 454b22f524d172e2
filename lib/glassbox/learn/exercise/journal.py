"""What happened to an exercise: kept for this session, and in the learner's own record."""

from typing import NamedTuple

from glassbox.learn import progress
from glassbox.learn.exercise.verdict import State

_session: list["Event"] = []


class Event(NamedTuple):
    """One attempt, hint, reveal or reset."""

    kind: str
    item: str
    payload: dict


def record(kind: str, item: str, payload: dict | None = None) -> None:
    """Keep one event. In batch mode it ends with the session, so that stored outputs know no history."""
    _session.append(Event(kind, item, payload or {}))
    progress.log(kind, item, payload or {})


def count(kind: str, item: str) -> int:
    """Return how often this happened in this session since the last reset."""
    return sum(event.kind == kind for event in _since_reset(_session, item))


def state(item: str) -> State:
    """Return where an exercise stands, by the latest attempt since the last reset."""
    kept = [Event(event.kind, event.item, event.payload) for event in progress.events(item=item)]
    attempts = [event for event in _since_reset(kept or _session, item) if event.kind == "attempt"]
    return State(attempts[-1].payload["state"]) if attempts else State.NOT_ATTEMPTED


def _since_reset(events: list[Event], item: str) -> list[Event]:
    mine = [event for event in events if event.item == item]
    resets = [place for place, event in enumerate(mine) if event.kind == "reset"]
    return mine[resets[-1] + 1 :] if resets else mine
