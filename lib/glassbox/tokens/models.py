"""Which model has which tokenizer: a table with a source per row, and the idle rows of each embedding."""

from functools import lru_cache

import yaml

from glassbox import paths
from glassbox.arguments import bad_value, expect_whole

# column -> what it may hold: one of some values, or a type; None where no source was opened
COLUMNS = {
    "model": str,
    "algorithm": ("bpe", "wordpiece", "unigram", None),
    "symbols": ("bytes", "characters", "characters and bytes", None),
    "digits": (1, 3, "any", None),
    "tokens": int,
    "special": int,
    "rows": int,
    "source": str,
    "note": str,
}
UNKNOWN_ALLOWED = ("tokens", "special", "rows")


def table() -> list[dict]:
    """Return one row per model: its algorithm, the sizes of its tokenizer and its embedding, and the source.

    The columns are explained at the head of `data/tokenizers_by_model.yaml`.

    Raises: ValueError for a row with a column missing, unknown, or holding what it may not.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [dict(row) for row in _rows()]


@lru_cache(maxsize=1)
def _rows() -> tuple[dict, ...]:
    rows = yaml.safe_load(paths.data("tokenizers_by_model.yaml").read_text(encoding="utf-8"))
    for row in rows:
        check(row)
    return tuple(rows)


def check(row: dict) -> None:
    """Refuse a row that does not have the columns of the table, or whose numbers contradict each other."""
    name = row.get("model", "a row without model")
    if missing := COLUMNS.keys() - row.keys():
        raise bad_value(name, "all columns", f"no {', '.join(sorted(missing))}")
    for column, value in row.items():
        if column not in COLUMNS or not _fits(column, value):
            raise bad_value(f"{name}.{column}", f"a known column holding {COLUMNS.get(column)}", value)
    sizes = [row[column] for column in ("special", "tokens", "rows") if row[column] is not None]
    if sizes != sorted(sizes):
        raise bad_value(name, "special <= tokens <= rows", sizes)


def _fits(column: str, value: object) -> bool:
    allowed = COLUMNS[column]
    if isinstance(allowed, tuple):
        return type(value) in map(type, allowed) and value in allowed
    if value is None:
        return column in UNKNOWN_ALLOWED
    return type(value) is allowed and (value > 0 if allowed is int else bool(value))


def padded_rows() -> list[dict]:
    """Return the models whose tokens and rows are both known.

        idle = rows - tokens

    A row has `model`, `tokens`, `rows`, `idle` and `multiple`: the largest power
    of two that divides the rows, which says why there are idle ones.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [
        {"model": row["model"], "tokens": row["tokens"], "rows": row["rows"]}
        | {"idle": row["rows"] - row["tokens"], "multiple": row["rows"] & -row["rows"]}
        for row in table()
        if row["tokens"] is not None and row["rows"] is not None
    ]


def padded(tokens: int, multiple: int = 128) -> int:
    """Return the rows of an embedding for so many tokens, if they have to be a multiple.

    Raises: TypeError, ValueError for anything but whole numbers above 0.
    """
    expect_whole("tokens", tokens, 1)
    expect_whole("multiple", multiple, 1)
    return -(-tokens // multiple) * multiple
