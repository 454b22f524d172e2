"""One model over several vocabularies: its loss per token and per byte, which do not agree."""

from collections.abc import Sequence

from glassbox import draw
from glassbox.draw.rows import expect_rows

UNITS = {"bits_per_token": "loss (bits per token)", "bits_per_byte": "loss (bits per byte)"}


def loss(rows: Sequence[dict], says: str, task: str = "") -> draw.Shown:
    """Return the loss per token and per byte, one point per seed, over the vocabularies.

    `rows` are those of `experiments.loss_per_byte.finals` for one budget, with the columns "vocabulary",
    "seed", "bits_per_token" and "bits_per_byte". Both axes have the same range.
    """
    expect_rows(rows, vocabulary="vocabulary", seed="seed", **{unit: unit for unit in UNITS})
    ordered = sorted(rows, key=lambda row: (row["vocabulary"], row["seed"]))
    named = [row | {"tokens": f"{row['vocabulary']:,}", "run": f"seed {row['seed']}"} for row in ordered]
    panels = [
        draw.dots(named, "tokens", unit, "run", x_title="vocabulary (tokens)", y_title=title, digits=4)
        for unit, title in UNITS.items()
    ]
    figure = draw.side_by_side(*panels)
    most = max(row[unit] for row in rows for unit in UNITS)
    figure.update_yaxes(range=[0, draw.rounded(1.08 * most)])
    above = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(legend=above, margin_t=44)
    return draw.Shown(figure, says=says, task=task)
