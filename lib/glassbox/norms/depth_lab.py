"""The signature figure of notebook 01: what each placement does to the stream and to the gradients."""

import math
from collections.abc import Sequence
from statistics import median

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from glassbox import draw
from glassbox.draw.rows import distinct, expect_rows

PLACEMENTS = ("post", "pre", "deep", "sandwich")
VIEWS = {
    "post, pre and deep": ("post", "pre", "deep"),
    "post against pre": ("post", "pre"),
    "all four": PLACEMENTS,
    **{f"only {placement}": (placement,) for placement in PLACEMENTS},
}
PANELS = {"stream_rms": "stream after the block (RMS)", "grad_norm": "gradient of its last matrix (norm)"}
LAST = {"stream_rms": "last stream (RMS)", "grad_norm": "last gradient (norm)"}
EACH = 4 * len(PANELS)  # traces of one placement at one gain: bands above and below, curves above and below
FAINT = 0.25
MOST_TICKS = 7  # across the upper axes
BEYOND = 1.2  # the guides end there, so that their names stand clear of the curves
SWEEP = 8  # pictures in each half of the forward-then-backward sweep


def depth_lab(rows: Sequence[dict], says: str, task: str = "", gain: float = 1.0) -> draw.Shown:
    """Return the depth lab for rows of `experiments.signal_sweep`.

    Above: one point per block, the first block at the bottom; left the size of the residual stream after the
    block, right the gradient of the block's last matrix. Below: the last block of each depth, beside guides
    that go as the square root of the depth. Each point is the median of the seeds, each band goes from the
    least of them to the most. `gain` is the size of the initial weights that is shown first.
    """
    expect_rows(rows, **{name: name for name in ("placement", "depth", "gain", "layer", *PANELS)})
    gains, depths = sorted(distinct(rows, "gain")), sorted(distinct(rows, "depth"))
    figure = _empty(rows, depths)
    for each in gains:
        for placement in PLACEMENTS:
            _add(
                figure, [row for row in rows if row["gain"] == each and row["placement"] == placement], depths
            )
    _guides(figure, rows, depths)
    figure.frames = [_frame(rows, gains, depth) for depth in depths] + _sweep()
    _look(figure, gains, gains.index(gain), next(iter(VIEWS.values())))
    figure = draw.add_controls(figure, *_controls(gains, depths, gains.index(gain), len(figure.data)))
    figure.update_layout(legend={"y": 1, "yanchor": "bottom", "x": 1, "xanchor": "right", "orientation": "h"})
    return draw.Shown(figure, says=says, task=task, static=(_name(depths[-1]), _name(depths[0])))


def _name(depth: int) -> str:
    return f"{depth} blocks"


def _empty(rows: Sequence[dict], depths: Sequence[int]) -> go.Figure:
    """Return the four empty panels; the upper axes hold every state, so that states compare."""
    figure = make_subplots(2, 2, row_heights=[0.64, 0.36], vertical_spacing=0.15, horizontal_spacing=0.12)
    figure.update_layout(height=640)
    wide = [round(math.log10(depths[0] * 0.9), 2), round(math.log10(depths[-1] * 1.8), 2)]
    for place, (column, words) in enumerate(PANELS.items(), start=1):
        values = [row[column] for row in rows if row[column] > 0]
        ticks = _ticks(min(values), max(values))
        few = ticks if len(ticks) <= MOST_TICKS else [tick for tick in ticks if math.log10(tick) % 1 == 0]
        span = [round(math.log10(min(values)) - 0.1, 2), round(math.log10(max(values)) + 0.1, 2)]
        figure.update_xaxes(type="log", tickvals=few, range=span, title=words, row=1, col=place)
        figure.update_yaxes(**_blocks(depths[-1]), title="block (number)", row=1, col=place)
        figure.update_xaxes(
            type="log", tickvals=depths, title="depth N (blocks)", range=wide, row=2, col=place
        )
        figure.update_yaxes(type="log", tickvals=ticks, title=LAST[column], row=2, col=place)
    return figure


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between two numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    return [tick for tick in every if low <= tick <= high]


