"""The axes of the tile stepper: the grid with room for its strips, shares, errors on a log axis."""

from glassbox.draw import rounded, theme
from glassbox.flash.figures.stepper_tiles import FAR, NEAR, THICK
from glassbox.flash.figures.stepper_values import BROKEN, EXACT, FINAL, SO_FAR

ERRORS = {EXACT: "exact", 1e-3: "0.001", 1e-1: "0.1", 1.0: "1", BROKEN: "NaN"}
MOST_PERCENT = 230  # room for the words at the end of a bar
MOST_TICKS = 6


def suffix(number: int) -> str:
    """Return what plotly puts behind the name of its first, second, ... axis."""
    return "" if number == 1 else str(number)


def grid(n: int, number: int, across: list, high: list, titles: bool = True) -> dict:
    """Return square axes of positions that leave room for the strips."""
    ticks = list(range(0, n + 1, max(1, n // 4)))
    along, down = rounded([-1.5 * THICK - NEAR, 1 + NEAR + THICK], 4), rounded([1.01, -FAR - 1.2 * THICK], 4)
    bare = {"showgrid": False, "constrain": "domain"} | ({} if titles else {"visible": False})
    return {
        f"xaxis{suffix(number)}": axis("key (position)" * titles, across, f"y{suffix(number)}")
        | bare
        | {"tickvals": ticks[1:], "range": rounded([n * end for end in along], 6), "constraintoward": "left"},
        f"yaxis{suffix(number)}": axis("query (position)" * titles, high, f"x{suffix(number)}")
        | bare
        | {
            "tickvals": ticks,
            "range": rounded([n * end for end in down], 6),
            "constraintoward": "top",
            "scaleanchor": f"x{suffix(number)}",
        },
    }


def shares(number: int, across: list, high: list) -> dict:
    """Return axes for the bars of bytes."""
    return {
        f"xaxis{number}": axis("share of naive, of the chip (%)", across, f"y{number}")
        | {"range": [0, MOST_PERCENT], "tickvals": [0, 50, 100]},
        f"yaxis{number}": axis("bytes", high, f"x{number}")
        | {"type": "category", "autorange": "reversed", "ticklabelstandoff": 4},
    }


def errors(number: int, across: list, high: list, most: int) -> dict:
    """Return axes for the error against the tiles computed."""
    return {
        f"xaxis{number}": axis("tiles computed (number)", across, f"y{number}")
        | {"range": [0.5, most + 0.5]},
        f"yaxis{number}": axis("error (no unit)", high, f"x{number}")
        | {
            "type": "log",
            "range": [-5.4, 1.3],
            "tickvals": list(ERRORS),
            "ticktext": list(ERRORS.values()),
        },
    }


def legend(across: list, high: list) -> dict:
    """Return the names of the error curves in their colours, over their panel."""
    names = zip(("●", "■"), (SO_FAR, FINAL), theme.SERIES, strict=False)
    lines = [f"<span style='color:{color}'>{sign} {name}</span>" for sign, name, color in names]
    return {
        "text": "<br>".join(lines),
        "align": "left",
        "x": across[0],
        "xref": "paper",
        "xanchor": "left",
        "y": high[1],
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13},
    }


def letters(n: int, x: str, y: str) -> list[dict]:
    """Return the names of the strips."""
    middle = THICK / 2
    places = {
        "K": (-NEAR, -NEAR - middle, "right"),
        "V": (-NEAR, -FAR - middle, "right"),
        "Q": (-NEAR - middle, 1.0, "center"),
        "O": (1 + NEAR + middle, -NEAR - middle, "center"),
    }
    return [
        {
            "text": f"<b>{name}</b>",
            "x": rounded(n * across, 6),
            "y": rounded(n * down, 6),
            "xref": x,
            "yref": y,
            "xanchor": side,
            "yanchor": "top" if name == "Q" else "middle",
            "showarrow": False,
        }
        for name, (across, down, side) in places.items()
    ]


def axis(title: str, domain: list, anchor: str) -> dict:
    """Return what every axis says."""
    return {
        "domain": domain,
        "anchor": anchor,
        "title": {"text": title, "standoff": 8},
        "gridcolor": theme.GRID,
    }
