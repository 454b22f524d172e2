"""The parts of the live tile stepper as HTML: the grid with its strips, the numbers, bars, error curves."""

from collections.abc import Sequence
from html import escape
from math import log10

from glassbox.draw import theme
from glassbox.flash.figures import stepper_tiles as tiles
from glassbox.flash.figures import stepper_values as values
from glassbox.flash.figures.choices import fewest

SIDE, EDGE = 288, 44  # pixels of the grid, and kept above it and to its left
WIDE, HIGH, FOOT, MARGIN = 360, 150, 24, 48  # of the error curves, and of the room for their numbers
BAR = 150  # pixels of 100 percent


def grid(rows: Sequence[dict], step: int) -> str:
    """Return the tiles as a drawing: numbered by their visit, the one on chip dark, hidden ones crossed."""
    row, colors = tiles.at(rows, step), (tiles.HIDDEN, tiles.TO_COME, tiles.DONE, tiles.NOW)
    codes, numbers = tiles.cells(rows, step), tiles.words_on(rows, step)
    tall, wide = (SIDE * row[side] / row["n"] for side in ("query_block", "key_block"))
    drawn = [
        _tile(EDGE + wide * x, EDGE + tall * y, wide, tall, colors[code], code == 0, numbers[y][x])
        for y, line in enumerate(codes)
        for x, code in enumerate(line)
    ]
    words = f"tile {row['step']} of {len(rows)}: " + _plain(values.words(row)[0])
    size = SIDE + 2 * EDGE - 14
    return (
        f'<svg width="{size}" height="{SIDE + EDGE + 22}" role="img" aria-label="{escape(words)}" '
        f'font-size="11" text-anchor="middle">{"".join(drawn)}{_strips(rows, step)}</svg>'
    )


def _tile(x: float, y: float, wide: float, tall: float, color: str, hidden: bool, number: str) -> str:
    edge = f' stroke="{theme.GRID}"' if hidden else f' stroke="{theme.PAPER}"'
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{color}"{edge}/>'
    text = "×" if hidden else number if min(wide, tall) >= 15 else ""
    if not text:
        return box
    ink = theme.PAPER if color == tiles.NOW else theme.INK
    return box + f'<text x="{x + wide / 2:.1f}" y="{y + tall / 2 + 4:.1f}" fill="{ink}">{text}</text>'


def _strips(rows: Sequence[dict], step: int) -> str:
    """Return the blocks of K and V above the grid, of Q and O beside it, with their letters."""
    row, drawn = rows[0], []
    for name, states in tiles.blocks(rows, step).items():
        color, flat = tiles.STRIPS[name], [code for line in states for code in line]
        shades = (tiles.TO_COME, tiles.mixed(color), color)
        long = SIDE * row["key_block" if name in "KV" else "query_block"] / row["n"]
        first, thick = EDGE + SIDE * tiles.PLACES[name][0], SIDE * tiles.THICK
        for place, code in enumerate(flat):
            box = (EDGE + long * place, first, long, thick)
            drawn.append(_box(*(box if name in "KV" else (box[1], box[0], box[3], box[2])), shades[code]))
        across = EDGE - 8 if name in "KV" else first + thick / 2
        down = first + thick - 3 if name in "KV" else EDGE + SIDE + 15
        drawn.append(f'<text x="{across:.1f}" y="{down:.1f}" font-weight="bold">{name}</text>')
    return "".join(drawn)


def _box(x: float, y: float, wide: float, tall: float, color: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{color}" '
        f'stroke="{theme.PAPER}"/>'
    )


def numbers(row: dict) -> str:
    """Return the running result of the followed query, and the bytes as bars."""
    lines = "".join(f'<div style="line-height:1.6">{line}</div>' for line in values.words(row))
    shares = values.shares(row)
    colors = (theme.ROLES["residual"], theme.SERIES[0], theme.SERIES[2])
    bars = "".join(map(_bar, values.BARS, shares["x"], shares["text"], colors))
    return f'<div style="font-size:14px">{lines}</div><div style="margin-top:8px;font-size:14px">{bars}</div>'


def _bar(name: str, percent: float, text: str, color: str) -> str:
    long, inline = min(percent, 130) * BAR / 100, "display:inline-block;width"
    return (
        f'<div style="white-space:nowrap;line-height:1.7"><span style="{inline}:112px">{name}</span>'
        f'<span style="{inline}:{long:.0f}px;height:12px;background:{color}"></span> '
        f"{text}</div>"
    )


def errors(rows: Sequence[dict], step: int) -> str:
    """Return both errors against the tiles computed, on a log scale, the step shown ringed."""
    row, columns = tiles.at(rows, step), ("error_so_far", "error_final")

    def spot(number: int, error: float) -> tuple[float, float]:
        share = (log10(values.drawn_error(error)) + 5) / 6
        across = (number - 1) / max(len(rows) - 1, 1)
        return MARGIN + (WIDE - MARGIN - 12) * across, 10 + (HIGH - FOOT - 20) * (1 - share)

    drawn = [_tick(words, spot(1, error)[1]) for words, error in _TICKS]
    for column, color, dash in zip(columns, theme.SERIES, ("", "5 3"), strict=False):
        for block in _blocks(rows):
            points = " ".join("{:.1f},{:.1f}".format(*spot(one["step"], one[column])) for one in block)
            drawn.append(
                f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5" '
                f'stroke-dasharray="{dash}" stroke-linecap="round"/>'
            )
        x, y = spot(row["step"], row[column])
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{color}" stroke="{theme.INK}"/>')
    names = " ".join(
        f'<span style="color:{color}">{sign} {name}</span>'
        for sign, name, color in zip("●■", (values.SO_FAR, values.FINAL), theme.SERIES, strict=False)
    )
    words = escape("; ".join(_plain(line) for line in values.words(row)[-2:]))
    return (
        f'<div style="font-size:13px">error {names}</div><svg width="{WIDE}" height="{HIGH}" role="img" '
        f'aria-label="{words}" font-size="11">{"".join(drawn)}<text x="{MARGIN}" y="{HIGH - 4}">'
        f"tiles computed, 1 to {len(rows)}</text></svg>"
    )


_TICKS = (("NaN", values.BROKEN), ("1", 1.0), ("0.01", 1e-2), ("exact", values.EXACT))


def _tick(words: str, y: float) -> str:
    return (
        f'<path d="M{MARGIN} {y:.1f}H{WIDE - 6}" stroke="{theme.GRID}"/>'
        f'<text x="{MARGIN - 5}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'
    )


def _blocks(rows: Sequence[dict]) -> list[list[dict]]:
    """Return the rows of each block of queries."""
    starts = dict.fromkeys(row["queries"] for row in rows)
    return [[row for row in rows if row["queries"] == queries] for queries in starts]


def verdict(rows: Sequence[dict]) -> str:
    """Return whether the tiles fit, and whether others that fit move fewer bytes."""
    last, best = rows[-1], fewest(rows[-1]["mask"], rows[-1]["chip"])
    chip = f"{last['chip'] / 1024:g} KiB"
    if last["held"] > last["chip"]:
        said = f"These tiles hold {last['held'] / 1024:.1f} KiB: more than {chip}. Make one of them smaller."
    elif last["bytes"] > best:
        said = f"They fit in {chip} and move {last['bytes']:,} bytes. Others that fit move fewer."
    else:
        said = f"<b>Found it:</b> no tiles that fit in {chip} move fewer than {last['bytes']:,} bytes."
    return f'<p style="margin:4px 0">{said}</p>'


def _plain(words: str) -> str:
    """Return words without their marks."""
    return words.replace("<b>", "").replace("</b>", "")