def _blocks(depth: int) -> dict:
    """Return the axis of the blocks of a network, with a tick at its first and its last."""
    step = max(1, depth // 6)
    return {"range": [0, depth + 1], "tickvals": sorted({1, *range(depth, 0, -step)})}


def _add(figure: go.Figure, rows: Sequence[dict], depths: Sequence[int]) -> None:
    """Add one placement at one gain: its bands in all four panels, then its curves."""
    placement, gain = rows[0]["placement"], rows[0]["gain"]
    style = draw.theme.styles(PLACEMENTS)[placement]
    group = {"legendgroup": f"{placement} {gain:g}", "showlegend": False}
    above = [_upright(rows, column, depths[-1]) for column in PANELS]
    below = [_along_depth(rows, column, depths) for column in PANELS]
    for kind, look in (("band", _band_of(style)), ("curve", _curve_of(style))):
        for row, shapes in enumerate((above, below), start=1):
            for place, shape in enumerate(shapes, start=1):
                figure.add_trace(go.Scatter(**shape[kind], **look, **group), row=row, col=place)
    figure.data[-EACH // 2].update(name=placement, showlegend=True)


def _curve_of(style: draw.theme.Style) -> dict:
    return {
        "mode": "lines+markers",
        "line": {"color": style.color, "dash": style.dash, "width": 2.5},
        "marker": {"symbol": style.symbol, "size": 6, "maxdisplayed": 13},
    }


def _band_of(style: draw.theme.Style) -> dict:
    fill = {"fill": "toself", "fillcolor": draw.theme.faded(style.color, 0.16)}
    return {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", **fill}


def _upright(rows: Sequence[dict], column: str, depth: int) -> dict[str, dict]:
    """Return curve and band of `column` (x) over the blocks (y) of the networks of that depth."""
    part = [row for row in rows if row["depth"] == depth and row["layer"] > 0]
    places, values = _spread(part, column, "layer")
    return {kind: {"x": values[kind], "y": places[kind]} for kind in values}


def _along_depth(rows: Sequence[dict], column: str, depths: Sequence[int]) -> dict[str, dict]:
    """Return curve and band of `column` (y) of the last block over the depths (x)."""
    last = [row for row in rows if row["depth"] in depths and row["layer"] == row["depth"]]
    places, values = _spread(last, column, "depth")
    return {kind: {"x": places[kind], "y": values[kind]} for kind in values}


def _spread(rows: Sequence[dict], column: str, along: str) -> tuple[dict, dict]:
    """Return the places along a column and the values there: medians of the seeds, and their outline."""
    values = {place: [row[column] for row in rows if row[along] == place] for place in distinct(rows, along)}
    places = sorted(values)
    middle = [median(values[place]) for place in places]
    outline = [min(values[place]) for place in places] + [max(values[place]) for place in reversed(places)]
    return (
        {"curve": places, "band": places + places[::-1]},
        {"curve": draw.rounded(middle), "band": draw.rounded(outline)},
    )


def _guides(figure: go.Figure, rows: Sequence[dict], depths: Sequence[int]) -> None:
    """Add what the square root of the depth would do to pre-norm, a little further than the data go."""
    pre = [row for row in rows if row["placement"] == "pre" and row["gain"] == 1]
    places = [*depths, round(depths[-1] * BEYOND)]
    for place, (column, power, words) in enumerate(
        (("stream_rms", 0.5, "√N"), ("grad_norm", -0.5, "1/√N")), start=1
    ):
        start = _along_depth(pre, column, depths)["curve"]["y"][0]
        guide = go.Scatter(
            x=places,
            y=draw.rounded([start * (depth / depths[0]) ** power for depth in places]),
            mode="lines+text",
            text=[""] * len(depths) + [words],
            textposition="middle right",
            line={"color": draw.theme.INK, "dash": "dot", "width": 1.2},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_trace(guide, row=2, col=place)


def _frame(rows: Sequence[dict], gains: Sequence[float], depth: int) -> go.Frame:
    """Return the upper panels for one depth; the lower panels show all depths and stay."""
    data, places = [], []
    for index, (gain, placement) in enumerate(
        (gain, placement) for gain in gains for placement in PLACEMENTS
    ):
        part = [row for row in rows if row["gain"] == gain and row["placement"] == placement]
        shapes = [_upright(part, column, depth) for column in PANELS]
        for start, kind in ((0, "band"), (EACH // 2, "curve")):
            data += [{"type": "scatter", **shape[kind]} for shape in shapes]
            places += [index * EACH + start + place for place in range(len(PANELS))]
    layout = {"shapes": [], "yaxis": _blocks(depth), "yaxis2": _blocks(depth)}
    return go.Frame(name=_name(depth), data=data, traces=places, layout=layout)


def _sweep() -> list[go.Frame]:
    """Return the pictures of one pass: the stream grows upwards, then the gradient comes back down."""
    forward = [(share / SWEEP, 1.0) for share in range(SWEEP + 1)]
    backward = [(1.0, 1 - share / SWEEP) for share in range(1, SWEEP + 1)]
    return [
        go.Frame(name=f"sweep {index}", layout={"shapes": _covers(stream, gradient)})
        for index, (stream, gradient) in enumerate(forward + backward)
    ]


def _covers(stream: float, gradient: float) -> list[dict]:
    """Return the sheets that hide what the pass has not reached: above on the left, below on the right."""
    sheet = {
        "type": "rect",
        "x0": 0,
        "x1": 1,
        "fillcolor": draw.theme.PAPER,
        "opacity": 0.92,
        "line": {"width": 0},
    }
    left = {**sheet, "xref": "x domain", "yref": "y domain", "y0": round(stream, 3), "y1": 1}
    right = {**sheet, "xref": "x2 domain", "yref": "y2 domain", "y0": 0, "y1": round(gradient, 3)}
    return [sheet for sheet in (left, right) if sheet["y0"] != sheet["y1"]]


def _visible(gains: Sequence[float], shown: int, total: int) -> list[bool]:
    block = EACH * len(PLACEMENTS)
    return [not place < block * len(gains) or place // block == shown for place in range(total)]


def _opacity(gains: Sequence[float], view: Sequence[str], total: int) -> list[float]:
    once = [1.0 if placement in view else FAINT for placement in PLACEMENTS for _ in range(EACH)]
    return (once * len(gains) + [1.0] * total)[:total]


def _look(figure: go.Figure, gains: Sequence[float], shown: int, view: Sequence[str]) -> None:
    total = len(figure.data)
    settings = zip(figure.data, _visible(gains, shown, total), _opacity(gains, view, total), strict=True)
    for trace, visible, opacity in settings:
        trace.update(visible=visible, opacity=opacity)


def _controls(gains: Sequence[float], depths: Sequence[int], shown: int, total: int) -> list:
    views = [[{"opacity": _opacity(gains, view, total)}] for view in VIEWS.values()]
    controls = [draw.choice(list(VIEWS), views, prefix="show ")]
    if len(gains) > 1:
        visible = [[{"visible": _visible(gains, place, total)}] for place in range(len(gains))]
        controls.append(
            draw.choice([f"{gain:g}" for gain in gains], visible, prefix="initial gain ", active=shown)
        )
    controls.append(
        draw.slider(depths, "depth N: ", frames=[_name(depth) for depth in depths], active=len(depths) - 1)
    )
    controls.append(draw.play([frame.name for frame in _sweep()], milliseconds=180))
    return controls
