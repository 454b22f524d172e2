"""The smaller figures of notebook 03: the lab of the square root, the families, the recorded runs."""

import pytest
from glassbox.attention import figures
from glassbox.attention.figures.families_map import FAINT
from glassbox.draw.states import at

SIZES, SCALES, SEEDS = (4, 64, 1024), ("none", "1/sqrt(d)", "1/d"), (0, 1)
SAYS = "Without a scale the entropy falls from 0.67 to 0.03."


def json_of(shown):
    return shown._bundle()["application/vnd.plotly.v1+json"]


def named(spec, name, x="x"):
    """Return the curve of a series in the panel of an x axis."""
    curves = [
        trace
        for trace in spec["data"]
        if trace.get("name") == name and trace.get("xaxis", "x") == x and "markers" in trace["mode"]
    ]
    (curve,) = curves
    return curve


# ---- the lab of the square root


@pytest.fixture(scope="module")
def lab():
    """Rows whose values say where they belong."""
    places = [(place, scale, size) for place, scale in enumerate(SCALES, start=1) for size in SIZES]
    rows = [
        {
            "scale": scale,
            "size": size,
            "seed": seed,
            "entropy": place / 4 + seed / 10,
            "gradient": place / size,
        }
        for place, scale, size in places
        for seed in SEEDS
    ]
    examples = [
        {"scale": scale, "size": size, "rank": rank, "weight": place / 10 / (rank + 1) + size / 1e4}
        for place, scale, size in places
        for rank in range(4)
    ]
    return figures.scale_lab(rows, examples, says=SAYS, task="Find the scale that keeps the entropy.")


def test_the_lab_starts_at_the_largest_heads_and_moves_to_each_size(lab):
    assert lab.states == ("4", "64", "1024")
    assert (lab.plot.layout.sliders[0].active, lab.static) == (2, ("4", "1024"))
    for size in SIZES:
        curve = named(at(json_of(lab), str(size)), "1/sqrt(d)")
        wanted = [0.2 / (rank + 1) + size / 1e4 for rank in range(4)]
        assert curve["y"] == pytest.approx(wanted, rel=5e-3) and curve["x"] == [0, 1, 2, 3]


def test_the_dotted_line_stands_at_the_size_shown(lab):
    for size in SIZES:
        spec = at(json_of(lab), str(size))
        here = [trace["x"] for trace in spec["data"] if trace.get("name") == "d shown"]
        assert here == [[size, size]] * 2


def test_entropy_is_the_mean_of_the_seeds_and_stays_when_the_size_moves(lab):
    for size in SIZES:
        spec = at(json_of(lab), str(size))
        assert named(spec, "none", "x2")["y"] == [0.3] * 3 and named(spec, "none", "x2")["x"] == list(SIZES)
        assert named(spec, "1/d", "x3")["y"] == pytest.approx([3 / size for size in SIZES], rel=5e-3)


def test_the_lab_names_a_column_that_is_missing_and_a_size_it_does_not_have():
    row = {"scale": "none", "size": 4, "entropy": 1.0, "gradient": 1.0}
    with pytest.raises(ValueError, match="weight"):
        figures.scale_lab([row], [{"scale": "none", "size": 4, "rank": 0}], says=SAYS)
    with pytest.raises(ValueError, match="start: expected one of None, 4"):
        figures.scale_lab([row], [row | {"rank": 0, "weight": 1.0}], says=SAYS, start=5)


# ---- the families


TRIED = [
    ("exact", "softmax", 0, 1.0, 0.0),
    ("sparse", "window", 8, 0.06, 0.25),
    ("sparse", "window", 16, 0.12, 0.12),
    ("sparse", "hashing", 1, 0.11, 1.09),
    ("linear", "elu + 1", 16, 0.13, 0.97),
]


@pytest.fixture(scope="module")
def families():
    names = "family", "method", "setting", "multiply_adds", "error"
    return figures.families_map(
        [dict(zip(names, values, strict=True)) for values in TRIED], says="At 0.06 of the work, 0.25."
    )


