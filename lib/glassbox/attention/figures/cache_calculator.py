"""The signature figure of notebook 03: heads that are merged, the ribbon they leave, the memory it fills."""

from collections.abc import Sequence

import plotly.graph_objects as go

from glassbox import draw
from glassbox.arguments import expect_choice
from glassbox.attention.figures import cache_parts as parts
from glassbox.attention.figures.cache_still import one_of_each, still
from glassbox.draw.rows import distinct, expect_rows

COUNTS = "heads", "head_size", "kv_heads", "latent", "rope", "numbers", "parameters", "largest_batch"
COSTS = "dtype", "context", "batch", "memory", "bytes_per_token", "bytes", "fits"
FAINT = 0.35
GROWS = 600  # milliseconds of each step of Play
LEFT, RIGHT, BARS, NUMBERS = [0, 0.44], [0.56, 1], [0, 0.68], [0.7, 1]  # shares of the width
ABOVE, BELOW = [0.58, 1], [0, 0.4]  # shares of the height


def cache_calculator(rows: Sequence[dict], says: str, task: str = "", start: str | None = None) -> draw.Shown:
    """Return the cache calculator for rows of `wiring.wirings`.

    Upper left: each query head wired to the keys and values it reads, as boxes as wide as what they store.
    Upper right: the cache of one sequence, as wide as the bytes of one token and as long as the context; the
    dotted outline is the first wiring in the first dtype. Below: the whole batch in every wiring against the
    memory, and the largest batch that fits. `start` names the wiring shown first (default: the first).
    """
    expect_rows(rows, **{name: name for name in ("wiring", "kind", *COUNTS, *COSTS)})
    table = {(row["wiring"], row["dtype"], row["context"]): row for row in rows}
    wirings, dtypes, contexts = (distinct(rows, name) for name in ("wiring", "dtype", "context"))
    expect_choice("start", start, [None, *wirings])
    shown = 0 if start is None else wirings.index(start)
    longest = {key[:2]: table[*key[:2], contexts[-1]] for key in table}
    figure, places = _drawn(longest, wirings, dtypes)
    figure.frames = [_frame(table, places, wirings, dtypes, context) for context in contexts]
    _dress(figure, [longest[name, dtypes[0]] for name in wirings], contexts)
    controls = _controls(wirings, dtypes, contexts, places, shown)
    _press(figure, controls[0].buttons[shown], controls[1].buttons[0])
    picture = still([longest[name, dtypes[0]] for name in one_of_each(rows, wirings[shown])])
    return draw.Shown(draw.add_controls(figure, *controls), says=says, task=task, still=picture)


def _drawn(longest: dict, wirings: list, dtypes: list) -> tuple[go.Figure, dict]:
    """Return the figure at the longest context, and the number of each trace by what it belongs to."""
    first = longest[wirings[0], dtypes[0]]
    _, top = parts.headroom(first)
    traces = {("queries",): parts.queries(first)}
    for name in wirings:
        for number, trace in enumerate(parts.heads(longest[name, dtypes[0]])):
            traces["heads", name, number] = trace
    traces["widest",] = parts.widest(first).update(xaxis="x2", yaxis="y2")
    for key, row in longest.items():
        traces["ribbon", *key] = parts.ribbon(row, top).update(xaxis="x2", yaxis="y2")
    for dtype in dtypes:
        column = [longest[name, dtype] for name in wirings]
        traces["bars", dtype] = parts.bar(column).update(xaxis="x3", yaxis="y3")
        traces["words", dtype] = parts.column(column).update(xaxis="x4", yaxis="y3")
    return go.Figure(list(traces.values())), {key: place for place, key in enumerate(traces)}


def _frame(table: dict, places: dict, wirings: list, dtypes: list, context: int) -> go.Frame:
    """Return what one context changes: lengths and numbers, in every wiring and dtype at once."""
    data = {places["widest",]: {"x": parts.outline(table[wirings[0], dtypes[0], context])["x"]}}
    for name in wirings:
        for dtype in dtypes:
            row = table[name, dtype, context]
            change = {"x": parts.outline(row, 0)["x"], "text": parts.ribbon_words(row)}
            data[places["ribbon", name, dtype]] = change
    for dtype in dtypes:
        column = [table[name, dtype, context] for name in wirings]
        data[places["bars", dtype]] = {"type": "bar", **parts.lengths(column)}
        data[places["words", dtype]] = {"text": parts.bar_words(column)}
    changes = [{"type": "scatter", **change} for change in data.values()]
    return go.Frame(name=parts.tokens(context), data=changes, traces=list(data))


