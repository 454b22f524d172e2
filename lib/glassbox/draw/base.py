"""An empty, labelled panel: the frame that every figure part fills."""

import plotly.graph_objects as go

from glassbox.draw import theme

TITLE = 48  # pixels kept above the plot for the title
AXIS = 64  # pixels kept below the plot for tick labels and the axis title


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
        margin={"l": 80, "r": 20, "t": TITLE if title else 20, "b": AXIS},
        xaxis={"title": {"text": x_title}, **({"type": "log", "dtick": 1} if log_x else {})},
        yaxis={"title": {"text": y_title}, **({"type": "log", "dtick": 1} if log_y else {})},
    )
    if title:
        figure.update_layout(title_text=title)
    return figure
