"""What the cache calculator is made of: heads and their wires, the ribbon, the bars. Rows in, traces out."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.draw import rounded, theme

BOX = 0.3  # height of a box, where the queries stand at 1
INSET = 0.06  # of a box's place, kept free on each side
PURPLE = theme.ROLES["cache"]


def headroom(row: dict) -> tuple[float, float]:
    """Return the upper end of an axis that holds the widest ribbon and words above it, and their height."""
    wide = row["bytes_per_token"] / 1e3
    return rounded(1.3 * wide), rounded(1.16 * wide)


def short(number: float) -> str:
    """Return a number of three digits, as in 275, 68.7 and 0.537."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def tokens(count: int) -> str:
    """Return a count of tokens, as in 32k for 32,768."""
    return f"{count // 1024}k" if count % 1024 == 0 else f"{count:,}"


def brief(row: dict) -> str:
    """Return a wiring in few letters: "GQA 8"."""
    shared = row["kv_heads"] or f"{row['latent']}+{row['rope']}"
    return f"{row['kind']} {shared}"


def quiet(**settings) -> dict:
    """Return settings of a trace that has no entry in a legend and says nothing under the pointer."""
    return {"showlegend": False, "hoverinfo": "skip", **settings}


# ---- who shares what: query heads above, wired to what is stored per token below


def heads(row: dict) -> list[go.Scatter]:
    """Return the wires, boxes and words of one wiring; a box is as wide as the numbers it stores."""
    boxes = _boxes(row)
    share = row["heads"] // len(boxes)
    wires = [(head, boxes[head // share]) for head in range(row["heads"])]
    return [
        go.Scatter(
            x=[x for head, (left, right) in wires for x in (head + 0.5, (left + right) / 2, None)],
            y=[y for _ in wires for y in (1, BOX, None)],
            mode="lines",
            line={"color": theme.ROLES["residual"], "width": 1},
            **quiet(),
        ),
        *(_latent(row, boxes[0]) if row["latent"] else _keys_and_values(boxes)),
        _words(row),
    ]


def queries(row: dict) -> go.Scatter:
    """Return one dot for each query head, the same in every wiring."""
    return go.Scatter(
        x=[head + 0.5 for head in range(row["heads"])],
        y=[1] * row["heads"],
        mode="markers",
        marker={"color": theme.ROLES["query"], "size": 7},
        **quiet(),
    )


def _boxes(row: dict) -> list[tuple[float, float]]:
    """Return the ends of each box, in places of one query head; each stands under its queries."""
    count = row["kv_heads"] or 1
    wide = row["numbers"] / count / (2 * row["head_size"]) - 2 * INSET
    middles = [(place + 0.5) * row["heads"] / count for place in range(count)]
    return [(rounded(middle - wide / 2, 4), rounded(middle + wide / 2, 4)) for middle in middles]


def _keys_and_values(boxes: Sequence[tuple]) -> list[go.Scatter]:
    half = BOX / 2
    return [
        _filled([(left, half, right, BOX) for left, right in boxes], theme.ROLES["key"]),
        _filled([(left, 0, right, half) for left, right in boxes], theme.ROLES["value"]),
    ]


def _latent(row: dict, box: tuple[float, float]) -> list[go.Scatter]:
    """Return the latent, which is key and value at once, and beside it the key that carries the position."""
    left, right = box
    border = rounded(left + (right - left) * row["latent"] / row["numbers"], 4)
    return [
        _filled([(left, 0, border, BOX)], PURPLE),
        _filled([(border, 0, right, BOX)], theme.ROLES["key"]),
    ]


def _filled(boxes: Sequence[tuple], color: str) -> go.Scatter:
    return go.Scatter(
        x=[x for left, _, right, _ in boxes for x in (left, right, right, left, left, None)],
        y=[y for _, low, _, high in boxes for y in (low, low, high, high, low, None)],
        mode="lines",
        line={"color": color, "width": 1},
        fill="toself",
        fillcolor=color,
        **quiet(),
    )


def _words(row: dict) -> go.Scatter:
    stored = (
        f"latent {row['latent']} + position {row['rope']}"
        if row["latent"]
        else f"{row['kv_heads']} × ({row['head_size']} K + {row['head_size']} V)"
    )
    words = [
        stored,
        f"= {row['numbers']:,} numbers per layer",
        f"{row['parameters'] / 1e9:.2f} billion parameters",
    ]
    return go.Scatter(
        x=[row["heads"] / 2],
        y=[-0.08],
        mode="text",
        text=["<br>".join(words)],
        textposition="bottom center",
        cliponaxis=False,
        **quiet(),
    )


# ---- the ribbon: as wide as the bytes of one token, as long as the context


def ribbon(row: dict, top: float) -> go.Scatter:
    """Return the cache of one sequence, whose area is its bytes, and at the height `top` the product."""
    return go.Scatter(
        **outline(row, top),
        text=ribbon_words(row),
        mode="lines+text",
        textposition="middle right",
        line={"color": PURPLE, "width": 1},
        fill="toself",
        fillcolor=theme.faded(PURPLE, 0.75),
        **quiet(),
    )


def widest(row: dict) -> go.Scatter:
    """Return the outline of the ribbon that the others are compared with."""
    return go.Scatter(**outline(row), mode="lines", line={"color": theme.INK, "dash": "dot"}, **quiet())


def outline(row: dict, top: float | None = None) -> dict:
    """Return the corners of a row's ribbon, and after a gap the place of its words."""
    long, wide = row["context"], rounded(row["bytes_per_token"] / 1e3, 4)
    more = ([], []) if top is None else ([None, 0], [None, top])
    return {"x": [0, long, long, 0, 0, *more[0]], "y": [0, 0, wide, wide, 0, *more[1]]}


def ribbon_words(row: dict) -> list[str]:
    """Return width times length, for the last point of the ribbon."""
    long = tokens(row["context"])
    width, area = short(row["bytes_per_token"] / 1e3), short(row["bytes"] / row["batch"] / 1e9)
    return [""] * 6 + [f" {width} kB × {long} = {area} GB"]


# ---- the bars: the whole batch against the memory


def bar(rows: Sequence[dict]) -> go.Bar:
    """Return one bar per wiring, hatched where it does not fit."""
    return go.Bar(
        orientation="h",
        y=[row["wiring"] for row in rows],
        marker={"color": PURPLE, "pattern": {"fillmode": "overlay", "fgcolor": theme.PAPER, "size": 8}},
        **quiet(),
    ).update(**lengths(rows))


def lengths(rows: Sequence[dict]) -> dict:
    """Return what the context changes in the bars."""
    hatched = ["" if row["fits"] else "/" for row in rows]
    return {"x": rounded([row["bytes"] / 1e9 for row in rows]), "marker": {"pattern": {"shape": hatched}}}


def column(rows: Sequence[dict]) -> go.Scatter:
    """Return the numbers beside the bars, in one column."""
    return go.Scatter(
        x=[0] * len(rows),
        y=[row["wiring"] for row in rows],
        mode="text",
        text=bar_words(rows),
        textposition="middle right",
        **quiet(),
    )


def bar_words(rows: Sequence[dict]) -> list[str]:
    """Return what the whole batch needs, and the largest batch that fits."""
    return [f"{short(row['bytes'] / 1e9)} GB, at most {row['largest_batch']:,}" for row in rows]
