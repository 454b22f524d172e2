"""Masks as matrices: who sees whom, the code that says so, and what a softmax makes of each row."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import expect_choice
from glassbox.draw.rows import distinct, expect_rows

HIDDEN, SEEN = "#E2E2E2", draw.theme.ROLES["query"]
KEYS, SUM, END = (
    0.4,
    2.2,
    3.6,
)  # places of the two columns of numbers, and where the axis ends, after the keys
CODE, DATA, HEADS, TOP = -2.7, -1.9, -1, -3.4  # heights above the first row
LETTERS = 12


def mask_painter(
    rows: Sequence[dict], says: str, task: str = "", start: str | None = None, static: Sequence[str] = ()
) -> draw.Shown:
    """Return the masks of `mask_kinds` as heat maps, one state for each.

    Dark cells are seen. Beside each row: how many keys it sees, and the sum of its weights after a softmax
    over -inf, which is 1 or, where the whole row is masked and framed, NaN. `start` names the mask shown
    first, `static` those of the still picture.
    """
    expect_rows(rows, name="name", code="code", data="data", seen="seen")
    names = distinct(rows, "name")
    expect_choice("start", start, [None, *names])
    shown = 0 if start is None else names.index(start)
    states = [_traces(row) for row in rows]
    figure = draw.panel(
        states[shown], x_title="key (position)", y_title="query (position)", height=_height(rows[0])
    )
    figure.frames = [_frame(name, traces) for name, traces in zip(names, states, strict=True)]
    _look(figure, len(rows[0]["seen"][0]), len(rows[0]["seen"]))
    lists = draw.choice(names, [[[name]] for name in names], method="animate", active=shown)
    return draw.Shown(draw.add_controls(figure, lists), says=says, task=task, static=tuple(static))


def _traces(row: dict) -> list:
    seen, width = row["seen"], len(row["seen"][0])
    empty = [place for place, cells in enumerate(seen) if not any(cells) and None not in cells]
    cells = go.Heatmap(
        z=[[None if cell is None else int(cell) for cell in line] for line in seen],
        zmin=0,
        zmax=1,
        colorscale=((0, HIDDEN), (1, SEEN)),
        showscale=False,
        xgap=1,
        ygap=1,
        hoverongaps=False,
    )
    return [cells, _frames_of(empty, width), _numbers(seen, width), _code(row)]


def _frames_of(empty: Sequence[int], width: int) -> go.Scatter:
    """Return a frame around each row that sees nothing."""
    ends = -0.5, width - 0.5 + END
    corners = [
        (ends[0], -0.5),
        (ends[1], -0.5),
        (ends[1], 0.5),
        (ends[0], 0.5),
        (ends[0], -0.5),
        (None, None),
    ]
    return go.Scatter(
        x=[x for _ in empty for x, _ in corners],
        y=[None if y is None else row + y for row in empty for _, y in corners],
        mode="lines",
        line={"color": draw.theme.ROLES["gradient"], "width": 2},
        showlegend=False,
        hoverinfo="skip",
    )


def _numbers(seen: Sequence[Sequence], width: int) -> go.Scatter:
    """Return two columns: how many keys each row sees, and the sum of its weights."""
    there = [(place, sum(cells)) for place, cells in enumerate(seen) if None not in cells]
    points = [(KEYS, HEADS, "keys"), (SUM, HEADS, "sum")]
    points += [(KEYS, place, str(count)) for place, count in there]
    points += [(SUM, place, "1" if count else "<b>NaN</b>") for place, count in there]
    return go.Scatter(
        x=[width - 0.5 + x for x, _, _ in points],
        y=[y for _, y, _ in points],
        text=[text for _, _, text in points],
        mode="text",
        textposition="middle right",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )


def _code(row: dict) -> go.Scatter:
    """Return the line that makes the mask, and what it reads."""
    return go.Scatter(
        x=[-0.5, -0.5],
        y=[CODE, DATA],
        text=[row["code"], row["data"]],
        mode="text",
        textposition="middle right",
        textfont={"family": "monospace", "size": LETTERS},
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )


def _frame(name: str, traces: Sequence) -> go.Frame:
    """Return what a mask changes: its cells, the frames, the numbers, the code."""
    keys = ("z",), ("x", "y"), ("x", "y", "text"), ("text",)
    plain = [trace.to_plotly_json() for trace in traces]
    data = [
        {"type": trace["type"], **{key: trace[key] for key in moving}}
        for trace, moving in zip(plain, keys, strict=True)
    ]
    return go.Frame(name=name, data=data, traces=list(range(len(data))))


def _height(row: dict) -> int:
    return 173 + 30 * len(row["seen"])


def _look(figure: go.Figure, width: int, height: int) -> None:
    """Make the cells square, with a number at every second position."""
    bare = {"showgrid": False, "constrain": "domain"}
    figure.update_xaxes(range=[-0.5, width - 0.5 + END], tickvals=list(range(0, width, 2)), **bare)
    figure.update_yaxes(range=[height - 0.5, TOP], tickvals=list(range(0, height, 2)), **bare)
    figure.update_xaxes(constraintoward="left")
    figure.update_yaxes(scaleanchor="x", constraintoward="top")
