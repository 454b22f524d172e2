"""Several panels in one figure, so that one slider moves them all."""

import copy

import plotly.graph_objects as go

from glassbox.arguments import bad_value
from glassbox.draw import theme
from glassbox.draw.base import top_margin

GAP = 0.12  # between two panels, as a share of the figure's width
HEADING = 24  # pixels for a panel's own title
MOST = 3


def side_by_side(*figures: go.Figure, title: str = "", height: int | None = None) -> go.Figure:
    """Return the panels `figures` next to each other, each under its own title, with one legend.

    A series that stands in several panels is named once. For a slider over all panels, give `steps` one
    such figure per state.
    """
    if not 2 <= len(figures) <= MOST:
        raise bad_value("figures", f"2 to {MOST} figures", len(figures))
    whole = {"data": [], "layout": {"template": theme.TEMPLATE, "annotations": []}}
    width = (1 - GAP * (len(figures) - 1)) / len(figures)
    for place, figure in enumerate(figures):
        left = place * (width + GAP)
        _add(whole, copy.deepcopy(figure.to_dict()), place, (round(left, 4), round(left + width, 4)))
    whole["layout"] |= _frame(figures, title, height)
    return go.Figure(whole)


def _frame(figures, title: str, height: int | None) -> dict:
    margin = figures[0].to_dict()["layout"].get("margin", {})
    top = top_margin(title) + (HEADING if any(figure.layout.title.text for figure in figures) else 0)
    return {
        "height": height or figures[0].layout.height or theme.HEIGHT,
        "margin": {**margin, "t": top},
        **({"title": {"text": title}} if title else {}),
        **({"barmode": figures[0].layout.barmode} if figures[0].layout.barmode else {}),
    }


def _add(whole: dict, part: dict, place: int, domain: tuple[float, float]) -> None:
    """Put one figure's traces, axes and title into the column `domain`."""
    number = "" if place == 0 else str(place + 1)
    known = {trace.get("name") for trace in whole["data"] if trace.get("showlegend") is not False}
    for trace in part["data"]:
        repeated = {"showlegend": False} if trace.get("name") in known else {}
        whole["data"].append({**trace, "xaxis": f"x{number}", "yaxis": f"y{number}", **repeated})
    layout = part["layout"]
    across, upright = layout.get("xaxis", {}), layout.get("yaxis", {})
    if "scaleanchor" in upright:
        upright["scaleanchor"] = f"x{number}"
    whole["layout"][f"xaxis{number}"] = {**across, "domain": list(domain), "anchor": f"y{number}"}
    whole["layout"][f"yaxis{number}"] = {**upright, "anchor": f"x{number}"}
    if text := layout.get("title", {}).get("text"):
        whole["layout"]["annotations"].append(_heading(text, domain[0]))


def _heading(text: str, left: float) -> dict:
    return {
        "text": text,
        "x": left,
        "xref": "paper",
        "xanchor": "left",
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": theme.FONT_SIZE},
    }
