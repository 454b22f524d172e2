"""The signature figure of notebook 01: what each placement does to the stream and to the gradients."""

import math
from collections.abc import Sequence
from statistics import fmean

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from glassbox import draw
from glassbox.draw.rows import distinct, expect_rows

PLACEMENTS = ("post", "pre", "deep", "sandwich")
VIEWS = {
    "post against pre": ("post", "pre"),
    "all four": PLACEMENTS,
    **{f"only {placement}": (placement,) for placement in PLACEMENTS},
}
PANELS = {"stream_rms": "stream after the block (RMS)", "grad_norm": "gradient of its last matrix (norm)"}
LAST = {"stream_rms": "last stream (RMS)", "grad_norm": "last gradient (norm)"}
EACH = 2 * len(PANELS)  # traces of one placement at one gain: two above, two below
FAINT = 0.25
SWEEP = 8  # pictures in each half of the forward-then-backward sweep


def depth_lab(rows: Sequence[dict], says: str, task: str = "", gain: float = 1.0) -> draw.Shown:
    """Return the depth lab for rows of `experiments.signal_sweep`.

    Above: one point per block, the first block at the bottom; left the size of the residual stream after the
    block, right the gradient of the block's last matrix. Below: the last block of each depth, beside guides
    that go as the square root of the depth. `gain` is the size of the initial weights that is shown first.
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
    _look(figure, gains, gains.index(gain), VIEWS["post against pre"])
    figure = draw.add_controls(figure, *_controls(gains, depths, gains.index(gain), len(figure.data)))
    figure.update_layout(legend={"y": 1, "yanchor": "bottom", "x": 1, "xanchor": "right", "orientation": "h"})
    return draw.Shown(figure, says=says, task=task, static=(_name(depths[0]), _name(depths[-1])))


def _name(depth: int) -> str:
    return f"{depth} blocks"


def _empty(rows: Sequence[dict], depths: Sequence[int]) -> go.Figure:
    """Return the four empty panels; the upper axes hold every state, so that states compare."""
    figure = make_subplots(2, 2, row_heights=[0.64, 0.36], vertical_spacing=0.15, horizontal_spacing=0.12)
    figure.update_layout(height=640)
    for place, (column, words) in enumerate(PANELS.items(), start=1):
        logs = [math.log10(row[column]) for row in rows if row[column] > 0]
        span = [round(min(logs) - 0.1, 2), round(max(logs) + 0.1, 2)]
        figure.update_xaxes(type="log", dtick=1, range=span, title=words, row=1, col=place)
        figure.update_yaxes(title="block (number)", range=_blocks(depths[-1]), row=1, col=place)
        figure.update_xaxes(type="log", tickvals=depths, title="depth N (blocks)", row=2, col=place)
        figure.update_yaxes(type="log", dtick=1, title=LAST[column], row=2, col=place)
    return figure


def _blocks(depth: int) -> list[float]:
    return [0, depth + 1]


def _add(figure: go.Figure, rows: Sequence[dict], depths: Sequence[int]) -> None:
    """Add one placement at one gain: its curve in all four panels."""
    placement, gain = rows[0]["placement"], rows[0]["gain"]
    style = draw.theme.styles(PLACEMENTS)[placement]
    for place, column in enumerate(PANELS, start=1):
        figure.add_trace(_curve(style, **_by_block(rows, column, depths[-1])), row=1, col=place)
    for place, column in enumerate(PANELS, start=1):
        last = [_by_block(rows, column, depth)["x"][-1] for depth in depths]
        figure.add_trace(_curve(style, depths, draw.rounded(last)), row=2, col=place)
    named = figure.data[-EACH]
    named.update(name=placement, showlegend=True)
    for trace in figure.data[-EACH:]:
        trace.legendgroup = f"{placement} {gain:g}"


def _curve(style, x: Sequence, y: Sequence) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(y),
        mode="lines+markers",
        line={"color": style.color, "dash": style.dash, "width": 2.5},
        marker={"symbol": style.symbol, "size": 6},
        showlegend=False,
    )


def _by_block(rows: Sequence[dict], column: str, depth: int) -> dict:
    """Return the mean over seeds of `column` (x) for each block (y) of the models of that depth."""
    values = {}
    for row in rows:
        if row["depth"] == depth and row["layer"] > 0:
            values.setdefault(row["layer"], []).append(row[column])
    return {"x": draw.rounded([fmean(values[block]) for block in sorted(values)]), "y": sorted(values)}


def _guides(figure: go.Figure, rows: Sequence[dict], depths: Sequence[int]) -> None:
    """Add what the square root of the depth would do to pre-norm, from its smallest depth on."""
    pre = [row for row in rows if row["placement"] == "pre" and row["gain"] == 1]
    for place, (column, power, words) in enumerate(
        (("stream_rms", 0.5, "√N"), ("grad_norm", -0.5, "1/√N")), start=1
    ):
        start = _by_block(pre, column, depths[0])["x"][-1]
        figure.add_trace(
            go.Scatter(
                x=depths,
                y=draw.rounded([start * (depth / depths[0]) ** power for depth in depths]),
                mode="lines+text",
                text=[""] * (len(depths) - 1) + [words],
                textposition="top left",
                line={"color": draw.theme.INK, "dash": "dot", "width": 1.2},
                hoverinfo="skip",
                showlegend=False,
            ),
            row=2,
            col=place,
        )


def _frame(rows: Sequence[dict], gains: Sequence[float], depth: int) -> go.Frame:
    """Return the upper panels for one depth; the lower panels show all depths and stay."""
    data, places = [], []
    for index, (gain, placement) in enumerate(
        (gain, placement) for gain in gains for placement in PLACEMENTS
    ):
        part = [row for row in rows if row["gain"] == gain and row["placement"] == placement]
        for place, column in enumerate(PANELS):
            data.append({"type": "scatter", **_by_block(part, column, depth)})
            places.append(index * EACH + place)
    layout = {"shapes": [], "yaxis": {"range": _blocks(depth)}, "yaxis2": {"range": _blocks(depth)}}
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
