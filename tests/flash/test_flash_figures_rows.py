"""Loop orders, skipped tiles, running softmax, laws of traffic: figures that say what their rows say."""

import re
import subprocess
import sys

import pytest
from glassbox.attention.masks import causal, prefix_lm, sliding_window
from glassbox.flash import experiments, figures, orders
from glassbox.flash.counting import visible_tiles
from glassbox.flash.figures.skipped_tiles import STATES

SAYS = "1 finding."


def headings(shown) -> list[str]:
    return [re.sub("<[^>]+>", " ", note.text).strip() for note in shown.plot.layout.annotations]


# ---- loop orders


@pytest.fixture(scope="module")
def visits():
    return figures.visit_rows(length=48, block=16, head_size=4)


def test_each_order_visits_every_tile_once_along_its_inner_loop(visits):
    keys_first, queries_first = (
        [(row["query"], row["key"]) for row in visits if row["order"].startswith(name)]
        for name in ("keys", "queries")
    )
    assert keys_first == [(query, key) for key in range(3) for query in range(3)]
    assert queries_first == [(query, key) for query in range(3) for key in range(3)]
    assert [row["visit"] for row in visits] == [*range(1, 10)] * 2


def test_stores_and_numbers_moved_are_those_of_the_counting_memory(visits):
    counted = [row for row in orders.store_rows(48, 16, 4) if row["part"] == "o"]
    found = {row["order"].split()[0]: (row["stores"], row["moved"]) for row in visits}
    assert found == {row["order"].split("_")[0]: (row["stores"], row["moved"]) for row in counted}
    assert found["keys"][0] == 3 and found["queries"][0] == 1


def test_the_figure_numbers_the_visits_and_says_the_stores(visits):
    shown = figures.loop_orders(visits, says=SAYS)
    assert [trace.z[1][2] for trace in shown.plot.data] == [8, 6]
    assert "stored 3 times" in headings(shown)[0] and "stored once" in headings(shown)[1]


@pytest.mark.parametrize("bad", [{"length": 16, "block": 16}, {"block": 0}])
def test_a_walk_of_one_block_is_refused(bad):
    with pytest.raises(ValueError, match=f"^{'length' if 'length' in bad else 'block'}: expected"):
        figures.visit_rows(**bad)


# ---- skipped tiles


@pytest.fixture(scope="module")
def tiles():
    return figures.tile_rows(n=128, block=16, window=40, prefix=56)


MASKS = {
    "causal": causal(), "window of 40": causal() & sliding_window(40), "prefix of 56": prefix_lm(56),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
def test_the_kernel_visits_exactly_the_tiles_with_a_visible_pair(tiles, name):
    own = [row for row in tiles if row["mask"] == name]
    assert len(own) == 64
    visited = sum(row["state"] != STATES[0] for row in own)
    assert visited == visible_tiles(128, 128, 16, 16, MASKS[name])
    for row in own:
        rows, keys = (slice(16 * row[side], 16 * row[side] + 16) for side in ("query", "key"))
        seen = MASKS[name].dense(128, 128)[rows, keys]
        assert row["state"] == STATES[int(seen.any()) + int(seen.all())]


def test_the_figure_crosses_what_is_skipped_and_says_the_share(tiles):
    shown = figures.skipped_tiles(tiles, says=SAYS)
    assert headings(shown)[0].endswith("36 of 64 tiles (56%)")
    crosses = [trace for trace in shown.plot.data if trace.type == "scatter" and trace.name is None]
    skipped = [row for row in tiles if row["mask"] == "causal" and row["state"] == STATES[0]]
    crossed = set(zip(crosses[0].x, crosses[0].y, strict=True))
    assert crossed == {(row["key"], row["query"]) for row in skipped} and len(crossed) == 28
    assert [trace.name for trace in shown.plot.data if trace.name] == list(STATES)


# ---- running softmax


@pytest.fixture(scope="module")
def streams():
    few = [{"stream": "few"} | row for row in experiments.stream_rows([1, 2, 3, 4])]
    return few + [{"stream": "many"} | row for row in experiments.stream_rows(length=64, seed=35)]


def drawn(shown, name) -> list:
    return [trace for trace in shown.plot.data if trace.name == name]


def test_m_and_l_are_drawn_and_a_drop_at_each_move(streams):
    shown = figures.running_softmax(streams, says=SAYS)
    assert list(drawn(shown, "m, the largest so far")[0].y) == [1, 2, 3, 4]
    few, many = drawn(shown, "l, the sum so far")
    assert list(few.text) == ["1.000", "1.368", "1.503", "1.553"] and len(many.y) == 64
    drops = drawn(shown, "old sum × exp(m − m′)")
    assert list(drops[0].x) == [2, 2, None, 3, 3, None, 4, 4, None]
    assert list(drops[0].y[:2]) == [1, 0.368] and drops[0].text[1] == "× 0.37"
    moves = sum(row["moved"] for row in streams if row["stream"] == "many") - 1
    assert moves > 3 and len(drops[1].x) == 3 * moves


def test_a_stream_that_never_moves_and_too_many_streams():
    flat = [{"stream": "flat"} | row for row in experiments.stream_rows([4, 3])]
    assert list(drawn(figures.running_softmax(flat, says=SAYS), "old sum × exp(m − m′)")[0].x) == [None]
    with pytest.raises(ValueError, match="at most 2 streams"):
        figures.running_softmax([row | {"stream": name} for row in flat for name in "abc"], says=SAYS)


# ---- laws of traffic


def test_each_curve_ends_in_the_power_that_is_fitted():
    rows = experiments.traffic_law()
    shown = figures.traffic_law(rows, says=SAYS)
    powers = experiments.exponents(rows)
    said = [trace.text[-1].replace("−", "-") for trace in shown.plot.data]
    curves = [(form, size) for size in ("n", "d", "chip_bytes") for form in experiments.law.FORMS]
    assert said == [f"slope {powers[curve]:.2f}" for curve in curves]
    assert headings(shown)[0] == "d = 64, 128 KiB on chip" and "n = 8,192, d = 64" in headings(shown)[2]


def test_a_form_on_another_chip_is_a_curve_of_its_own():
    rows = [row for row in experiments.traffic_law() if row["varies"] != "d"]
    more = [{"varies": "n"} | experiments.form_row("tiled", n, 64, 32_768) for n in (2048, 16_384)]
    names = [trace.name for trace in figures.traffic_law([*rows, *more], says=SAYS).plot.data]
    assert names == ["naive", "tiled", "causal", "tiled, 32 KiB", "naive", "tiled", "causal"]


COLUMNS = {
    "loop_orders": "visit",
    "skipped_tiles": "state",
    "running_softmax": "keep",
    "traffic_law": "varies",
}


@pytest.mark.parametrize("draw, column", COLUMNS.items())
def test_a_missing_column_is_named(draw, column, visits, tiles, streams):
    rows = {"loop_orders": visits, "skipped_tiles": tiles, "running_softmax": streams}.get(draw)
    rows = experiments.traffic_law() if rows is None else rows
    short = [{key: value for key, value in row.items() if key != column} for row in rows]
    with pytest.raises(ValueError, match=f"'{column}'"):
        getattr(figures, draw)(short, says=SAYS)


def test_the_figures_load_no_widgets():
    code = "import sys, glassbox.flash.figures; print('ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
