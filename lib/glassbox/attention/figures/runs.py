"""Figures of recorded runs: what shared keys cost in quality, what the cache saves in time."""

from collections.abc import Sequence

from glassbox import draw
from glassbox.draw.rows import expect_rows


def quality(rows: Sequence[dict], says: str, task: str = "", column: str = "held_out") -> draw.Shown:
    """Return one point per training run: its final loss, over what the variants have in common.

    `rows` are the last rows of the runs of `experiments.training_variants.quality`, with the columns
    "comparison" ("width", "parameters", "cache"), "variant" and that of the loss.
    """
    expect_rows(rows, comparison="comparison", variant="variant", column=column)
    figure = draw.dots(
        [row | {"equal": f"equal {row['comparison']}"} for row in rows],
        "equal",
        column,
        "variant",
        x_title="what the variants have in common (budget)",
        y_title="final loss (nats per byte)",
        digits=4,
    )
    return draw.Shown(figure, says=says, task=task)


def decode_time(rows: Sequence[dict], says: str, task: str = "", work: Sequence[dict] = ()) -> draw.Shown:
    """Return the seconds of one more token against the text before it, from the cache and without.

    `rows` are those of `experiments.decode_time.decode_time`. `work` adds a panel of the multiply-adds: rows
    with the columns "form", "length" and "multiply_adds", and "kv_heads" where they differ by it.
    """
    expect_rows(rows, form="form", length="length", seconds="seconds", kv_heads="kv_heads")
    named = [row | {"milliseconds": row["seconds"] * 1e3, "series": _series(row)} for row in rows]
    order = draw.distinct(named, "series")
    along = {"x_title": "text so far (tokens)", "log_x": True, "log_y": True}
    figure = draw.lines(
        named, "length", "milliseconds", "series", order=order, y_title="time of a token (ms)", **along
    )
    ticks = sorted(draw.distinct(rows, "length"))
    if work:
        expect_rows(work, form="form", length="length", multiply_adds="multiply_adds")
        counted = [row | {"series": _series(row)} for row in work]
        second = draw.lines(
            counted,
            "length",
            "multiply_adds",
            "series",
            order=list(dict.fromkeys([*order, *draw.distinct(counted, "series")])),
            y_title="multiply-adds (number)",
            **along,
        )
        figure = draw.side_by_side(figure, second)
    above = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    figure.update_xaxes(tickvals=ticks).update_layout(legend=above, margin_t=64)
    return draw.Shown(figure, says=says, task=task)


def _series(row: dict) -> str:
    heads = f", {row['kv_heads']} key head{'s' * (row['kv_heads'] > 1)}" if "kv_heads" in row else ""
    return row["form"] + heads
