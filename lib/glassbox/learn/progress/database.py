"""The SQLite file under the log: opened for one short piece of work, then closed again."""

import os
import sqlite3
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

PATIENCE = 20.0  # seconds to wait for another notebook's write
CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
COMPANIONS = ("-wal", "-shm", "-journal")

# One script per schema version: a file of version n has run the first n of them.
MIGRATIONS = (
    """
    CREATE TABLE events (
        number INTEGER PRIMARY KEY,
        uuid TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,      -- microseconds since 1970, UTC
        kind TEXT NOT NULL,
        item TEXT NOT NULL,
        payload TEXT NOT NULL     -- JSON
    );
    CREATE INDEX events_by_kind ON events (kind, item);
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
    CREATE TRIGGER events_never_go BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
    """,
)


class TooNew(Exception):
    """The file was written by a later version of the course."""


def perform(path: Path, work: Callable[[sqlite3.Connection], Result], *, write: bool) -> Result:
    """Run `work` on the database at `path`; a write is committed and on the disk when this returns.

    A corrupt file is set aside with a warning, never deleted, and `work` runs on a fresh one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    before = _identity(path)
    try:
        return _attempt(path, work, write)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in CORRUPT:  # the low byte is the kind of error
            raise
    if _identity(path) == before:  # else another process has already set it aside
        set_aside(path)
    return _attempt(path, work, write)


def _attempt(path: Path, work: Callable[[sqlite3.Connection], Result], write: bool) -> Result:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        _prepare(connection, path)
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        result = work(connection)
        connection.execute("COMMIT")
        return result
    finally:
        connection.close()  # what was not committed is rolled back


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: through the disk's own cache
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise TooNew(f"{path.name} is of version {version}; this course knows {len(MIGRATIONS)}: update it")
    if version == 0:
        _turn_on_wal(connection)
    if version < len(MIGRATIONS):
        _migrate(connection)
    _check_once(connection, path)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _turn_on_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for others here as it does elsewhere, so we do."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for version in range(_version(connection), len(MIGRATIONS)):  # read again, now under the lock
        for statement in _statements(MIGRATIONS[version]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.execute("COMMIT")


def _statements(script: str) -> list[str]:
    """Cut a script where SQLite says that a statement is complete; `executescript` would commit first."""
    found, part = [], ""
    for piece in script.split(";")[:-1]:
        part += piece + ";"
        if sqlite3.complete_statement(part):
            found.append(part)
            part = ""
    return found


_checked: set[tuple[str, int]] = set()


def _check_once(connection: sqlite3.Connection, path: Path) -> None:
    """Look through a file the first time that this process opens it."""
    key = (str(path), _identity(path))
    if key in _checked:
        return
    said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        error = sqlite3.DatabaseError(said)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    _checked.add(key)


def _identity(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it, say so, and return the new name."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    kept = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    for tail in (*COMPANIONS, ""):  # the file last: a new one must not meet an old log
        if (part := path.with_name(path.name + tail)).exists():
            os.replace(part, kept.with_name(kept.name + tail))
    warnings.warn(
        f"{path.name} was damaged. It is kept as {kept.name} in {path.parent}; a new record begins. "
        "If you have an export, run: glassbox progress import FILE",
        stacklevel=2,
    )
    return kept
