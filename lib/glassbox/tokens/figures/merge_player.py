"""The signature figure of notebook 05: a text that is merged, step by step, under four recipes."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import expect_choice
from glassbox.draw.rows import expect_rows
from glassbox.tokens.figures import pieces
from glassbox.tokens.figures import player_parts as parts
from glassbox.tokens.figures.player_still import still
from glassbox.tokens.figures.recipes import COLUMNS

PACE = 700  # milliseconds of each step of Play
PIXELS, WORDS, BELOW = 50, 52, 300  # height of a line of boxes, of the sentence above, of the lower half
LEFT, RIGHT = [0, 0.38], [0.47, 0.8]  # shares of the width of the table and of the curves


def merge_player(
    rows: Sequence[dict],
    says: str,
    task: str = "",
    start: int | None = None,
    recipe: str | None = None,
    static: Sequence[tuple[str, int]] = (),
) -> draw.Shown:
    """Return the merge player for rows of `recipe_rows`; its slider sets how many tokens are learned.

    Above: the text as boxes with token and id, grey where a token is a single symbol, orange where the last
    merge made it. Lower left: what can come next, best first. Lower right: the length of the text against
    the learned tokens. A list chooses the recipe; `start` and `recipe` say what is shown first (default: the
    middle, and the first recipe). The still picture shows `static`: pairs of a recipe and a number of learned
    tokens, six at most (default: six that differ).
    """
    expect_rows(rows, **{name: name for name in COLUMNS})
    table = parts.by_recipe(rows)
    expect_choice("recipe", recipe, [None, *table])
    most = max(len(row["learned"]) for row in next(iter(table.values())))
    start = most // 2 if start is None else start
    expect_choice("start", start, range(most + 1))
    shown = 0 if recipe is None else list(table).index(recipe)
    figure, places = _drawn(table, start)
    figure.frames = [_frame(table, places, learned) for learned in range(most + 1)]
    _dress(figure, rows)
    lists = draw.choice(list(table), [_chosen(name, places) for name in table], active=shown)
    names = [str(learned) for learned in range(most + 1)]
    slide = draw.slider(names, "learned tokens: ", active=start)
    _press(figure, lists.buttons[shown])
    whole = draw.add_controls(figure, lists, slide, draw.play(names, milliseconds=PACE))
    return draw.Shown(whole, says=says, task=task, still=still(table, static or _six(table, start, most)))


def _drawn(table: dict, start: int) -> tuple[go.Figure, dict]:
    """Return the figure with `start` learned tokens, and the number of each trace by what it belongs to."""
    curves = parts.curves([row for rows in table.values() for row in rows])
    traces = {("curve", name): curve for name, curve in zip(table, curves, strict=True)}
    for name, rows in table.items():
        row = parts.at(rows, start)
        traces["boxes", name] = pieces.bars(row)
        traces["sentence", name] = _sentence(row)
        traces["bars", name], traces["words", name] = parts.table(row)
        traces["bound", name] = parts.bound(rows)
        traces["here", name] = parts.here(row, traces["curve", name].line.color)
    return go.Figure(list(traces.values())), {key: place for place, key in enumerate(traces)}


def _frame(table: dict, places: dict, learned: int) -> go.Frame:
    """Return what one number of learned tokens changes, in every recipe at once."""
    data = {}
    for name, rows in table.items():
        row = parts.at(rows, learned)
        data[places["boxes", name]] = {"type": "bar", **pieces.changes(row)}
        data[places["sentence", name]] = {"type": "scatter", "text": ["<br>".join(pieces.sentence(row))]}
        data[places["bars", name]] = {"type": "bar", **parts.table_bars(row)}
        data[places["words", name]] = {"type": "scatter", **parts.table_words(row)}
        data[places["here", name]] = {"type": "scatter", **parts.place(row)}
    return go.Frame(name=str(learned), data=list(data.values()), traces=list(data))


def _sentence(row: dict) -> go.Scatter:
    return go.Scatter(
        x=[0],
        y=[-0.9],
        text=["<br>".join(pieces.sentence(row))],
        mode="text",
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _chosen(name: str, places: dict) -> list:
    """Return what choosing a recipe restyles: its own parts appear."""
    own = [key for key in places if key[0] != "curve"]
    return [{"visible": [key[1] == name for key in own]}, [places[key] for key in own]]


def _press(figure: go.Figure, button) -> None:
    changes, traces = button.args
    for place, visible in zip(traces, changes["visible"], strict=True):
        figure.data[place].visible = visible


def _six(table: dict, start: int, most: int) -> list[tuple[str, int]]:
    """Return the first recipe before, at and after `start`, and the others at `start`, six at most."""
    first, *others = table
    return [(first, 0), (first, start), (first, most), *((name, start) for name in others)][:6]


def _dress(figure: go.Figure, rows: Sequence[dict]) -> None:
    """Give every part its place: the boxes above, the table and the curves below."""
    lines = pieces.lines_of(rows)
    high = WORDS + PIXELS * lines + BELOW
    middle = draw.rounded(BELOW / high, 4)
    low = [0, draw.rounded((BELOW - 50) / high, 4)]
    most = max(row["tokens"] for row in rows)
    figure.update_layout(
        height=high + 48 + 58,
        barmode="overlay",
        margin={"l": 80, "r": 20, "t": 20, "b": 58},
        xaxis={"domain": [0, 1], "visible": False, "range": [-0.1, pieces.LINE + 0.1]},
        yaxis={"domain": [middle, 1], "visible": False, "range": [lines - 0.5, -0.5 - WORDS / PIXELS]},
        xaxis2={"domain": LEFT, "anchor": "y2", "visible": False, "range": [0, 1]},
        yaxis2={"domain": low, "anchor": "x2", "visible": False, "range": [parts.RANKS + 0.6, -0.6]},
        xaxis3={
            "domain": RIGHT,
            "anchor": "y3",
            "title": {"text": "learned tokens (number)", "standoff": 8},
            "range": [-0.5, 0.5 + max(len(row["learned"]) for row in rows)],
        },
        yaxis3={
            "domain": low,
            "anchor": "x3",
            "title": {"text": "text (tokens)", "standoff": 8},
            "range": [0, draw.rounded(1.05 * most)],
        },
        legend={"x": RIGHT[1] + 0.01, "xanchor": "left", "y": low[1], "yanchor": "top"},
    )
    _heading(figure, "the next candidates, best first", LEFT[0], low[1])
    _heading(figure, "length of the text", RIGHT[0], low[1])


def _heading(figure: go.Figure, words: str, left: float, top: float) -> None:
    figure.add_annotation(
        text=words,
        x=left,
        xref="paper",
        xanchor="left",
        y=top,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        font={"size": 15},
    )
