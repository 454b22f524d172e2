r"""Unicode categories as character classes of `re`, which has no `\p{L}`.

A class that lists every range above U+FFFF makes `re` walk all of them at each character that does not match,
six times slower. So the classes stop at U+FFFF, where `re` looks a character up in a table, and a text that
goes higher is matched through stand-ins: for each such character another one of the same category.
"""

import re
import unicodedata
from functools import cache

from glassbox.arguments import bad_value

TABLE = 0x10000  # characters below have a place in the table of `re`
WHITE = "\t\n\v\f\r\x85"  # White_Space that is not in a category Z
SURROGATE = re.compile("[\ud800-\udfff]")
HIGH = re.compile("[\U00010000-\U0010ffff]")


@cache
def categories() -> tuple[str, ...]:
    """Return the general category of each character below U+10000, such as "Lu"."""
    return tuple(unicodedata.category(chr(code)) for code in range(TABLE))


def is_white(character: str) -> bool:
    r"""Tell whether a character has the property White_Space, which `\s` means to Unicode.

    Convention: U+001C to U+001F have it not; Python's `\s` and `str.isspace` count them in.
    """
    return character in WHITE or unicodedata.category(character)[0] == "Z"


@cache
def members(name: str) -> str:
    r"""Return what stands between the brackets of a class: "L", "Nd" or "White_Space", below U+10000."""
    if name == "White_Space":
        inside = [kind[0] == "Z" or chr(code) in WHITE for code, kind in enumerate(categories())]
    else:
        inside = [kind.startswith(name) for kind in categories()]
    if not any(inside):
        raise bad_value("pattern", "a general category such as \\p{L} or \\p{Nd}", f"\\p{{{name}}}")
    steps = [code for code in range(1, TABLE) if inside[code] != inside[code - 1]]
    edges = [0] * inside[0] + steps + [TABLE] * inside[-1]
    return "".join(f"\\u{a:04x}-\\u{b - 1:04x}" for a, b in zip(edges[::2], edges[1::2], strict=True))


@cache
def stand_in(kind: str) -> str:
    """Return the last character below U+10000 of a general category; each has one."""
    return chr(max(code for code, other in enumerate(categories()) if other == kind))


def lowered(text: str) -> str:
    """Return a text of the same length and categories whose characters are all below U+10000."""
    return HIGH.sub(lambda found: stand_in(unicodedata.category(found[0])), text)


def translate(pattern: str) -> str:
    r"""Return a pattern for `re` from one that says \p{L}, \s and \S as Unicode does.

    Convention: groups do not capture; `$` is the very end of the text, as in Rust.
    Raises: ValueError for \P{...}, or \S inside a class, which have no translation.
    """
    parts = re.findall(r"\\[pP]\{\w+\}|\\.|\(\?|.", pattern, re.DOTALL)
    inside, out = False, []
    for part in parts:
        out.append(_translated(part, inside))
        inside = (inside or part == "[") and part != "]"
    return "".join(out)


def _translated(part: str, inside: bool) -> str:
    if part.startswith("\\P") or (inside and part == "\\S"):
        raise bad_value("pattern", "\\p{...} inside or outside a class, \\S outside", part)
    if part == "\\S":
        return f"[^{members('White_Space')}]"
    if part == "\\s" or part.startswith("\\p"):
        found = members("White_Space" if part == "\\s" else part[3:-1])
        return found if inside else f"[{found}]"
    return part if inside else {"(": "(?:", "$": r"\Z"}.get(part, part)
