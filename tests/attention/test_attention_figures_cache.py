"""The cache calculator: what it shows in every state that its controls can reach."""

import json
from itertools import product

import pytest
from glassbox.attention import figures
from glassbox.attention.figures import cache_parts
from glassbox.attention.wiring import wirings
from glassbox.draw.states import at
from glassbox.draw.still import ADVICE, browser, still

HEADS = ("MHA, 32 key heads", "GQA, 8 key heads", "MQA, 1 key head")
LATENT = "MLA, latent 512 + 64"
CONTEXTS = (8192, 16384, 32768)
SAYS = "At 32k a batch of 16 needs 275 GB with 32 key heads and 17.2 GB with 2."


@pytest.fixture(scope="module")
def rows():
    return wirings(kv_heads=(32, 8, 1), latents=(512,), contexts=CONTEXTS, dtypes=("bfloat16", "int8"))


@pytest.fixture(scope="module")
def shown(rows):
    return figures.cache_calculator(rows, says=SAYS, task="Find 2.", start=HEADS[1])


@pytest.fixture(scope="module")
def spec(shown):
    return shown._bundle()["application/vnd.plotly.v1+json"]


def state(spec, wiring=None, dtype=None, context=None):
    """Return the traces that can be seen after the controls were used."""
    spec = at(spec, context or spec["frames"][-1]["name"])
    lists = [menu for menu in spec["layout"]["updatemenus"] if menu["type"] == "dropdown"]
    for menu, wanted in zip(lists, (wiring, dtype), strict=True):
        for button in menu["buttons"]:
            if wanted and button["label"].endswith(wanted):
                press(spec, *button["args"])
    return [trace for trace in spec["data"] if trace.get("visible", True) and trace.get("opacity", 1)]


def press(spec, changes, traces):
    """Do what plotly's restyle does."""
    for attribute, values in changes.items():
        for place, value in zip(traces, values, strict=True):
            *path, last = attribute.split(".")
            target = spec["data"][place]
            for part in path:
                target = target.setdefault(part, {})
            target[last] = value


def only(traces, **wanted):
    (found,) = [trace for trace in traces if all(trace.get(name) == value for name, value in wanted.items())]
    return found


def ribbon(traces):
    return only(traces, mode="lines+text")


def test_it_starts_with_the_wiring_asked_for_the_first_dtype_and_the_longest_context(shown, spec):
    traces = state(spec)
    assert ribbon(traces)["text"][-1] == " 131 kB × 32k = 4.29 GB"
    bars = only(traces, type="bar")
    assert bars["x"] == [275, 68.7, 8.59, 19.3] and bars["y"] == [*HEADS, LATENT]
    assert bars["marker"]["opacity"] == [0.35, 1, 0.35, 0.35]
    assert bars["marker"]["pattern"]["shape"] == ["/", "/", "", ""]
    assert shown.plot.layout.sliders[0].active == 2


COMBINED = list(product([*HEADS, LATENT], ["bfloat16", "int8"], ["8k", "32k"]))


@pytest.mark.parametrize("wiring, dtype, context", COMBINED)
def test_all_three_controls_reach_every_combination(spec, rows, wiring, dtype, context):
    traces = state(spec, wiring, dtype, context)
    wanted = (wiring, dtype, int(context[:-1]) * 1024)
    (row,) = [row for row in rows if (row["wiring"], row["dtype"], row["context"]) == wanted]
    assert ribbon(traces)["text"] == cache_parts.ribbon_words(row)
    assert max(x for x in ribbon(traces)["x"] if x is not None) == row["context"]
    assert ribbon(traces)["y"][2] == pytest.approx(row["bytes_per_token"] / 1e3, rel=1e-3)
    bars = only(traces, type="bar")
    assert bars["marker"]["opacity"][bars["y"].index(wiring)] == 1
    assert bars["x"][bars["y"].index(wiring)] == pytest.approx(row["bytes"] / 1e9, rel=5e-3)
    numbers = only(traces, mode="text", xaxis="x4")["text"]
    assert numbers[bars["y"].index(wiring)].endswith(f"at most {row['largest_batch']}")


def test_the_area_of_a_ribbon_is_the_cache_of_one_sequence(spec, rows):
    for row in rows:
        traces = state(spec, row["wiring"], row["dtype"], cache_parts.tokens(row["context"]))
        length, width = ribbon(traces)["x"][1], ribbon(traces)["y"][2]
        assert 1e3 * length * width == pytest.approx(row["bytes"] / row["batch"], rel=1e-3)