# ---- controls: a wiring sets what is visible, a dtype what is opaque, a context the lengths


def _controls(wirings, dtypes, contexts, places: dict, shown: int) -> list:
    names = [parts.tokens(context) for context in contexts]
    return [
        draw.choice(wirings, [_wired(name, wirings, places) for name in wirings], active=shown),
        draw.choice(dtypes, [_typed(dtype, places) for dtype in dtypes], prefix="cache in "),
        draw.slider(names, "context: ", active=len(names) - 1),
        draw.play(names, milliseconds=GROWS),
    ]


def _wired(name: str, wirings: list, places: dict) -> list:
    """Return what choosing a wiring restyles: its heads and ribbons appear, its bar stands out."""
    own = [key for key in places if key[0] in ("heads", "ribbon")]
    bars = [key for key in places if key[0] == "bars"]
    bright = [1.0 if each == name else FAINT for each in wirings]
    changes = {
        "visible": [key[1] == name for key in own] + [True] * len(bars),
        "marker.opacity": [1.0] * len(own) + [bright] * len(bars),
    }
    return [changes, [places[key] for key in own + bars]]


def _typed(dtype: str, places: dict) -> list:
    """Return what choosing a dtype restyles: everything that is counted in bytes."""
    own = [key for key in places if key[0] in ("ribbon", "bars", "words")]
    return [{"opacity": [float(key[-1] == dtype) for key in own]}, [places[key] for key in own]]


def _press(figure: go.Figure, *buttons) -> None:
    """Put a figure into the state that its drop-down lists stand at."""
    for changes, traces in (button.args for button in buttons):
        for attribute, values in changes.items():
            for place, value in zip(traces, values, strict=True):
                figure.data[place].update({attribute.replace(".", "_"): value})


# ---- axes and words


def _dress(figure: go.Figure, rows: Sequence[dict], contexts: list) -> None:
    first, names = (
        rows[0],
        {"tickvals": [row["wiring"] for row in rows], "ticktext": list(map(parts.brief, rows))},
    )
    memory, most = first["memory"] / 1e9, first["bytes"] / 1e9
    ticks = {"tickvals": [0, *contexts[1::2]], "ticktext": ["0", *map(parts.tokens, contexts[1::2])]}
    words = f"cache of {first['batch']} sequences, hatched: does not fit (GB)"
    figure.update_layout(
        height=630,
        barmode="overlay",
        margin={"l": 80, "r": 20, "t": 44, "b": 58},
        xaxis={"domain": LEFT, "visible": False, "range": [-0.5, first["heads"] + 0.5]},
        yaxis={"domain": ABOVE, "visible": False, "range": [-0.65, 1.15]},
        xaxis2=_axis(RIGHT, "y2", "context (tokens)", range=[0, contexts[-1]], **ticks),
        yaxis2=_axis(ABOVE, "x2", "cache per token (kB)", range=[0, parts.headroom(first)[0]]),
        xaxis3=_axis(BARS, "y3", words, range=[0, draw.rounded(1.02 * most)]),
        yaxis3=_axis(BELOW, "x3", "wiring", **draw.theme.names_axis(names["tickvals"]), **names),
        xaxis4={"domain": NUMBERS, "anchor": "y3", "visible": False, "range": [0, 1]},
    )
    figure.add_shape(
        type="line", xref="x3", yref="y3 domain", x0=memory, x1=memory, y0=0, y1=1, line={"width": 2}
    )
    _heading(figure, f"what {first['heads']} query heads read", LEFT[0], ABOVE[1])
    _heading(figure, f"one sequence (dotted: {first['kind']})", RIGHT[0], ABOVE[1])
    _heading(figure, f"{memory:g} GB of memory", None, BELOW[1], memory)
    _heading(figure, "needs, largest batch", NUMBERS[0], BELOW[1])


def _axis(domain: list, anchor: str, title: str, **settings) -> dict:
    return {"domain": domain, "anchor": anchor, "title": {"text": title, "standoff": 8}, **settings}


def _heading(figure: go.Figure, words: str, left: float | None, top: float, x: float | None = None) -> None:
    place = {"x": left, "xref": "paper"} if x is None else {"x": x, "xref": "x3"}
    figure.add_annotation(
        text=words, **place, y=top, yref="paper", xanchor="left", yanchor="bottom", showarrow=False
    )
