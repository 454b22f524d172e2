"""Rows of facts about the machine, and how a notebook or a terminal shows them."""

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One fact about this machine, and what to do about it if it is a problem."""

    name: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """Rows as a table in a notebook, and as lines of text elsewhere."""

    rows: tuple[Row, ...]

    def _repr_html_(self) -> str:
        head = "<tr><th>this machine</th><th>found</th><th>what to do</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{''.join(map(_html, self.rows))}</tbody></table>"

    def __repr__(self) -> str:
        return "\n".join(map(_line, self.rows))


def _html(row: Row) -> str:
    name, found, advice = map(html.escape, (row.name, row.found, row.advice))
    return f'<tr><th scope="row">{name}</th><td>{found}</td><td>{advice}</td></tr>'


def _line(row: Row) -> str:
    return f"{row.name}: {row.found}" + (f" -> {row.advice}" if row.advice else "")
