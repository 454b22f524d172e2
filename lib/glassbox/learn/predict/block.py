"""What a prediction shows: the same words as HTML and as plain text."""

from html import escape
from typing import NamedTuple

FRAME = "border-left:4px solid #888888;padding:2px 12px;margin:6px 0"


class Block(NamedTuple):
    """Something to display that a static page shows as well as a running notebook."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return f'<div style="{FRAME}">{self.html}</div>'

    def __repr__(self) -> str:
        return self.text


def paragraph(sentence: str) -> Block:
    """Return one sentence."""
    return Block(f'<p style="margin:4px 0">{escape(sentence)}</p>', sentence)


def stacked(*blocks: Block) -> Block:
    """Return blocks one below the other; empty ones leave no line."""
    return Block(
        "".join(block.html for block in blocks), "\n".join(block.text for block in blocks if block.text)
    )


def folded(summary: str, inside: Block) -> Block:
    """Return a block that opens on a click; plain text shows all of it."""
    html = f"<details><summary>{escape(summary)}</summary>{inside.html}</details>"
    return Block(html, f"{summary}\n{inside.text}")


def listed(lines: list[str], letters: bool = False) -> Block:
    """Return lines as a list, numbered by letters or not at all."""
    tag, marks = (
        ("ol", [f"{letter(n)}." for n in range(len(lines))]) if letters else ("ul", ["-"] * len(lines))
    )
    style = "list-style-type:upper-alpha;margin:4px 0" if letters else "margin:4px 0"
    html = "".join(f"<li>{escape(line)}</li>" for line in lines)
    text = "\n".join(f"  {mark} {line}" for mark, line in zip(marks, lines, strict=True))
    return Block(f'<{tag} style="{style}">{html}</{tag}>' if lines else "", text)


def letter(place: int) -> str:
    """Return A for 0, B for 1, and so on."""
    return chr(ord("A") + place)
