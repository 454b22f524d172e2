"""The learner's own copies of the notebooks: made once, brought up to date, never overwritten."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from glassbox.learn.cells import Cell, Unreadable, changed, digests, outline

MANIFEST = ".glassbox.json"
BACKUPS = Path(".glassbox", "backups")


class WorkspaceError(Exception):
    """The learner's folder cannot be used; the message says why and what to do."""


class Fate(StrEnum):
    """What `sync` did with one notebook."""

    COPIED = "copied"
    SAME = "same"
    UPDATED = "updated"
    BESIDE = "beside"
    WAITING = "waiting"
    UNREADABLE = "unreadable"
    GONE = "gone"


SAYS = {
    Fate.UPDATED: "brought up to date; the old one is in .glassbox/backups.{cells}",
    Fate.BESIDE: "you and the course both changed it. Yours is untouched; the new one is {beside}.{cells}",
    Fate.WAITING: "yours; the course's newer one is beside it, {beside}.",
    Fate.UNREADABLE: "not a readable notebook, left as it is. Rename it to get a fresh copy.",
    Fate.GONE: "no longer part of the course; yours is kept.",
}


@dataclass(frozen=True)
class Change:
    """One notebook, what became of it, the name of a copy beside it, and the headings of changed cells."""

    name: str
    fate: Fate
    beside: str = ""
    cells: tuple[str, ...] = ()

    def line(self) -> str:
        """Return one line for the learner; empty where there is nothing to say."""
        cells = f" Changed: {', '.join(self.cells)}." if self.cells else ""
        said = SAYS.get(self.fate, "").format(beside=self.beside, cells=cells)
        return said and f"{self.name}: {said}"


@dataclass(frozen=True)
class Report:
    """What `sync` did: one `Change` per notebook of the course."""

    changes: tuple[Change, ...]

    def fates(self) -> dict[str, Fate]:
        """Return what became of each notebook, by name."""
        return {change.name: change.fate for change in self.changes}

    def lines(self) -> list[str]:
        """Return what the learner should read."""
        copied = sum(change.fate is Fate.COPIED for change in self.changes)
        first = [f"{copied} notebook{'s' * (copied != 1)} copied to your folder."] if copied else []
        return first + [line for change in self.changes if (line := change.line())]


@dataclass
class Record:
    """What the manifest knows of one notebook: what the copy came from, and what was placed beside it."""

    base: list[Cell] = field(default_factory=list)
    beside: str = ""
    offered: list[Cell] = field(default_factory=list)


def sync(source: Path, target: Path) -> Report:
    """Bring the learner's folder `target` up to date with the course's notebooks in `source`.

    A notebook counts as the learner's as soon as the source of one of its cells differs from what was copied;
    outputs and empty cells do not count. Such a notebook is never written: a new one is placed beside it.

    Raises: WorkspaceError if `target` cannot be used.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        known = _read_manifest(target)
        course = {path.name: path for path in sorted(source.glob("*.ipynb"))}
        gone = [name for name in known if name not in course and (target / name).exists()]
        records = {name: known.get(name, Record()) for name in course}
        changes = [_settle(path, target / name, records[name]) for name, path in course.items()]
        _write_manifest(target, records)
    except (FileExistsError, NotADirectoryError) as error:
        raise WorkspaceError(f"{target} is not a folder; choose another with --folder") from error
    except OSError as error:
        why = error.strerror or error
        raise WorkspaceError(f"cannot use {target} ({why}); choose another with --folder") from error
    return Report((*changes, *(Change(name, Fate.GONE) for name in gone)))


def _settle(new: Path, mine: Path, record: Record) -> Change:
    """Decide on one notebook, act, and record what the learner's copy now comes from."""
    offered, fate, cells = _course_outline(new), Fate.COPIED, ()
    if mine.exists():
        try:
            present = digests(outline(mine))
        except Unreadable:
            return Change(new.name, Fate.UNREADABLE)
        if digests(offered) in (present, digests(record.base)):
            fate = Fate.SAME
        elif present == digests(record.base):
            fate, cells = Fate.UPDATED, changed(record.base, offered)
            _back_up(mine)
        else:
            return _place_beside(new, mine, record, offered)
    if fate is not Fate.SAME:
        _write(mine, new.read_bytes())
    record.base, record.beside, record.offered = offered, "", []
    return Change(new.name, fate, cells=cells)


def _course_outline(new: Path) -> list[Cell]:
    try:
        return outline(new)
    except Unreadable as error:
        raise WorkspaceError(f"the course's {new.name} is damaged; restore it from the repository") from error


def _place_beside(new: Path, mine: Path, record: Record, offered: list[Cell]) -> Change:
    """Put the new notebook next to the learner's own, once for each new version."""
    if record.beside and record.offered == offered:
        fate = Fate.WAITING if (mine.parent / record.beside).exists() else Fate.SAME
        return Change(new.name, fate, record.beside)
    free = next(path for path in _names_beside(mine) if not path.exists() or _ours(path, record, offered))
    _write(free, new.read_bytes())
    record.beside, record.offered = free.name, offered
    return Change(new.name, Fate.BESIDE, free.name, changed(record.base or outline(mine), offered))


def _names_beside(mine: Path) -> Iterator[Path]:
    yield mine.with_suffix(".new.ipynb")
    yield from (mine.with_suffix(f".new-{number}.ipynb") for number in range(2, 1000))


def _ours(path: Path, record: Record, offered: list[Cell]) -> bool:
    """True if `path` holds what `sync` placed there, now or in an interrupted run, and nobody wrote in it."""
    try:
        present = outline(path)
    except Unreadable:
        return False
    return present == offered or (path.name == record.beside and present == record.offered)


def _back_up(mine: Path) -> None:
    folder = mine.parent / BACKUPS
    folder.mkdir(parents=True, exist_ok=True)
    content = hashlib.sha256(mine.read_bytes()).hexdigest()[:8]
    shutil.copy2(mine, folder / f"{mine.stem}.{date.today()}.{content}.ipynb")


def _read_manifest(target: Path) -> dict[str, Record]:
    """Return what earlier runs recorded. A notebook without a record counts as the learner's."""
    try:
        known = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        return {name: _record(**entry) for name, entry in known.items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        return {}


def _record(base: list, beside: str, offered: list) -> Record:
    return Record([Cell(*cell) for cell in base], beside, [Cell(*cell) for cell in offered])


def _write_manifest(target: Path, known: dict[str, Record]) -> None:
    plain = {name: asdict(record) for name, record in known.items()}
    _write(target / MANIFEST, json.dumps(plain, ensure_ascii=False, indent=1).encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
