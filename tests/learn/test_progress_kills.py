"""Writers that are killed at any moment, and writers at once: what was acknowledged is there."""

import os
import random
import signal
import sqlite3
import time

import pytest
from glassbox.learn import progress
from glassbox.learn.progress import database, place, store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork: Linux and macOS")

KILLS = 200


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)


def spawn(write) -> tuple[int, int]:
    """Start a process that calls `write(acknowledge)` without end; return its id and where it reports."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            write(lambda name: os.write(writer, f"{name}\n".encode()))
        finally:
            os._exit(0)
    os.close(writer)
    return child, reader


def everything(reader: int) -> list[str]:
    with os.fdopen(reader, encoding="utf-8") as lines:
        return [line.strip() for line in lines if line.endswith("\n")]


def seconds_of(write, events: int = 10) -> float:
    """Return how long a writer takes, start included, on this machine as busy as it is now."""
    start = time.monotonic()
    child, reader = spawn(write)
    with os.fdopen(reader, encoding="utf-8") as lines:
        for _ in range(events):
            lines.readline()
        seconds = time.monotonic() - start
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return seconds


def acknowledged_by_killed_writers(write, kills: int, seed: int = 0) -> set[str]:
    """Kill that many writers at random moments and return the events that they had acknowledged."""
    chance, said, span = random.Random(seed), set(), min(seconds_of(write), 0.2)
    for _ in range(kills):
        child, reader = spawn(write)
        time.sleep(chance.uniform(0, span))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said |= set(everything(reader))
    return said


def honest(acknowledge) -> None:
    while True:
        acknowledge(progress.log("attempt", "01.2", {"text": "x" * 300}).uuid)


def hasty(acknowledge) -> None:
    """Acknowledge inside the transaction, before it is committed."""
    while True:
        event = store.Event(
            f"{os.getpid()}-{time.monotonic_ns()}", store.datetime.now(store.UTC), "a", "b", {}
        )

        def insert(connection, event=event):
            store._insert(connection, [store._row(event)])
            acknowledge(event.uuid)
            time.sleep(0.002)

        database.perform(place.record(), insert, write=True)


def present() -> set[str]:
    return {event.uuid for event in progress.events()}


def test_killed_writers_lose_nothing_and_break_nothing():
    said = acknowledged_by_killed_writers(honest, KILLS)
    assert len(said) > KILLS  # most writers came to write
    assert said <= present()
    with sqlite3.connect(place.record()) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert list(place.folder().glob("*damaged*")) == []


def test_the_killing_sees_a_hasty_writer():
    assert not acknowledged_by_killed_writers(hasty, 30) <= present()


def test_four_processes_write_at_once():
    def fifty(acknowledge) -> None:
        for _ in range(50):
            acknowledge(progress.log("attempt", "01.2", {}).uuid)

    writers = [spawn(fifty) for _ in range(4)]
    said = [everything(reader) for _, reader in writers]
    for child, _ in writers:
        assert os.waitpid(child, 0)[1] == 0
    assert [len(names) for names in said] == [50] * 4
    assert {name for names in said for name in names} == present() and len(present()) == 200
