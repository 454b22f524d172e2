"""Tables that read well on the screen, aloud and as plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from numbers import Number

from glassbox.arguments import bad_value
from glassbox.draw.rows import expect_rows

_CELL = "padding:3px 12px 3px 0"


def table(
    rows: Sequence[dict],
    caption: str,
    *,
    formats: dict[str, str] | None = None,
    columns: Sequence | None = None,
) -> "Table":
    """Return `rows` as a table; the first column heads each row.

    `formats` gives a column's format, as in {"share": ".1%"}; a float without one is shown to 3 significant
    digits. `columns` chooses and orders the columns (default: those of the first row).
    Raises: ValueError if a column is missing from the rows, or `formats` names one that is not shown.
    """
    expect_rows(rows)
    names = list(columns or rows[0])
    expect_rows(rows, **{f"columns[{place}]": name for place, name in enumerate(names)})
    strangers = [name for name in formats or {} if name not in names]
    if strangers:
        raise bad_value("formats", f"only columns of the table: {', '.join(map(str, names))}", strangers)
    if not caption:
        raise bad_value("caption", "a sentence that says what the table holds", caption)
    cells = tuple(tuple(_text(row[name], (formats or {}).get(name)) for name in names) for row in rows)
    numeric = tuple(all(_is_number(row[name]) for row in rows) for name in names)
    return Table(caption, tuple(map(str, names)), cells, numeric)


@dataclass(frozen=True, repr=False)
class Table:
    """Cells as text, ready to be shown."""

    caption: str
    heads: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.heads, *self.cells, strict=True)]
        return "\n".join([self.caption, *(self._line(row, widths) for row in (self.heads, *self.cells))])

    def _line(self, row, widths) -> str:
        parts = zip(row, widths, self.numeric, strict=True)
        return "  ".join(
            text.rjust(width) if right else text.ljust(width) for text, width, right in parts
        ).rstrip()

    def _repr_html_(self) -> str:
        head = "".join(self._cell("th", "col", place, text) for place, text in enumerate(self.heads))
        body = "".join(f"<tr>{self._row(row)}</tr>" for row in self.cells)
        style = "caption-side:top;text-align:left;white-space:nowrap"
        caption = f'<caption style="{style}">{escape(self.caption)}</caption>'
        return (
            f'<table style="border-collapse:collapse;font-size:14px">{caption}'
            f'<thead style="border-bottom:1px solid #888888"><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

    def _row(self, row) -> str:
        first = self._cell("th", "row", 0, row[0])
        return first + "".join(self._cell("td", "", place, text) for place, text in enumerate(row) if place)

    def _cell(self, tag: str, scope: str, place: int, text: str) -> str:
        side = "right" if self.numeric[place] else "left"
        heading = f' scope="{scope}"' if scope else ""
        weight = ";font-weight:normal" if scope == "row" else ""
        return f'<{tag}{heading} style="text-align:{side};{_CELL}{weight}">{escape(text)}</{tag}>'


def _is_number(value) -> bool:
    return value is None or (isinstance(value, Number) and not isinstance(value, bool))


def _text(value, form: str | None) -> str:
    if value is None:
        return "–"
    if form is not None:
        return format(value, form)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
