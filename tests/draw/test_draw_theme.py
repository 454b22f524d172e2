"""The palette holds for every reader, and the template stays small."""

import json
from itertools import combinations

import matplotlib
import pytest
from colour_vision import SIGHTS, contrast, distance
from glassbox.draw import theme

CONTRAST, DISTANCE = 3.0, 20.0
MATPLOTLIB_DEFAULT = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")


def faults(colors) -> list[str]:
    """Return what is wrong with a palette, in words."""
    pale = [f"{color} is pale" for color in colors if contrast(color) < CONTRAST]
    alike = [
        f"{one} and {other} are alike in {sight}"
        for one, other in combinations(colors, 2)
        for sight in SIGHTS
        if distance(one, other, sight) < DISTANCE
    ]
    return pale + alike


@pytest.mark.parametrize("colors", [tuple(theme.ROLES.values()), theme.SERIES], ids=["roles", "series"])
def test_every_pair_is_told_apart_by_every_sight(colors):
    assert faults(colors) == []


@pytest.mark.parametrize(
    "colors, fault",
    [
        (MATPLOTLIB_DEFAULT, "alike in deuteranopia"),
        (("#CC0000", "#4D4000"), "alike in protanopia"),
        (("#17A094", "#22908F"), "alike in tritanopia"),
        (("#1B468F", "#F0E442"), "is pale"),
    ],
)
def test_a_bad_palette_is_found(colors, fault):
    assert any(fault in found for found in faults(colors))


def test_grey_looks_the_same_to_every_sight():
    assert all(matrix.sum(1) == pytest.approx(1, abs=2e-6) for matrix in SIGHTS.values())


def test_white_has_no_contrast_with_paper_and_black_the_most():
    assert contrast("#FFFFFF") == pytest.approx(1)
    assert contrast("#000000") == pytest.approx(21)


def test_text_is_easy_to_read():
    assert contrast(theme.INK, theme.PAPER) >= 7


def test_a_series_differs_in_more_than_its_colour():
    styles = theme.styles("abcdef").values()
    for sign in ("color", "dash", "symbol", "pattern"):
        assert len({getattr(style, sign) for style in styles}) == len(theme.SERIES)


def test_a_role_keeps_its_colour_wherever_it_stands():
    assert theme.styles(["post", "query"])["query"].color == theme.ROLES["query"]
    assert theme.styles(["query", "post"])["query"].color == theme.ROLES["query"]


@pytest.mark.parametrize("role", theme.ROLES)
def test_no_series_beside_a_role_looks_like_it(role):
    colors = [style.color for style in theme.styles([role, "post", "pre", "deep", "sandwich"]).values()]
    assert faults(colors) == []


def test_too_many_series_beside_roles_are_refused():
    with pytest.raises(ValueError, match="series: expected at most 6 names that can be told apart"):
        theme.styles(["query", "key", "post", "pre", "deep", "sandwich"])


def test_chosen_colours_win():
    assert theme.styles(["query"], {"query": "#000000"})["query"].color == "#000000"


def test_more_series_than_colours_are_refused():
    with pytest.raises(ValueError, match="series: expected at most 6 names"):
        theme.styles("abcdefg")


def test_the_template_adds_less_than_300_bytes():
    assert len(json.dumps(theme.TEMPLATE, separators=(",", ":"))) < 300


def test_matplotlib_takes_the_same_look():
    with matplotlib.rc_context(theme.rc()):
        assert [step["color"] for step in matplotlib.rcParams["axes.prop_cycle"]] == list(theme.SERIES)
        assert matplotlib.rcParams["image.cmap"](0.0)[:3] == (1.0, 1.0, 1.0)


def test_a_faded_colour_keeps_its_hue():
    assert theme.faded("#1B468F", 0.2) == "rgba(27,70,143,0.2)"
