"""Carry the record to another machine: a JSON file out, a merge in."""

import json
import os
from datetime import datetime
from pathlib import Path

from glassbox.learn.progress.store import Event, merge, read

FORMAT = "glassbox progress"
VERSION = 1


def export_json(path: str | Path) -> int:
    """Write every event to a JSON file, whole or not at all, and return how many there are."""
    found = read()
    rows = [event._asdict() | {"at": event.at.isoformat()} for event in found]
    text = json.dumps({"format": FORMAT, "version": VERSION, "events": rows}, ensure_ascii=False, indent=1)
    half = Path(f"{path}.part")
    half.write_text(text + "\n", encoding="utf-8")
    os.replace(half, path)
    return len(found)


def import_json(path: str | Path) -> int:
    """Add the events of an exported file, and return how many were new. Once more adds nothing more.

    Raises: ValueError if the file is not such an export; then nothing was added.
    """
    name = Path(path).name
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document["format"] != FORMAT or document["version"] > VERSION:
            raise ValueError(f"{document['format']!r}, version {document['version']}")
        found = [_event(row) for row in document["events"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{name}: expected an export of version {VERSION} or older; came {error}") from error
    return merge(found)


def _event(row: dict) -> Event:
    at = datetime.fromisoformat(row["at"])
    if at.tzinfo is None:
        raise ValueError(f"the time {row['at']} without a time zone")
    return Event(str(row["uuid"]), at, row["kind"], row["item"], row["payload"])
