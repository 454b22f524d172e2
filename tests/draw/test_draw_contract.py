"""A figure that breaks the contract is refused; one that keeps it is shown in the same way every time."""

import copy
import json
import os
import subprocess
import sys
from itertools import chain

import numpy as np
import plotly.graph_objects as go
import pytest
from glassbox.draw import Shown, add_controls, choice, lines, matrix, slider, steps, theme

PLOTLY = "application/vnd.plotly.v1+json"
SAYS = "At depth 48 the pre-norm gradient is 0.14."


def broken(change):
    """Return a planted mistake: a function that breaks a copy of the figure."""

    def plant(figure):
        figure = copy.deepcopy(figure)
        return change(figure) or figure

    return plant


def with_five_controls(figure):
    lists = [choice(["a", "b"], [[{"visible": True}]] * 2) for _ in range(3)]
    return add_controls(figure, *lists)


def too_big(figure):
    figure.add_scatter(x=list(range(100_000)), y=[1] * 100_000)


def with_nameless_frame(figure):
    figure.frames = [*figure.frames, go.Frame(data=[])]


def with_twin_frames(figure):
    figure.frames = [*figure.frames, figure.frames[0]]


def with_lost_frame(figure):
    figure.frames = figure.frames[1:]


def with_noise_in_a_frame(figure):
    figure.frames[0].data[0].y = [0.1 + 0.2, *figure.frames[0].data[0].y[1:]]


MISTAKES = {
    "five controls": (with_five_controls, "plot: expected at most 4 sliders and menus; came 5"),
    "too big": (too_big, "plot: expected at most 300000 bytes"),
    "frame without a name": (with_nameless_frame, "plot: expected frames that each have a name"),
    "frames with one name": (with_twin_frames, "plot: expected frames that each have a name"),
    "slider to nowhere": (with_lost_frame, "plot: expected controls that name its frames: 12, 48"),
    "noise": (lambda f: f.add_scatter(x=[1], y=[0.1 + 0.2]), "plot: expected finite numbers of at most 6"),
    "noise in a frame": (with_noise_in_a_frame, "plot: expected finite numbers of at most 6"),
    "not a number": (lambda f: f.add_scatter(x=[1], y=[float("nan")]), "plot: expected finite numbers"),
    "typed array": (lambda f: f.add_scatter(x=np.arange(3), y=[1, 2, 3]), "plot: expected lists of numbers"),
    "picture from elsewhere": (
        lambda f: f.add_layout_image(source="https://example.org/a.png"),
        "plot: expected no picture",
    ),
    "picture in a text": (
        lambda f: f.add_annotation(text='<img src="a.png">'),
        "plot: expected no picture",
    ),
    "TeX": (lambda f: f.update_layout(title_text=r"$\sqrt{N}$"), "plot: expected plain words"),
    "no x title": (lambda f: f.update_xaxes(title_text=""), "plot: expected a title on the x axis"),
    "no unit": (lambda f: f.update_yaxes(title_text="norm"), "plot: expected a unit in brackets .* y axis"),
    "untitled second axis": (
        lambda f: f.add_scatter(x=[1], y=[1], yaxis="y2"),
        "plot: expected a title on the y2 axis",
    ),
    "slider stands elsewhere": (
        lambda f: f.update_layout(sliders=[{**f.layout.sliders[0].to_plotly_json(), "active": 0}]),
        "plot: expected a default state equal to '6'",
    ),
}


def test_a_good_figure_is_accepted(figure):
    assert Shown(figure, SAYS).states == ("6", "12", "48")


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_planted_mistake_is_refused(figure, mistake):
    change, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message):
        Shown(broken(change)(figure), SAYS)


@pytest.mark.parametrize(
    "words, error, message",
    [
        ({"says": ""}, ValueError, "says: expected the finding"),
        ({"says": "The gradient is small."}, ValueError, "says: expected the finding"),
        ({"says": None}, TypeError, "says: expected words"),
        ({"task": "one\ntwo"}, ValueError, "task: expected one line"),
        ({"static": ("7",)}, ValueError, "static: expected at most 4 of 6, 12, 48"),
        ({"static": ("6", "12", "48", "6", "12")}, ValueError, "static: expected at most 4"),
        ({"plot": {"data": []}}, TypeError, "plot: expected a plotly.graph_objects.Figure"),
    ],
)
def test_bad_words_are_refused(figure, words, error, message):
    with pytest.raises(error, match=message):
        Shown(**{"plot": figure, "says": SAYS, **words})


