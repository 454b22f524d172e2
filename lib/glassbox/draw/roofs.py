"""The roofline: what a GPU can do at most with work of a given intensity, and where launches lie under it."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.arguments import bad_value, expect_choice
from glassbox.draw import theme
from glassbox.draw.base import panel
from glassbox.draw.contract import Shown
from glassbox.draw.labels import LINE, Label, Sheet
from glassbox.draw.moving import steps
from glassbox.draw.numbers import rounded
from glassbox.draw.roof_rows import DECIDES, TERA, Dot, Roof, described, finding, under
from glassbox.draw.rows import expect_rows
from glassbox.machine.gpus import Gpu, find, plain, quantity
from glassbox.machine.roofline import BYTES

HEIGHT = 520
SIZE = (600.0, 410.0)  # pixels of the plot at the narrowest that a page gives it
LEGEND = (215.0, 115.0)
GAP = (None, None)  # the end of one line of a trace
ROOF, POINT, OTHERS = theme.SERIES[0], theme.SERIES[1], theme.ROLES["residual"]


def roofline(
    points: Sequence[dict],
    gpus: Sequence[str | Gpu] = ("T4", "A100", "H200"),
    dtype: str = "bf16",
    *,
    start: str | None = None,
    bytes: str = "compulsory",
    ceilings: str = "datasheet",
    title: str = "",
    says: str = "",
    task: str = "Switch the GPU: which point changes its wall, and which only its height?",
    static: Sequence[str] = (),
) -> Shown:
    """Return the roofline of each GPU with the work `points` under it; a slider switches the GPU.

    A row of `points` has a "name" and one of: "report", a metered launch or a list of them; numbers for
    "bytes", "matrix", "elementwise", "special" (as `glassbox.machine.roofline.floor` takes them); or
    "intensity" in FLOP per byte. A row with "seconds" and "gpu" holds a time that was recorded on that GPU,
    drawn as a second marker below.

    Convention: a point stands at the rate that its floor allows; it lies under the roof where the vector or
    the special-function units decide. FLOP are those of the matrix units where the work has any, else all.
    `start` is the GPU shown first, the last by default. A GPU without bf16 is drawn with fp16. `bytes` and
    `ceilings` are those of `predict`. Where `says` is empty, the finding is written from the points of the
    GPU shown first.
    """
    expect_rows(points, name="name")
    expect_choice("bytes", bytes, BYTES)
    cards = [find(gpu) for gpu in gpus]
    if not cards:
        raise bad_value("gpus", "at least one GPU", list(gpus))
    roofs = {card.name: under(points, card, dtype, bytes, ceilings) for card in cards}
    expect_choice("start", start or cards[-1].name, tuple(roofs))
    first = roofs[start or cards[-1].name]
    figures = {name: _figure(roof, list(roofs.values()), title) for name, roof in roofs.items()}
    plot = steps(figures, prefix="GPU: ", start=first.gpu) if len(figures) > 1 else figures[first.gpu]
    task = task if len(figures) > 1 else ""
    return Shown(plot, says=says or finding(first), task=task, static=tuple(static))


def _figure(roof: Roof, roofs: list[Roof], title: str) -> go.Figure:
    sheet = Sheet(*_ends(roofs), SIZE)
    (left, right), (low, high) = (tuple(10**end for end in ends) for ends in (sheet.x, sheet.y))
    outline = _outline(roof, left, right)
    ridge = [(roof.ridge, low), (roof.ridge, high)]
    vector = [(roof.vector / roof.bandwidth, roof.vector), (right, roof.vector)]
    vector = [] if roof.dtype == "fp32" else vector
    others = [(other, _outline(other, left, right)) for other in roofs if other.gpu != roof.gpu]
    for line in (outline, ridge, vector):
        sheet.take_line(line)
    for _, line in others:
        sheet.take_line(line, faint=True)
    sheet.take_corner(*LEGEND)
    for dot in roof.dots:
        sheet.take_point(dot.intensity, dot.rate)
        if dot.measured:
            sheet.take_mark(dot.intensity, dot.measured)
    labels = _labels(sheet, roof, right)
    names = _names(sheet, roof.dots)
    spare = [sheet.put(other.gpu, right, other.matrix, ("left",), spare=True) for other, _ in others]
    faint = [corner for _, line in others for corner in [*line, GAP]]
    traces = [
        _line(faint, "the other GPUs", OTHERS, "solid", 1),
        _line(outline, "the roof of this GPU", ROOF, "solid", 3.5),
        _line(vector, "without matrix units", ROOF, "dash", 1.8),
        _line(ridge, "ridge", theme.INK, "dot", 1.2, legend=False),
        _line(_leads(names), "", theme.INK, "solid", 0.8, legend=False),
        _marks(roof.dots),
        *_recorded(roof, roofs),
        _texts(names, theme.INK),
        _texts(labels, ROOF),
        _texts([label for label in spare if label], OTHERS),
    ]
    return _framed(traces, sheet, title)


def _ends(roofs: list[Roof]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of both axes as powers of ten: they hold every state, so that states compare."""
    across = [dot.intensity for roof in roofs for dot in roof.dots] + [roof.ridge for roof in roofs]
    x = math.floor(math.log10(min(across) / 1.5)), math.ceil(2 * math.log10(max(across) * 8)) / 2
    up = [dot.measured or dot.rate for roof in roofs for dot in roof.dots]
    up += [roof.bandwidth * 10 ** x[0] for roof in roofs]
    top = max(roof.matrix for roof in roofs)
    return x, (round(math.log10(min(up)) - 0.3, 2), round(math.log10(top) + 1, 2))


