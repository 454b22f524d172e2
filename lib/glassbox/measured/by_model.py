"""Tables with a row per model, `data/<name>_by_model.yaml`: read once, every row checked."""

from collections.abc import Callable, Mapping
from functools import cache

import yaml

from glassbox import paths
from glassbox.arguments import bad_value

Allowed = type | tuple
WORDS = {str: "a text", int: "a positive whole number", float: "a positive number"}


def by_model(name: str, check: Callable[[dict], None]) -> list[dict]:
    """Return copies of the rows of `data/<name>_by_model.yaml`, each of which `check` has accepted.

    Raises: FileNotFoundError if there is no such table; whatever `check` raises.
    """
    return [dict(row) for row in _read(name, check)]


@cache
def _read(name: str, check: Callable[[dict], None]) -> tuple[dict, ...]:
    rows = yaml.safe_load(paths.data(f"{name}_by_model.yaml").read_text(encoding="utf-8"))
    for row in rows:
        check(row)
    return tuple(rows)


def check_columns(row: dict, columns: Mapping[str, Allowed], optional: Mapping[str, Allowed]) -> None:
    """Refuse a row without one of the columns, with an unknown one, or with one that holds what it may not.

    Convention: a column may hold a type (a text that is not empty, a number above zero), or what a tuple
        lists: values, and types. The row is named by its `model`.
    Raises: ValueError that names the model and the column.
    """
    name = row.get("model", "a row without model")
    if missing := columns.keys() - row.keys():
        raise bad_value(name, "all columns", f"no {', '.join(sorted(missing))}")
    known = {**columns, **optional}
    for column, value in row.items():
        if column not in known:
            raise bad_value(f"{name}.{column}", "a known column", value)
        allowed = known[column] if isinstance(known[column], tuple) else (known[column],)
        if not any(_fits(value, each) for each in allowed):
            raise bad_value(f"{name}.{column}", " or ".join(map(_word, allowed)), value)


def _fits(value: object, allowed: object) -> bool:
    if not isinstance(allowed, type):
        return type(value) is type(allowed) and value == allowed  # 1 is not True
    return type(value) is allowed and (value != "" if allowed is str else value > 0)


def _word(allowed: object) -> str:
    return WORDS[allowed] if isinstance(allowed, type) else repr(allowed)
