"""The signature figure of notebook 12: the forward kernel, tile by tile, with what it holds and moves."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import bad_value, expect_choice
from glassbox.draw.rows import distinct, expect_rows, groups
from glassbox.flash.figures import stepper_axes as axes
from glassbox.flash.figures import stepper_tiles as tiles
from glassbox.flash.figures import stepper_values as values
from glassbox.flash.figures.stepper_still import still

COLUMNS = (
    "kernel", "step", "n", "query_block", "key_block", "queries", "keys", "query", "m_before", "m", "l",
    "keep", "moved", "o", "error_so_far", "error_final", "bytes", "naive_bytes", "held", "chip",
)  # fmt: skip
PACE = 900  # milliseconds of each step of Play
LEFT, RIGHT, BARS, CURVES = [0, 0.46], [0.53, 1], [0.04, 0.46], [0.6, 1]  # shares of the width
HIGH, TOP, LOW = 590, [0.4, 1], [0, 0.24]  # pixels of the plot, and shares of its height
AXES = {"words": 2, "bars": 3, "errors": 4, "here": 4}


def tile_stepper(
    rows: Sequence[dict],
    says: str,
    task: str = "",
    start: int | None = None,
    kernel: str | None = None,
    static: Sequence[tuple[str, int]] = (),
) -> draw.Shown:
    """Return the tile stepper for rows of `stepper_rows`; its slider sets how many tiles are computed.

    Upper left: the matrix of scores as tiles, none of which is ever stored: numbered by their visit, the tile
    on chip dark, tiles that no query needs crossed out; beside it the blocks of Q, K, V that are on chip, and
    of O that are running or stored. Upper right: the running result of one query. Lower left: bytes. Lower
    right: the error of the block against attention over the keys seen so far, and over all keys. A list
    chooses the kernel; `start` and `kernel` say what is shown first (default: the third step of the first).
    The still picture shows `static`: up to four pairs of a kernel and a step.
    Raises: ValueError for missing columns, unequal sizes of the problem, an unknown kernel or step.
    """
    expect_rows(rows, **{name: name for name in COLUMNS})
    table = groups(rows, "kernel")
    if len(distinct(rows, "n")) > 1:
        raise bad_value("rows", "kernels on one size n", distinct(rows, "n"))
    expect_choice("kernel", kernel, [None, *table])
    most = max(map(len, table.values()))
    start = min(3, most) if start is None else start
    expect_choice("start", start, range(1, most + 1))
    shown = next(iter(table)) if kernel is None else kernel
    figure, places = _drawn(table, start)
    names = [str(step) for step in range(1, most + 1)]
    figure.frames = [_frame(table, places, int(name)) for name in names]
    _dress(figure, rows[0], most)
    picture = still(table, static or _four(table[shown], shown))
    return draw.Shown(_controlled(figure, table, places, names, shown, start), says, task, still=picture)


def _four(rows: Sequence[dict], kernel: str) -> list[tuple[str, int]]:
    """Return the first two steps, one in the middle, and the last."""
    steps = sorted({1, min(2, len(rows)), len(rows) // 2 + 1, len(rows)})
    return [(kernel, step) for step in steps]


def _drawn(table: dict, start: int) -> tuple[go.Figure, dict]:
    """Return the figure after `start` steps, and the number of each trace by what it belongs to."""
    traces = {}
    for name, rows in table.items():
        row = tiles.at(rows, start)
        traces["grid", name], traces["crosses", name] = tiles.grid(rows, start), tiles.crosses(rows)
        for letter, strip in tiles.strips(rows, start).items():
            traces[letter, name] = strip
        traces["words", name], traces["bars", name] = _words(row), values.bars(row)
        for number, curve in enumerate(values.errors(rows)):
            traces[f"errors {number}", name] = curve
        traces["here", name] = values.here(row)
    for (part, _), trace in traces.items():
        if number := AXES.get(part.split()[0]):
            trace.update(xaxis=f"x{number}", yaxis=f"y{number}")
    return go.Figure(list(traces.values())), {key: place for place, key in enumerate(traces)}


def _frame(table: dict, places: dict, step: int) -> go.Frame:
    """Return what a step changes, in every kernel at once."""
    data = {}
    for name, rows in table.items():
        row, states = tiles.at(rows, step), tiles.blocks(rows, step)
        heat = {"type": "heatmap"}
        data[places["grid", name]] = heat | {"z": tiles.cells(rows, step), "text": tiles.words_on(rows, step)}
        for letter in tiles.STRIPS:
            data[places[letter, name]] = heat | {"z": states[letter]}
        data[places["words", name]] = {"type": "scatter", "text": values.words(row)}
        data[places["bars", name]] = {"type": "bar", **values.shares(row)}
        data[places["here", name]] = {"type": "scatter", **values.spot(row)}
    return go.Frame(name=str(step), data=list(data.values()), traces=list(data))


def _words(row: dict) -> go.Scatter:
    lines = values.words(row)
    return go.Scatter(
        x=[0] * len(lines),
        y=list(range(len(lines))),
        text=lines,
        mode="text",
        textposition="middle right",
        textfont={"size": 15},
        cliponaxis=False,
        **tiles.quiet(),
    )


# ---- controls: a kernel sets what is visible, a step what it shows


def _controlled(figure, table: dict, places: dict, names: list, shown: str, start: int) -> go.Figure:
    slide = draw.slider(names, "tiles computed: ", active=start - 1)
    controls = [slide, draw.play(names, milliseconds=PACE)]
    chosen = {
        name: [{"visible": [key[1] == name for key in places]}, list(places.values())] for name in table
    }
    for trace, visible in zip(figure.data, chosen[shown][0]["visible"], strict=True):
        trace.visible = visible
    if len(table) > 1:
        active = list(table).index(shown)
        controls.append(draw.choice(list(table), list(chosen.values()), prefix="kernel: ", active=active))
    return draw.add_controls(figure, *controls)


# ---- axes and words


def _dress(figure: go.Figure, row: dict, most: int) -> None:
    n, lines = row["n"], len(values.words(row))
    figure.update_layout(
        height=HIGH + 44 + 58,
        margin={"l": 80, "r": 20, "t": 44, "b": 58},
        legend={
            "orientation": "h",
            "x": CURVES[0],
            "y": LOW[1] + 0.01,
            "yanchor": "bottom",
            "xanchor": "left",
        },
        bargap=0.25,
        **axes.grid(n, 1, LEFT, TOP),
        xaxis2={"domain": RIGHT, "anchor": "y2", "visible": False, "range": [0, 1]},
        yaxis2={"domain": TOP, "anchor": "x2", "visible": False, "range": [lines + 0.3, -1]},
        **axes.shares(3, BARS, LOW),
        **axes.errors(4, CURVES, LOW, most),
    )
    figure.layout.annotations = [*axes.letters(n, "x", "y"), axes.legend(CURVES, LOW)]
