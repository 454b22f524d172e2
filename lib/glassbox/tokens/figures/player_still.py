"""The still picture of the merge player: states of the text one below the other."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox.arguments import bad_value, expect_choice
from glassbox.tokens.figures import pieces
from glassbox.tokens.figures import player_parts as parts

MOST = 6
PIXELS = 38  # height of a line of boxes
ABOVE, GAP = 0.75, 0.35  # of a snapshot, in lines: the room of its words, and below it


def still(table: dict[str, Sequence[dict]], chosen: Sequence[tuple[str, int]]) -> go.Figure:
    """Return one snapshot for each recipe and number of learned tokens."""
    if not 1 <= len(chosen) <= MOST:
        raise bad_value("static", f"1 to {MOST} pairs of a recipe and a number", len(chosen))
    figure, below = go.Figure(), 0.0
    for name, learned in chosen:
        expect_choice("static", name, table)
        row = parts.at(table[name], learned)
        figure.add_trace(pieces.bars(row, below + ABOVE, high=0.9))
        figure.add_trace(_words(row, below))
        figure.add_annotation(_name(row["recipe"], below + ABOVE))
        below += ABOVE + pieces.lines_of([row]) + GAP
    figure.update_layout(
        height=round(PIXELS * below) + 20,
        barmode="overlay",
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"visible": False, "range": [-0.1, pieces.LINE + 0.1]},
        yaxis={"visible": False, "range": [below - 0.5 + ABOVE - GAP, -0.5]},
    )
    return figure


def _name(recipe: str, below: float) -> dict:
    """Return the recipe, to the left of its boxes."""
    place = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -6, "y": round(below, 4)}
    return {
        "text": f"<b>{recipe.replace(', ', ',<br>')}</b>",
        "showarrow": False,
        "align": "right",
        "font": {"size": 12},
        **place,
    }


def _words(row: dict, below: float) -> go.Scatter:
    done, found = pieces.sentence(row)
    return go.Scatter(
        x=[0],
        y=[round(below, 4)],
        text=[f"{done}: {found if row['longer'] else found.partition(';')[0]}"],
        mode="text",
        textposition="middle right",
        textfont={"size": 13},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
