"""An empty, labelled panel: the frame that every figure part fills."""

import plotly.graph_objects as go

from glassbox.draw import theme

TITLE = 48  # pixels kept above the plot for the title
BARE = 20  # the same without a title
AXIS = 58  # pixels kept below the plot for tick labels and the axis title


def panel(
    traces=(),
    *,
    title: str = "",
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Return a figure in the course's look that holds `traces`.

    Axis titles carry their unit in brackets: "gradient norm (no unit)", "time (ms)", "depth N (blocks)".
    """
    figure = go.Figure(layout_template=theme.TEMPLATE)
    figure.add_traces(list(traces))
    figure.update_layout(
        height=height,
        margin={"l": 80, "r": 20, "t": top_margin(title), "b": AXIS},
        xaxis=_axis(x_title, log_x),
        yaxis=_axis(y_title, log_y),
    )
    if title:
        figure.update_layout(title_text=title)
    return figure


def top_margin(title: str | None) -> int:
    """Return the pixels kept above the plot."""
    return TITLE if title else BARE


def _axis(title: str, log: bool) -> dict:
    kind = {"type": "log", "exponentformat": "power", "nticks": 6} if log else {}
    return {"title": {"text": title, "standoff": 8}, **kind}
