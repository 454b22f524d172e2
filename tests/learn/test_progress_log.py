"""The log: what goes in comes out, in order, once, and only when it may."""

import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from glassbox.learn import progress
from glassbox.learn.progress import database, place


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)


def test_what_goes_in_comes_out():
    written = [
        progress.log("attempt", "01.2", {"passed": False, "mistake": "eps 外面"}),
        progress.log("prediction", "01.p1", {"answer": 0.5}),
        progress.log("attempt", "01.3", {}),
    ]
    assert progress.events() == written
    assert progress.events(kind="attempt") == [written[0], written[2]]
    assert progress.events(item="01.p1") == [written[1]]
    assert progress.events(kind="attempt", item="01.p1") == []
    assert progress.events(since=written[1].at) == written[1:]
    assert written[0].at.tzinfo == UTC


def test_reading_creates_no_file():
    assert progress.events() == [] and not place.record().exists()


def test_batch_mode_neither_reads_nor_writes(monkeypatch):
    progress.log("attempt", "01.2", {})
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    assert progress.log("attempt", "01.3", {}) is None and progress.events() == []
    monkeypatch.delenv("GLASSBOX_BATCH")
    assert [event.item for event in progress.events()] == ["01.2"]


@pytest.mark.parametrize(
    "arguments, error, said",
    [
        (("", "01.2", {}), ValueError, "kind: expected a word"),
        (("attempt", " ", {}), ValueError, "item: expected a word"),
        (("attempt", "01.2", [1]), TypeError, "payload: expected a dict"),
        (("attempt", "01.2", {"x": float("nan")}), ValueError, "payload: expected what JSON can hold"),
        (("attempt", "01.2", {"x": object()}), ValueError, "payload: expected what JSON can hold"),
    ],
)
def test_bad_input_is_named(arguments, error, said):
    with pytest.raises(error, match=said):
        progress.log(*arguments)
    with pytest.raises(ValueError, match="since: expected a time with its time zone"):
        progress.events(since=datetime(2026, 1, 1))


def test_the_log_is_append_only():
    progress.log("attempt", "01.2", {})
    with sqlite3.connect(place.record()) as connection:
        for statement in ("DELETE FROM events", "UPDATE events SET item = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


def test_a_later_schema_keeps_the_old_events(monkeypatch):
    kept = progress.log("attempt", "01.2", {})
    later = (
        *database.MIGRATIONS,
        "ALTER TABLE events ADD COLUMN machine TEXT; CREATE INDEX m ON events (machine);",
    )
    monkeypatch.setattr(database, "MIGRATIONS", later)
    added = progress.log("attempt", "01.3", {})
    assert progress.events() == [kept, added]
    with sqlite3.connect(place.record()) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT machine FROM events").fetchall() == [(None,), (None,)]
    connection.close()


def test_a_file_of_a_later_course_is_left_alone(monkeypatch):
    progress.log("attempt", "01.2", {})
    with sqlite3.connect(place.record()) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    before = place.record().read_bytes()
    with pytest.warns(UserWarning, match="not being recorded.*version 9.*update it"):
        assert progress.log("attempt", "01.3", {}) is None
    with pytest.warns(UserWarning, match="cannot be read"):
        assert progress.events() == []
    assert place.record().read_bytes() == before and len(list(place.folder().glob("*.sqlite"))) == 1


def test_where_nothing_can_be_written_practice_goes_on(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "file" / "below"))
    with pytest.warns(UserWarning, match="not being recorded"):
        assert progress.log("attempt", "01.2", {}) is None


# ---- damage


@pytest.mark.parametrize("damage", ["garbage", "torn page", "cut"])
def test_a_damaged_file_is_set_aside(damage, monkeypatch):
    for number in range(200):
        progress.log("attempt", f"01.{number}", {"text": "x" * 400})
    path = place.record()
    whole = path.read_bytes()
    hurt = {
        "garbage": b"not a database at all" * 400,
        "torn page": whole[:8192] + b"\xff" * 8192 + whole[16384:],
        "cut": whole[: len(whole) // 2],
    }[damage]
    path.write_bytes(hurt)
    monkeypatch.setattr(database, "_checked", set())  # as a new process would begin
    with pytest.warns(UserWarning, match="damaged.*is kept as progress.damaged-.*progress import"):
        fresh = progress.log("attempt", "02.1", {})
    assert progress.events() == [fresh]
    (kept,) = path.parent.glob("progress.damaged-*.sqlite")
    assert kept.read_bytes() == hurt


# ---- export and import


def test_export_and_import_merge_once(tmp_path, monkeypatch):
    first = progress.log("attempt", "01.2", {"mistake": "轴"})
    assert progress.export_json(tmp_path / "out.json") == 1
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "elsewhere"))
    second = progress.log("review", "card", {"rating": 3})
    assert [progress.import_json(tmp_path / "out.json") for _ in range(2)] == [1, 0]
    assert progress.events() == [first, second]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": "other", "version": 1, "events": []}',
     '{"format": "glassbox progress", "version": 2, "events": []}',
     '{"format": "glassbox progress", "version": 1, "events": [{"uuid": "a"}]}'],
)  # fmt: skip
def test_a_file_that_is_no_export_adds_nothing(text, tmp_path):
    (tmp_path / "in.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"in\.json: expected an export of version 1"):
        progress.import_json(tmp_path / "in.json")
    assert not place.record().exists()


def test_half_a_bad_import_adds_nothing(tmp_path):
    good = {"uuid": "a", "at": "2026-01-01T00:00:00+00:00", "kind": "review", "item": "x", "payload": {}}
    document = {
        "format": "glassbox progress",
        "version": 1,
        "events": [good, good | {"uuid": "b", "kind": ""}],
    }
    (tmp_path / "in.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ValueError, match="kind: expected a word"):
        progress.import_json(tmp_path / "in.json")
    assert progress.events() == []


def test_events_come_in_the_order_of_time(tmp_path):
    late = progress.log("review", "x", {})
    row = late._asdict() | {"uuid": "early", "at": (late.at - timedelta(days=3)).isoformat()}
    document = {"format": "glassbox progress", "version": 1, "events": [row]}
    (tmp_path / "in.json").write_text(json.dumps(document), encoding="utf-8")
    progress.import_json(tmp_path / "in.json")
    assert [event.uuid for event in progress.events()] == ["early", late.uuid]


# ---- lightness

LIGHT = (
    "import sys, glassbox.learn.progress; print(*sorted({'torch', 'numpy', 'ipywidgets'} & set(sys.modules)))"
)


def test_the_log_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == ""
