"""How every figure looks: one colour per role, a second sign beside each colour, one small template."""

from typing import NamedTuple

from glassbox.arguments import bad_value

# Every pair stays apart by a CIELAB distance of at least 20 for normal sight, protanopia, deuteranopia and
# tritanopia, and each colour has a contrast of at least 3:1 against white paper.
ROLES = {
    "query": "#1B468F",
    "key": "#BA0808",
    "value": "#3BA562",
    "residual": "#6F6F6F",
    "gradient": "#EC6E10",
    "cache": "#AC48E4",
    "communication": "#452D20",
}
SERIES = ("#22548A", "#922712", "#17A094", "#B2820F", "#E646D8", "#333031")

# The places in SERIES of the colours that are closer than that to a role's.
NEAR = {
    "query": (0,),
    "key": (1, 3),
    "value": (2,),
    "residual": (2,),
    "gradient": (3,),
    "cache": (4,),
    "communication": (1, 5),
}

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross")
PATTERNS = ("", "/", "x", ".", "-", "+")

PAPER, INK, GRID = "#FFFFFF", "#222222", "#DDDDDD"
SEQUENTIAL = ((0, "#FFFFFF"), (0.5, "#6C9BD0"), (1, "#0B2A5B"))
DIVERGING = ((0, "#8A3C00"), (0.25, "#EFA45C"), (0.5, "#FFFFFF"), (0.75, "#7FA8DA"), (1, "#16407F"))

HEIGHT = 420
FONT_SIZE = 14

TEMPLATE = {
    "layout": {
        "font": {"size": FONT_SIZE, "color": INK},
        "title": {"x": 0.01, "y": 1, "yanchor": "top", "pad": {"t": 14}, "font": {"size": 17}},
        "xaxis": {"gridcolor": GRID, "automargin": True, "zeroline": False},
        "yaxis": {"gridcolor": GRID, "automargin": True, "zeroline": False},
    }
}


class Style(NamedTuple):
    """The colour of a series and the three signs that say the same without colour."""

    color: str
    dash: str
    symbol: str
    pattern: str


def styles(names, colors: dict[str, str] | None = None) -> dict[str, Style]:
    """Return the style of each series: `colors` where given, a role's own colour, else the next of SERIES.

    Beside a role, the colours of SERIES that look like the role's are left out.
    Raises: ValueError for more series than can be told apart.
    """
    names, colors = list(names), colors or {}
    taken = {place for name in names for place in NEAR.get(name, ())}
    free = iter(color for place, color in enumerate(SERIES) if place not in taken)
    chosen = [colors.get(name) or ROLES.get(name) or next(free, None) for name in names]
    if len(names) > len(SERIES) or None in chosen:
        raise bad_value("series", f"at most {len(SERIES)} names that can be told apart in one panel", names)
    signs = zip(names, chosen, DASHES, SYMBOLS, PATTERNS, strict=False)
    return {name: Style(*style) for name, *style in signs}


def faded(color: str, share: float) -> str:
    """Return the hex `color` as rgba with the opacity `share`."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


def hatch(style: Style) -> dict:
    """Return plotly's pattern for a bar: white signs over the colour."""
    return {"shape": style.pattern, "fillmode": "overlay", "fgcolor": PAPER, "size": 8, "solidity": 0.2}


def names_axis(names) -> dict:
    """Return plotly's settings for an axis that lists `names` from top to bottom."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [str(name) for name in names],
        "autorange": "reversed",
        "ticklabelstandoff": 6,
    }


def rc() -> dict:
    """Return matplotlib settings that match: `with matplotlib.rc_context(theme.rc()): ...`."""
    from cycler import cycler
    from matplotlib.colors import LinearSegmentedColormap

    strokes = ("-", "--", ":", "-.", (0, (8, 3)), (0, (8, 3, 2, 3)))
    return {
        "axes.prop_cycle": cycler(color=SERIES) + cycler(linestyle=strokes),
        "axes.edgecolor": INK,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 14,
        "figure.dpi": 100,
        "figure.facecolor": PAPER,
        "font.size": 13,
        "grid.color": GRID,
        "image.cmap": LinearSegmentedColormap.from_list("glassbox", SEQUENTIAL),
        "lines.linewidth": 2,
        "savefig.bbox": "tight",
        "text.color": INK,
    }