def test_names_on_an_axis_need_no_unit():
    figure = matrix([[1, 2]], row_labels=["a"], column_labels=["b", "c"], x_title="key", y_title="query")
    assert Shown(figure, SAYS).states == ()


def test_a_hidden_axis_needs_no_title(figure):
    assert Shown(figure.update_xaxes(visible=False, title_text=""), SAYS)


def test_the_figure_is_copied_and_dressed(figure):
    figure.update_layout(template="plotly", width=900, paper_bgcolor="#FFFFFF")
    shown = Shown(figure, SAYS)
    figure.update_layout(title_text="changed later")
    spec = shown.plot.to_dict()["layout"]
    assert spec["template"] == theme.TEMPLATE
    assert "width" not in spec and spec["autosize"] is True
    assert spec["title"]["text"] == "Depth"


def test_a_figure_without_a_height_gets_one():
    figure = go.Figure(go.Scatter(x=[1], y=[1]), {"xaxis_title_text": "a (s)", "yaxis_title_text": "b (s)"})
    assert Shown(figure, SAYS).plot.layout.height == theme.HEIGHT


# --- what is shown -----------------------------------------------------------------------------------------


@pytest.fixture
def outputs(monkeypatch):
    """Return a function that shows something and returns what reached the notebook."""

    def show(shown):
        caught = []
        monkeypatch.setattr(
            "IPython.display.display",
            lambda bundle, raw=False, metadata=None: caught.append((bundle, metadata, raw)),
        )
        shown._ipython_display_()
        return caught

    return show


def test_two_outputs_figure_and_caption(figure, outputs, monkeypatch):
    monkeypatch.delenv("GLASSBOX_BUILD", raising=False)
    (plot, metadata, raw), (caption, _, raw_too) = outputs(Shown(figure, SAYS, "Find 1/√N."))
    assert raw and raw_too and not metadata
    assert set(plot) == {PLOTLY, "text/plain"} and plot["text/plain"] == SAYS
    assert set(plot[PLOTLY]) == {"data", "layout", "frames", "config"}
    assert "<b>Try:</b> Find 1/√N." in caption["text/html"]
    assert f"<b>What it shows:</b> {SAYS}" in caption["text/html"]
    assert caption["text/plain"] == f"Try: Find 1/√N.\nWhat it shows: {SAYS}"


def test_without_a_task_the_caption_has_one_line(figure, outputs):
    caption = outputs(Shown(figure, SAYS))[1][0]
    assert "Try" not in caption["text/html"] + caption["text/plain"]


def test_the_caption_is_escaped_and_holds_no_script_style_or_id(figure, outputs):
    html = outputs(Shown(figure, "1 < 2 & <script>", "<style>"))[1][0]["text/html"]
    assert "1 &lt; 2 &amp; &lt;script&gt;" in html and "&lt;style&gt;" in html
    assert not any(bad in html for bad in ("<script", "<style", " id=", " class="))


def test_showing_twice_gives_the_same_bytes(figure, outputs):
    shown = Shown(figure, SAYS)
    assert json.dumps(outputs(shown)) == json.dumps(outputs(shown))


def test_building_asks_for_a_still_of_each_named_state(figure, outputs, monkeypatch):
    monkeypatch.setenv("GLASSBOX_BUILD", "1")
    asked = outputs(Shown(figure, SAYS, static=("6", "48")))[0][1]["glassbox"]
    assert asked["alt"] == SAYS
    assert [still["state"] for still in asked["static"]] == ["depth N = 6", "depth N = 48"]
    assert [still["layout"]["sliders"][0]["active"] for still in asked["static"]] == [0, 2]


