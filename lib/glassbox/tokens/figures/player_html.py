"""The parts of the live merge player as HTML: boxes, the ranked table, the curve."""

from collections.abc import Sequence
from html import escape

from glassbox.draw import theme
from glassbox.tokens.figures import pieces
from glassbox.tokens.figures.player_parts import HEADS

BOX = "display:inline-block;text-align:center;padding:2px 4px;margin:1px;border-radius:3px"
MONO = "font-family:monospace;line-height:1.25"
WIDE, HIGH, EDGE = 340, 190, 34  # pixels of the curve and of the room for its numbers


def box(token: str, color: str, number: int | None = None) -> str:
    """Return one token, its id below."""
    below = "" if number is None else f'<br><span style="font-size:10px">{number}</span>'
    return f'<span style="{BOX};{MONO};background:{color};color:{theme.INK}">{escape(token)}{below}</span>'


def text(row: dict) -> str:
    """Return the text of a row as boxes, and the step in words."""
    learned, new = set(row["learned"]), pieces.newest(row)
    drawn = [
        box(one["token"], pieces.COLORS[pieces.color_of(one["token"], one["id"], learned, new)], one["id"])
        for word in row["words"]
        for one in word
    ]
    return f"<p>{'<br>'.join(pieces.sentence(row))}</p><div>{''.join(drawn)}</div>"


def table(row: dict) -> str:
    """Return what comes next, best first."""
    heads = HEADS.get(row["recipe"], ("pair", "count"))
    lines = [
        (" + ".join(filter(None, (one["left"], one["right"]))), one["count"], f"{one['score']:.3g}")
        for one in row["table"]
    ]
    cell = "padding:1px 10px 1px 0"
    head = "".join(f'<th style="{cell};text-align:left">{name}</th>' for name in heads)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{cell}">{escape(str(value))}</td>' for value in line[: len(heads)])
        + "</tr>"
        for line in lines
    )
    return f'<b>the next candidates, best first</b><table style="{MONO}"><tr>{head}</tr>{body}</table>'


def curve(rows: Sequence[dict], row: dict) -> str:
    """Return the length of the text against the learned tokens, with a mark at the row shown."""
    points = [(len(one["learned"]), one["tokens"]) for one in rows]
    right, top = max(x for x, _ in points) or 1, max(y for _, y in points)

    def spot(x: int, y: int) -> tuple[float, float]:
        return EDGE + (WIDE - EDGE - 10) * x / right, 8 + (HIGH - EDGE - 8) * (1 - y / top)

    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in (spot(*point) for point in points))
    x, y = spot(len(row["learned"]), row["tokens"])
    words = f"{row['tokens']} tokens with {len(row['learned'])} learned"
    floor = HIGH - EDGE
    return (
        f'<svg width="{WIDE}" height="{HIGH}" role="img" aria-label="{words}" font-size="12">'
        f'<path d="M{EDGE} 8V{floor}H{WIDE - 10}" fill="none" stroke="{theme.GRID}"/>'
        f'<polyline points="{line}" fill="none" stroke="{theme.SERIES[0]}" stroke-width="2.5"/>'
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="6" fill="{theme.SERIES[0]}" stroke="{theme.INK}"/>'
        f'<text x="{EDGE - 4}" y="16" text-anchor="end">{top}</text>'
        f'<text x="{EDGE - 4}" y="{floor}" text-anchor="end">0</text>'
        f'<text x="{WIDE - 10}" y="{floor + 14}" text-anchor="end">{right}</text>'
        f'<text x="{EDGE}" y="{floor + 14}">text (tokens) against learned tokens</text></svg>'
    )


def encoded(made: Sequence[Sequence[str]], allowed: Sequence[Sequence[str]], learned: Sequence[str]) -> str:
    """Return another text as the recipe cuts it, and whether fewer tokens would do."""
    count, least = (sum(map(len, words)) for words in (made, allowed))
    lines = [f"<b>{count} token{'s' * (count != 1)}</b> {_row_of(made, learned)}"]
    if least < count:
        lines += [f"<b>{least} would do</b> {_row_of(allowed, learned)}"]
        lines += ["<b>Found one:</b> the learned tokens allow a shorter text than the recipe makes of it."]
    else:
        lines += ["The learned tokens allow no fewer. Try another text."]
    return "".join(f'<p style="margin:4px 0">{line}</p>' for line in lines)


def _row_of(words: Sequence[Sequence[str]], learned: Sequence[str]) -> str:
    return "".join(
        box(token, pieces.LEARNED[0] if token in learned else pieces.SYMBOL)
        for word in words
        for token in word
    )
