"""One point per run over the word of its place."""

import pytest
from glassbox.draw import dots, theme

RUNS = [
    {"budget": budget, "variant": variant, "seed": seed, "loss": loss + seed / 10}
    for budget, variant, loss in (
        ("equal cache, 8 kB", "MHA", 2.0),
        ("equal cache, 8 kB", "GQA", 1.5),
        ("equal width", "GQA", 1.0),
    )
    for seed in (0, 1)
]
TITLES = {"x_title": "comparison (budget)", "y_title": "final loss (nats per byte)"}


def test_every_run_has_its_point_over_its_place():
    full, grouped = dots(RUNS, "budget", "loss", "variant", **TITLES).data
    assert list(full.y) == [2.0, 2.1] and list(grouped.y) == [1.5, 1.6, 1.0, 1.1]
    assert [round(x) for x in grouped.x] == [0, 0, 1, 1]
    assert full.x[0] == full.x[1] < grouped.x[0]


def test_a_long_place_is_broken_at_its_comma_and_stays_level():
    axis = dots(RUNS, "budget", "loss", "variant", **TITLES).layout.xaxis
    assert axis.ticktext == ("equal cache<br>8 kB", "equal width") and axis.tickangle == 0


def test_the_order_fixes_colours_and_signs():
    figure = dots(RUNS, "budget", "loss", "variant", order=["MQA", "GQA", "MHA"], **TITLES)
    assert [trace.name for trace in figure.data] == ["MQA", "GQA", "MHA"]
    assert figure.data[1].marker.color == theme.SERIES[1]
    assert figure.data[1].marker.symbol == theme.SYMBOLS[1]


def test_the_legend_stands_above_and_takes_no_width():
    legend = dots(RUNS, "budget", "loss", "variant", **TITLES).layout.legend
    assert legend.orientation == "h" and legend.y > 1


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"y: expected a column.*'gain'"):
        dots(RUNS, "budget", "gain", "variant", **TITLES)


def test_close_runs_are_told_apart_where_more_digits_are_asked_for():
    close = [RUNS[0] | {"seed": seed, "loss": 2.001 + seed / 1000} for seed in range(2)]
    assert list(dots(close, "budget", "loss", "variant", digits=4, **TITLES).data[0].y) == [2.001, 2.002]
    assert list(dots(close, "budget", "loss", "variant", **TITLES).data[0].y) == [2.0, 2.0]