def test_without_named_states_the_still_is_the_default_state(figure, outputs, monkeypatch):
    monkeypatch.setenv("GLASSBOX_BUILD", "1")
    shown = Shown(figure, SAYS)
    (still,) = outputs(shown)[0][1]["glassbox"]["static"]
    assert still["state"] == "depth N = 48"
    assert still["data"] == outputs(shown)[0][0][PLOTLY]["data"]


def test_a_figure_may_bring_a_still_of_its_own(figure, states, outputs, monkeypatch):
    monkeypatch.setenv("GLASSBOX_BUILD", "1")
    own = states["6"]
    metadata = outputs(Shown(figure, SAYS, still=own).at("12"))[0][1]
    (drawn,) = metadata["glassbox"]["static"]
    assert drawn["data"][1]["x"] == list(own.data[1].x) and drawn["state"] == ""
    assert drawn["layout"]["template"] == json.loads(json.dumps(theme.TEMPLATE))


def test_a_still_of_its_own_keeps_the_contract(figure, states):
    with pytest.raises(ValueError, match="still: expected either `static` or `still`"):
        Shown(figure, SAYS, static=("6",), still=states["6"])
    with pytest.raises(TypeError, match=r"still: expected a plotly\.graph_objects\.Figure"):
        Shown(figure, SAYS, still=[])
    with pytest.raises(ValueError, match="a title on the x axis"):
        Shown(figure, SAYS, still=go.Figure(go.Scatter(x=[1], y=[1])))


def test_the_text_form_is_the_finding(figure):
    assert repr(Shown(figure, SAYS)) == SAYS


# --- states ------------------------------------------------------------------------------------------------


def plain(figure):
    return json.loads(json.dumps(figure.to_dict()["data"]))


@pytest.mark.parametrize("name", ["6", "12", "48"])
def test_at_shows_the_figure_made_for_that_state(figure, states, name):
    there = Shown(figure, SAYS, "Try it.", ("6",)).at(name)
    assert plain(there.plot) == plain(states[name])
    assert there.plot.layout.sliders[0].active == list(states).index(name)
    assert (there.says, there.task, there.static) == (SAYS, "Try it.", ("6",))


def test_at_takes_the_number_of_a_state(figure):
    assert Shown(figure, SAYS).at(12).plot.layout.sliders[0].active == 1


def test_at_an_unknown_state_lists_the_known(figure):
    with pytest.raises(ValueError, match="name: expected one of 6, 12, 48; came '7'"):
        Shown(figure, SAYS).at("7")


def test_a_frame_that_moves_the_wrong_way_is_seen(figure, states):
    figure.frames[0].data[1].y = list(figure.frames[1].data[1].y)
    assert plain(Shown(figure, SAYS).at("6").plot) != plain(states["6"])


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import json
from conftest import DEPTHS, state
from glassbox.draw import Shown, steps
shown = Shown(steps({{str(d): state(d) for d in DEPTHS}}, start="48", playable=True), "It is 1.")
print(json.dumps(shown._bundle()))
"""


def test_the_json_is_the_same_in_every_process():
    script = SCRIPT.format(folder=os.path.dirname(__file__))
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "12345")
    ]
    assert len(runs[0]) > 1000 and len(set(runs)) == 1


def test_a_figure_without_states_has_none():
    figure = lines([{"a": 1, "b": 2.0}], "a", "b", x_title="a (s)", y_title="b (s)")
    assert Shown(figure, SAYS).states == ()
    with pytest.raises(ValueError, match="name: expected one of no states"):
        Shown(figure, SAYS).at("6")


def test_two_sliders_are_told_apart_in_the_stills(states):
    figure = steps(states, prefix="N = ")
    figure = add_controls(figure, slider(["few", "many"], "depth: ", frames=["6", "48"]))
    labels = [still["state"] for still in Shown(figure, SAYS, static=("48",))._stills()]
    assert labels == ["N = 48, depth: many"]


def test_every_number_shown_is_short(figure):
    values = chain.from_iterable(trace["y"] for trace in Shown(figure, SAYS).plot.to_dict()["data"])
    assert all(float(f"{value:.6g}") == value for value in values)