def test_a_method_is_one_line_and_a_family_one_sign(families):
    spec = json_of(families)
    sparse, linear = named(spec, "sparse"), named(spec, "linear")
    assert sparse["x"] == [0.06, 0.12, None, 0.11, None] and sparse["y"] == [0.25, 0.12, None, 1.09, None]
    assert sparse["text"][1] == "window, 16"
    assert sparse["marker"]["symbol"] != linear["marker"]["symbol"]
    assert sparse["marker"]["color"] != linear["marker"]["color"]


def test_every_method_is_named_once_beside_a_point_of_its_own(families):
    texts = [trace for trace in json_of(families)["data"] if trace["mode"] == "text"]
    names = [name for trace in texts for name in trace["text"]]
    assert names == ["window", "hashing", "elu + 1"]
    assert texts[0]["y"][0] == pytest.approx(0.25, rel=0.3)


def test_exact_attention_is_a_line_at_one_and_no_point(families):
    (exact,) = [trace for trace in json_of(families)["data"] if trace.get("name") == "exact attention"]
    assert exact["x"] == [1, 1] and exact["mode"] == "lines"
    assert "exact" not in [trace.get("name") for trace in json_of(families)["data"]]


def test_the_list_lets_one_family_stand_out(families):
    (menu,) = families.plot.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["show all families", "show sparse", "show linear"]
    opacity, places = menu.buttons[2].args
    assert opacity["opacity"] == [FAINT] * 3 + [1.0] * 3 and list(places) == list(range(6))


# ---- recorded runs


def test_quality_has_a_point_per_run_over_what_is_equal():
    rows = [
        {"comparison": comparison, "variant": variant, "seed": seed, "held_out": loss + seed / 1000}
        for comparison, variant, loss in (
            ("width", "MHA", 1.9),
            ("width", "GQA", 1.91),
            ("cache", "MLA", 2.0),
        )
        for seed in range(3)
    ]
    shown = figures.quality(rows, says="At equal width 1.900 and 1.910.", task="Count the seeds.")
    assert list(shown.plot.layout.xaxis.ticktext) == ["equal width", "equal cache"]
    grouped = named(json_of(shown), "GQA")
    assert grouped["y"] == [1.91, 1.911, 1.912]  # a thousandth is still seen
    assert {round(x) for x in named(json_of(shown), "MLA")["x"]} == {1}


TIMES = [
    {"form": form, "kv_heads": 8, "length": length, "seconds": seconds}
    for form, length, seconds in (
        ("cached", 64, 1e-3),
        ("cached", 128, 1.1e-3),
        ("recomputed", 64, 2e-3),
        ("recomputed", 128, 4e-3),
    )
]
WORK = [
    {"form": row["form"], "kv_heads": 8, "length": row["length"], "multiply_adds": 10**6} for row in TIMES
]


def test_decode_time_shows_milliseconds_against_the_text_so_far():
    shown = figures.decode_time(TIMES, says="4 ms against 1.1 ms.")
    curve = named(json_of(shown), "recomputed, 8 key heads")
    assert (curve["x"], curve["y"]) == ([64, 128], [2.0, 4.0])
    assert list(shown.plot.layout.xaxis.tickvals) == [64, 128]


def test_work_adds_a_panel_in_the_same_colours():
    spec = json_of(figures.decode_time(TIMES, says="1.", work=WORK))
    for name in ("cached, 8 key heads", "recomputed, 8 key heads"):
        time, work = named(spec, name), named(spec, name, "x2")
        assert time["line"]["color"] == work["line"]["color"] and work["y"] == [10**6] * 2


@pytest.mark.parametrize("shown", ["lab", "families"])
def test_the_figures_stay_small(shown, request):
    assert len(str(json_of(request.getfixturevalue(shown)))) < 20_000
