"""The still picture: the right panels, something on them, the same bytes each time."""

import io

import numpy as np
import pytest
from glassbox.draw import Shown, add_controls, choice, matrix, side_by_side, steps
from glassbox.draw.multiples import MOST_PANELS, WIDTH, tiles
from glassbox.draw.still import ADVICE, browser, still, stills
from PIL import Image

SAYS = "At depth 48 the pre-norm gradient is 0.14."

needs_browser = pytest.mark.skipif(browser() is None, reason=ADVICE)


@pytest.fixture
def four(figure):
    names = ("6", "12", "48")
    return Shown(figure, SAYS, static=(*names, "6"))._stills()


# --- the plan ----------------------------------------------------------------------------------------------


def test_one_figure_is_drawn_whole_without_its_controls(figure):
    (one,) = Shown(figure, SAYS)._stills()
    (tile,) = tiles([one])
    assert "sliders" not in tile.figure["layout"] and "updatemenus" not in tile.figure["layout"]
    assert tile.figure["layout"]["title"]["text"] == "Depth (depth N = 48)"
    assert tile.height == tile.figure["layout"]["height"] < figure.layout.height


@pytest.mark.parametrize("count, rows", [(2, 1), (3, 2), (4, 2)])
def test_several_figures_stand_in_two_columns_under_one_head(four, count, rows):
    head, *panels = tiles(four[:count])
    assert [panel.left for panel in panels] == [0, WIDTH // 2, 0, WIDTH // 2][:count]
    assert len({panel.top for panel in panels}) == rows
    assert all(panel.top >= head.top + head.height for panel in panels)
    assert [panel.figure["layout"]["title"]["text"] for panel in panels] == [
        one["state"] for one in four[:count]
    ]


def test_a_tall_figure_gets_tall_panels(figure):
    low = Shown(figure, SAYS, static=("6", "48"))._stills()
    high = Shown(figure.update_layout(height=figure.layout.height + 400), SAYS, static=("6", "48"))._stills()
    assert tiles(high)[1].height == tiles(low)[1].height + 295


def test_the_head_has_the_title_and_each_name_once(four):
    head = tiles(four)[0].figure
    assert head["layout"]["title"]["text"] == "Depth"
    assert [trace["name"] for trace in head["data"]] == ["post", "pre"]


def test_a_state_without_a_title_gets_room_for_its_name(figure):
    title = figure.layout.title.text
    (named,) = tiles(Shown(figure, SAYS)._stills())
    figure.update_layout(title_text="", margin_t=20, height=figure.layout.height - 28)
    (bare,) = tiles(Shown(figure, SAYS)._stills())
    assert title and bare.figure["layout"]["title"]["text"] == "depth N = 48"
    assert bare.figure["layout"]["margin"] == named.figure["layout"]["margin"]
    assert bare.height == named.height


def test_states_of_several_panels_stand_one_above_the_other(states):
    pairs = {name: side_by_side(one, one, title="Two") for name, one in states.items()}
    upper, lower = tiles(Shown(steps(pairs), SAYS, static=("6", "12"))._stills())
    assert (upper.width, lower.width) == (WIDTH, WIDTH)
    assert lower.top == upper.height
    assert upper.figure["layout"]["title"]["text"] == "Two (6)"


def test_without_title_and_names_there_is_no_head():
    heat = Shown(matrix([[1, 2]], x_title="a (s)", y_title="b (s)"), SAYS)._stills()[0]
    assert [tile.top for tile in tiles([heat, heat])] == [0, 0]


def test_the_room_of_menus_is_given_back(figure):
    one = Shown(figure, SAYS)
    listed = Shown(add_controls(figure, choice("ab", [[{}], [{}]])), SAYS)
    assert tiles(listed._stills()) == tiles(one._stills())


@pytest.mark.parametrize("count", [0, MOST_PANELS + 1])
def test_a_picture_has_one_to_four_figures(four, count):
    with pytest.raises(ValueError, match="pictures: expected 1 to 4 figures"):
        stills([(four * 2)[:count]])


# --- the picture -------------------------------------------------------------------------------------------


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


@pytest.mark.browser
@needs_browser
def test_pictures_are_full_small_and_the_same_each_time(four):
    first = stills([four, four[:1]], [SAYS, "One."])
    assert stills([four, four[:1]], [SAYS, "One."]) == first
    many, one = map(opened, first)
    assert many.size == (WIDTH, max(tile.top + tile.height for tile in tiles(four)))
    assert one.size == (WIDTH, tiles(four[:1])[0].height)
    assert many.text == {"Description": SAYS}
    assert all(len(png) < 120_000 for png in first)
    pixels = np.asarray(many.convert("L"), dtype=float)
    for tile in tiles(four):
        part = pixels[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        assert part.std() > 5, "a blank panel"


def test_without_a_browser_the_advice_is_clear(four, monkeypatch, tmp_path):
    monkeypatch.setenv("CHROME_PATH", str(tmp_path / "nothing"))
    with pytest.raises(RuntimeError, match="no Chrome or Chromium found"):
        still(four[:1], "One.")


def test_a_named_browser_comes_first(monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "b")
    assert browser() == "b"
    monkeypatch.setenv("CHROME_PATH", "a")
    assert browser() == "a"