def _outline(roof: Roof, left: float, right: float) -> list[tuple[float, float]]:
    return [(left, left * roof.bandwidth), (roof.ridge, roof.matrix), (right, roof.matrix)]


def _labels(sheet: Sheet, roof: Roof, right: float) -> list[Label]:
    """Return the words on the roof itself: both walls and their ceilings, the ridge, the vector units."""
    first, second = (sheet.value((0, sheet.size[1] - lines * LINE))[1] for lines in (0.7, 1.7))
    above = sheet.value((0, LEGEND[1] + LINE))[1]
    put = [
        sheet.put("memory-bound", roof.ridge, first, ("left",)),
        sheet.put("compute-bound", roof.ridge, first, ("right",)),
        sheet.put(quantity(roof.bandwidth * TERA, "B/s"), roof.ridge, second, ("left",)),
        sheet.put(f"{plain(roof.matrix)} TFLOP/s {roof.dtype}", roof.ridge, second, ("right",)),
        sheet.put(f"ridge at {plain(roof.ridge)}", roof.ridge, above, ("left",)),
    ]
    if roof.dtype != "fp32":
        put.append(sheet.put(f"{plain(roof.vector)} TFLOP/s fp32", right, roof.vector / 1.4, ("left",)))
    return [label for label in put if label]


def _names(sheet: Sheet, dots: list[Dot]) -> list[Label]:
    """Return the name of each point, with the share of the rate at most that was measured."""
    put = []
    for dot in sorted(dots, key=lambda dot: dot.intensity):
        share = f" ({dot.measured / dot.rate:.0%})" if dot.measured else ""
        put.append(sheet.put(dot.name + share, dot.intensity, dot.rate))
    return [label for label in put if label]


def _leads(labels: list[Label]) -> list[tuple]:
    return [corner for label in labels if label.lead for corner in (label.lead, (label.x, label.y), GAP)]


def _line(corners, name: str, color: str, dash: str, width: float, legend: bool = True) -> go.Scatter:
    return go.Scatter(
        x=rounded([x for x, _ in corners], 4),
        y=rounded([y for _, y in corners], 4),
        mode="lines",
        name=name,
        line={"color": color, "dash": dash, "width": width},
        showlegend=legend and bool(corners),
        hoverinfo="skip",
    )


def _marks(dots: list[Dot]) -> go.Scatter:
    return go.Scatter(
        x=rounded([dot.intensity for dot in dots], 4),
        y=rounded([dot.rate for dot in dots], 4),
        mode="markers",
        name="at most, by the work counted",
        marker={"size": 11, "symbol": "circle", "color": POINT},
        text=[f"{described(dot)}: {DECIDES[dot.binds]}" for dot in dots],
        hoverinfo="text",
    )


def _recorded(roof: Roof, roofs: list[Roof]) -> list[go.Scatter]:
    """Return the measurements with a line up to what they could be at most; none if nothing was recorded."""
    if not any(dot.measured for each in roofs for dot in each.dots):
        return []
    timed = [dot for dot in roof.dots if dot.measured]
    drops = [corner for dot in timed for corner in _drop(dot)]
    marks = go.Scatter(
        x=rounded([dot.intensity for dot in timed], 4),
        y=rounded([dot.measured for dot in timed], 4),
        mode="markers",
        name="measured (share of that)",
        marker={"size": 11, "symbol": "diamond-open", "color": POINT, "line": {"width": 2.5}},
        text=list(map(described, timed)),
        hoverinfo="text",
    )
    return [_line(drops, "", POINT, "solid", 1.2, legend=False), marks]


def _drop(dot: Dot) -> list[tuple]:
    return [(dot.intensity, dot.rate), (dot.intensity, dot.measured), GAP]


def _texts(labels: list[Label], color: str) -> go.Scatter:
    return go.Scatter(
        x=rounded([label.x for label in labels], 4),
        y=rounded([label.y for label in labels], 4),
        mode="text",
        text=[label.text for label in labels],
        textposition=[f"middle {label.side}" for label in labels],
        textfont={"color": color, "size": theme.FONT_SIZE},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _framed(traces: list[go.Scatter], sheet: Sheet, title: str) -> go.Figure:
    figure = panel(
        traces,
        title=title,
        x_title="arithmetic intensity (FLOP per byte)",
        y_title="attainable rate (TFLOP/s)",
        log_x=True,
        log_y=True,
        height=HEIGHT,
    )
    figure.update_xaxes(range=list(sheet.x), dtick=1, nticks=None, tickformat=",~g")
    figure.update_yaxes(range=list(sheet.y), dtick=1, nticks=None, tickformat=",~g")
    return figure.update_layout(legend={"x": 0.99, "xanchor": "right", "y": 0.02, "yanchor": "bottom"})