@pytest.mark.parametrize(
    "wiring, boxes, share",
    [(HEADS[0], 32, 1), (HEADS[1], 8, 4), (HEADS[2], 1, 32), (LATENT, 1, 32)],
)
def test_every_query_head_is_wired_to_its_own_box(spec, wiring, boxes, share):
    wires, *filled = [
        trace for trace in state(spec, wiring) if trace.get("xaxis", "x") == "x" and trace["mode"] == "lines"
    ]
    ends = list(zip(wires["x"][0::3], wires["x"][1::3], strict=True))
    assert [start for start, _ in ends] == [head + 0.5 for head in range(32)]
    assert len({end for _, end in ends}) == boxes
    for box in range(boxes):
        group = [start for start, _ in ends][box * share : (box + 1) * share]
        assert ends[box * share][1] == pytest.approx(sum(group) / share, abs=0.01)
    assert len(filled) == 2 and all(len(trace["x"]) == 6 * boxes for trace in filled)


def test_the_boxes_are_as_wide_as_what_they_store(spec):
    def width(wiring):
        _, *filled = [
            trace
            for trace in state(spec, wiring)
            if trace.get("xaxis", "x") == "x" and trace["mode"] == "lines"
        ]
        ends = [x for trace in filled for x in trace["x"] if x is not None]
        return max(ends) - min(ends) + 2 * cache_parts.INSET

    assert width(HEADS[2]) == pytest.approx(1)
    assert width(LATENT) == pytest.approx(576 / 256)


def test_play_lengthens_the_ribbon_step_by_step(shown):
    (play,) = [menu for menu in shown.plot.layout.updatemenus if menu.type == "buttons"]
    assert play.buttons[0].args[0] == ("8k", "16k", "32k") == shown.states
    lengths = [max(frame.data[0].x) for frame in shown.plot.frames]
    assert lengths == list(CONTEXTS)


def test_four_controls_a_memory_line_and_a_finding_with_numbers(shown):
    layout = shown.plot.layout
    assert len(layout.updatemenus) + len(layout.sliders) == 4
    assert layout.shapes[0].x0 == layout.shapes[0].x1 == 24
    assert repr(shown) == SAYS and shown.task == "Find 2."


def test_the_still_shows_one_wiring_of_each_kind_on_one_scale(shown):
    (picture,) = shown._stills()
    words = " ".join(note["text"] for note in picture["layout"]["annotations"])
    for wiring, needs, largest in ((HEADS[0], 275, 1), (HEADS[1], 68.7, 5), (LATENT, 19.3, 19)):
        assert f"{wiring}</b>: batch 16 needs {needs} GB" in words and f"largest batch {largest}" in words
    ranges = {tuple(picture["layout"][f"yaxis{number}"]["range"]) for number in (2, 4, 6, 8)}
    assert len(ranges) == 1
    ribbons = [trace for trace in picture["data"] if trace["mode"] == "lines+text"]
    assert [trace["y"][2] for trace in ribbons] == [524.3, 131.1, 16.38, 36.86]


def test_the_whole_calculator_stays_small():
    whole = figures.cache_calculator(wirings(), says=SAYS)
    assert len(json.dumps(whole._bundle())) < 120_000


def test_it_is_the_same_twice(rows, shown):
    again = figures.cache_calculator(rows, says=SAYS, task="Find 2.", start=HEADS[1])
    assert json.dumps(again._bundle()) == json.dumps(shown._bundle())
    assert json.dumps(again._stills()) == json.dumps(shown._stills())


def test_a_missing_column_and_an_unknown_wiring_are_named(rows):
    with pytest.raises(ValueError, match="'fits'"):
        figures.cache_calculator([{k: v for k, v in row.items() if k != "fits"} for row in rows], says=SAYS)
    with pytest.raises(ValueError, match="start: expected one of None, 'MHA, 32 key heads'"):
        figures.cache_calculator(rows, says=SAYS, start="GQA, 3 key heads")


@pytest.mark.browser
@pytest.mark.skipif(browser() is None, reason=ADVICE)
def test_the_still_is_drawn(shown):
    assert still(shown._stills(), shown.says).startswith(b"\x89PNG")
