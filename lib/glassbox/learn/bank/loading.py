"""Read the bank's files: data/questions/<topic>.yaml and data/errata/<topic>.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from glassbox.learn.bank.cache import cached
from glassbox.learn.bank.schema import Card, Erratum
from glassbox.paths import root

Record = TypeVar("Record", Card, Erratum)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


class BankError(ValueError):
    """A file of the bank is not as it should be: one line for each file, record and field."""


def cards(topic: str | None = None, folder: Path | None = None) -> dict[str, Card]:
    """Return the cards of one topic, or of all, by id.

    Raises: BankError naming file, card and field; FileNotFoundError for a topic without a file.
    """
    return _records(Card, "cards", folder or root() / "data" / "questions", topic)


def errata(topic: str | None = None, folder: Path | None = None) -> dict[str, Erratum]:
    """Return the errata of one topic, or of all, by id. Raises as `cards` does."""
    return _records(Erratum, "errata", folder or root() / "data" / "errata", topic)


def definitions(topic: str, folder: Path | None = None) -> dict[str, str]:
    """Return the expressions that a topic's file defines for its numbers, in their order."""
    found = _read((folder or root() / "data" / "questions") / f"{topic}.yaml").get("definitions", {})
    return {str(name): str(expression) for name, expression in found.items()}


def _records(kind: type[Record], key: str, folder: Path, topic: str | None) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for path in sorted(folder.glob("*.yaml")) if topic is None else [folder / f"{topic}.yaml"]:
        for record in _parsed(kind, key, path):
            if record.topic != path.stem:
                raise BankError(f"{path.name}: {record.id}: topic: expected {path.stem}; came {record.topic}")
            if record.id in found:
                raise BankError(
                    f"{path.name}: {record.id}: id: already used by topic {found[record.id].topic}"
                )
            found[record.id] = record
    return found


def _parsed(kind: type[Record], key: str, path: Path) -> list[Record]:
    rows = _read(path).get(key)
    if not isinstance(rows, list):
        raise BankError(f"{path.name}: expected a list under `{key}:`")
    try:
        return TypeAdapter(list[kind]).validate_python(rows)
    except ValidationError as error:
        raise BankError("\n".join(_line(path.name, rows, each) for each in error.errors())) from error


def _line(name: str, rows: list, error: Mapping[str, Any]) -> str:
    place, *field = error["loc"]
    row = rows[place]
    record = row.get("id", f"number {place + 1}") if isinstance(row, dict) else f"number {place + 1}"
    return f"{name}: {record}: {'.'.join(map(str, field)) or 'record'}: {error['msg']}"


def _read(path: Path) -> dict:
    try:
        document = cached(path.read_bytes(), lambda text: yaml.load(text, Loader=LOADER))
    except yaml.YAMLError as error:
        raise BankError(f"{path.name}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise BankError(f"{path.name}: expected a mapping at the top")
    return document
