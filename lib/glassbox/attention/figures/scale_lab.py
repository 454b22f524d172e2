"""The lab of the square root: what three scales make of a softmax as the heads grow."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import expect_choice
from glassbox.draw.rows import distinct, expect_rows

ROOM = 1.3  # the line of the shown size goes so far beyond the values


def scale_lab(
    rows: Sequence[dict], examples: Sequence[dict], says: str, task: str = "", start: int | None = None
) -> draw.Shown:
    """Return the lab for rows of `experiments.scaling.scaling` and `softmax_row`, one state per head size.

    Left: the example's weights, the largest first. Middle: the entropy of the weights, as a share of the
    largest possible. Right: the mean gradient of a score. Bands go from the least to the most of the seeds;
    the dotted line marks the head size shown, `start` at first (default: the largest).
    """
    expect_rows(rows, scale="scale", size="size", entropy="entropy", gradient="gradient")
    expect_rows(examples, scale="scale", size="size", rank="rank", weight="weight")
    sizes = sorted(distinct(rows, "size"))
    expect_choice("start", start, [None, *sizes])
    states = {str(size): _state(rows, examples, size) for size in sizes}
    figure = draw.steps(states, prefix="head size d = ", start=str(start or sizes[-1]), playable=True)
    figure.update_xaxes(tickvals=sizes, selector={"type": "log"})
    figure.update_yaxes(range=[-0.03, 1.03], selector=lambda axis: axis.type != "log")
    figure.update_yaxes(dtick=1, selector={"type": "log"})
    above = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": 1, "yanchor": "bottom"}
    figure.update_layout(legend=above)
    return draw.Shown(figure, says=says, task=task, static=(str(sizes[0]), str(sizes[-1])))


def _state(rows: Sequence[dict], examples: Sequence[dict], size: int) -> go.Figure:
    order, most = distinct(rows, "scale"), max(row["gradient"] for row in rows)
    least = min(row["gradient"] for row in rows if row["gradient"] > 0)
    shown = [row for row in examples if row["size"] == size]
    along = {"series": "scale", "order": order, "x_title": "head size d (numbers)", "log_x": True}
    return draw.side_by_side(
        draw.lines(
            shown,
            "rank",
            "weight",
            "scale",
            order=order,
            x_title="rank of the key (number)",
            y_title="weight (share of 1)",
        ),
        draw.lines(
            rows, "size", "entropy", guides=_here(size, 0, 1), y_title="entropy (share of log n)", **along
        ),
        draw.lines(
            rows,
            "size",
            "gradient",
            guides=_here(size, least / ROOM, most * ROOM),
            y_title="mean gradient (no unit)",
            log_y=True,
            **along,
        ),
    )


def _here(size: int, low: float, high: float) -> dict:
    return {"d shown": ([size, size], [low, high])}
