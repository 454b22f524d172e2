"""Reading rows: a list of dicts, one dict per measurement."""

from collections.abc import Sequence

from glassbox.arguments import bad_type, bad_value


def expect_rows(rows, **columns: str | None) -> None:
    """Refuse rows that are not dicts or lack a column; the message names the column and what exists."""
    if not isinstance(rows, Sequence) or not all(isinstance(row, dict) for row in rows):
        raise bad_type("rows", "a list of dicts", rows)
    if not rows:
        raise bad_value("rows", "at least one row", list(rows))
    for argument, column in columns.items():
        for number, row in enumerate(rows):
            if column is not None and column not in row:
                raise ValueError(
                    f"{argument}: expected a column of the rows; came {column!r}, which row {number} lacks; "
                    f"it has {', '.join(map(repr, row))}"
                )


def distinct(rows, column: str) -> list:
    """Return the values of `column` in order of first appearance."""
    return list(dict.fromkeys(row[column] for row in rows))


def groups(rows, column: str | None, order: Sequence | None = None) -> dict:
    """Return the rows of each value of `column`, in `order` (default: of first appearance)."""
    if column is None:
        return {"": list(rows)}
    order = distinct(rows, column) if order is None else list(order)
    strangers = [name for name in distinct(rows, column) if name not in order]
    if strangers:
        raise bad_value("order", f"every value of {column!r}, also {strangers}", order)
    return {name: [row for row in rows if row[column] == name] for name in order}
