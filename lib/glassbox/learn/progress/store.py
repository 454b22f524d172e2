"""Write an event, read events."""

import json
import sqlite3
import uuid
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from glassbox.learn.progress.database import TooNew, perform
from glassbox.learn.progress.place import in_batch, record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Event(NamedTuple):
    """One thing that the learner did: `kind` says what (prediction, attempt, review), `item` with which."""

    uuid: str
    at: datetime
    kind: str
    item: str
    payload: dict


def log(kind: str, item: str, payload: dict) -> Event | None:
    """Add one event. When this returns an event, it is on the disk.

    Returns None in batch mode, and, with a warning, where the record cannot be written: practice goes on.
    Raises: TypeError, ValueError for a kind or item that is no word, or a payload that is not JSON.
    """
    event = Event(uuid.uuid4().hex, datetime.now(UTC), kind, item, payload)
    row = _row(event)
    if in_batch():
        return None
    try:
        perform(record(), lambda connection: _insert(connection, [row]), write=True)
    except (OSError, sqlite3.OperationalError, TooNew) as error:
        warnings.warn(f"your progress is not being recorded: {error}", stacklevel=2)
        return None
    return event


def events(kind: str | None = None, item: str | None = None, since: datetime | None = None) -> list[Event]:
    """Return the events of that kind and item from the time `since` on, oldest first.

    Returns nothing in batch mode, and, with a warning, where the record cannot be read.
    Raises: ValueError if `since` has no time zone.
    """
    if since is not None and since.tzinfo is None:
        raise ValueError(f"since: expected a time with its time zone; came {since!r}")
    try:
        return [] if in_batch() else read(kind, item, since)
    except (OSError, sqlite3.OperationalError, TooNew) as error:
        warnings.warn(f"your progress cannot be read: {error}", stacklevel=2)
        return []


def read(kind: str | None = None, item: str | None = None, since: datetime | None = None) -> list[Event]:
    """Return events as `events` does, or raise where they cannot be read."""
    if not record().exists():
        return []
    return perform(record(), lambda connection: _select(connection, kind, item, since), write=False)


def merge(found: Iterable[Event]) -> int:
    """Add the events that the record does not hold yet, and return how many these were."""
    rows = [_row(event) for event in found]
    return perform(record(), lambda connection: _insert(connection, rows), write=True)


def _row(event: Event) -> tuple[str, int, str, str, str]:
    for name, value in (("kind", event.kind), ("item", event.item)):
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name}: expected a word; came {value!r}")
    if not isinstance(event.payload, dict):
        raise TypeError(f"payload: expected a dict; came {event.payload!r}")
    try:
        payload = json.dumps(event.payload, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"payload: expected what JSON can hold; came {event.payload!r}") from error
    return event.uuid, (event.at - EPOCH) // MICROSECOND, event.kind, event.item, payload


def _insert(connection: sqlite3.Connection, rows: list[tuple]) -> int:
    before = connection.total_changes
    connection.executemany(
        "INSERT OR IGNORE INTO events (uuid, at, kind, item, payload) VALUES (?, ?, ?, ?, ?)", rows
    )
    return connection.total_changes - before


def _select(
    connection: sqlite3.Connection, kind: str | None, item: str | None, since: datetime | None
) -> list[Event]:
    wanted = {"kind = ?": kind, "item = ?": item, "at >= ?": since and (since - EPOCH) // MICROSECOND}
    wanted = {test: value for test, value in wanted.items() if value is not None}
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    rows = connection.execute(
        f"SELECT uuid, at, kind, item, payload FROM events {where} ORDER BY at, uuid", tuple(wanted.values())
    )
    return [Event(row[0], EPOCH + row[1] * MICROSECOND, row[2], row[3], json.loads(row[4])) for row in rows]
