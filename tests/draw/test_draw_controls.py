"""Controls name their frames, answer at once and lie where nothing else is."""

import pytest
from glassbox.draw import add_controls, bars, choice, lines, matrix, panel, play, slider, steps

TITLES = {"x_title": "layer (block)", "y_title": "norm (no unit)"}


def test_a_slider_shows_one_frame_per_label_without_a_transition():
    made = slider(["six", "nine"], "N = ", frames=["6", "9"], active=1)
    assert [step.args[0] for step in made.steps] == [("6",), ("9",)]
    assert [step.label for step in made.steps] == ["six", "nine"]
    how = made.steps[0].args[1]
    assert how["frame"] == {"duration": 0, "redraw": True} and how["transition"] == {"duration": 0}
    assert (made.active, made.currentvalue.prefix) == (1, "N = ")


def test_a_slider_s_frames_are_its_labels_unless_named():
    assert [step.args[0] for step in slider([6, 9]).steps] == [("6",), ("9",)]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"labels": ["a"]}, "frames: expected one name per label, two at least"),
        ({"labels": ["a", "b"], "frames": ["a"]}, "frames: expected one name per label"),
        ({"labels": ["a", "b"], "active": 2}, "active: expected a whole number from 0 to 1"),
        ({"labels": ["a", "b"], "active": "a"}, "active: expected a whole number from 0 to 1"),
    ],
)
def test_a_bad_slider_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        slider(**arguments)


def test_play_runs_through_the_frames_and_pause_stops():
    start, stop = play(["6", "9"], milliseconds=300).buttons
    assert (start.args[0], start.args[1]["frame"]["duration"]) == (("6", "9"), 300)
    assert stop.args[0] == (None,)


def test_a_choice_calls_the_method_with_its_arguments():
    made = choice(
        ["all", "one"], [[{"visible": True}], [{"visible": "legendonly"}]], prefix="show: ", active=1
    )
    assert [(button.label, button.method) for button in made.buttons] == [
        ("show: all", "restyle"),
        ("show: one", "restyle"),
    ]
    assert (made.active, made.buttons[1].args[0]) == (1, {"visible": "legendonly"})


def test_a_choice_of_states_answers_at_once():
    made = choice(["a", "b"], [[["a"]], [["b"]]], method="animate")
    assert made.buttons[0].args[1]["frame"]["duration"] == 0


def test_a_choice_needs_arguments_for_each_label():
    with pytest.raises(ValueError, match="args: expected one list per label, 2 in all"):
        choice(["a", "b"], [[{}]])


# --- where they lie ----------------------------------------------------------------------------------------


def body(figure):
    return figure.layout.height - figure.layout.margin.t - figure.layout.margin.b


def test_controls_make_the_figure_taller_and_leave_the_plot_as_high_as_it_was():
    plain = panel(title="Title", **TITLES)
    moved = add_controls(plain, slider("ab"), slider("cd"), play("ab"), choice("ab", [[{}], [{}]]))
    assert body(moved) == body(plain)
    assert moved.layout.height > plain.layout.height


def test_controls_may_be_added_one_after_the_other():
    plain = panel(title="Title", **TITLES)
    parts = slider("ab"), choice("ab", [[{}], [{}]]), slider("cd"), play("ab")
    one_by_one = plain
    for part in parts:
        one_by_one = add_controls(one_by_one, part)
    assert one_by_one.to_dict() == add_controls(plain, *parts).to_dict()


def test_the_first_figure_stays_as_it_was():
    plain = panel(**TITLES)
    before = plain.to_dict()
    add_controls(plain, slider("ab"))
    assert plain.to_dict() == before


def test_sliders_lie_below_room_for_labels_that_stand_upright():
    labels = ["a long column label", "b"]
    figure = matrix([[1, 2]], column_labels=labels * 1, x_title="key (token)", y_title="query (token)")
    wide = matrix([[1] * 8], column_labels=labels * 4, x_title="key (token)", y_title="query (token)")
    low = add_controls(figure, slider("ab")).layout.sliders[0].pad.t
    lower = add_controls(wide, slider("ab")).layout.sliders[0].pad.t
    assert lower >= low + 100


# --- states ------------------------------------------------------------------------------------------------


def test_steps_gives_one_frame_per_state_and_starts_where_told(figure, states):
    assert [frame.name for frame in figure.frames] == list(states)
    assert figure.layout.sliders[0].active == 2
    assert [list(trace.y) for trace in figure.data] == [list(trace.y) for trace in states["48"].data]


def test_a_frame_holds_only_what_moves(figure):
    assert figure.frames[0].traces == (0, 1, 2, 3)
    assert set(figure.frames[0].data[1].to_plotly_json()) == {"type", "x", "y"}


def test_axes_hold_all_states(figure):
    low, high = figure.layout.xaxis.range
    assert low < 1 and high > 48


def test_a_log_axis_holds_all_states_in_powers_of_ten():
    states = {
        str(n): lines([{"a": 1, "b": 10.0**-n}, {"a": 2, "b": 1.0}], "a", "b", log_y=True, **TITLES)
        for n in (1, 4)
    }
    assert steps(states).layout.yaxis.range == (-4.2, 0.2)


def test_bars_keep_their_feet_on_the_axis():
    states = {
        str(n): bars([{"a": "x", "b": n}], "b", "a", x_title="b (no unit)", y_title="a") for n in (10, 20)
    }
    figure = steps(states)
    assert figure.layout.xaxis.range == (-1, 21)
    assert figure.layout.yaxis.range is None


def test_whiskers_stay_on_the_axis():
    rows = {n: [{"a": "x", "b": n * seed} for seed in (1, 3)] for n in (1.0, 5.0)}
    states = {str(n): bars(part, "b", "a", x_title="b (no unit)", y_title="a") for n, part in rows.items()}
    assert steps(states).layout.xaxis.range[1] > 15


def test_stacked_bars_are_refused():
    states = {
        n: bars([{"a": "x", "b": 1}], "b", "a", x_title="b (no unit)", y_title="a").update_layout(
            barmode="stack"
        )
        for n in "12"
    }
    with pytest.raises(ValueError, match="states: expected bars that are not stacked"):
        steps(states)


def test_a_range_of_one_s_own_is_kept(states):
    states["6"].update_xaxes(range=[0, 10])
    assert steps(states).layout.xaxis.range == (0, 10)


@pytest.mark.parametrize("count", [0, 1])
def test_one_state_is_no_slider(states, count):
    with pytest.raises(ValueError, match="states: expected two or more"):
        steps(dict(list(states.items())[:count]))


def test_states_of_other_kinds_are_refused(states):
    states["12"] = matrix([[1]], x_title="a (s)", y_title="b (s)")
    with pytest.raises(
        ValueError, match="states: expected two or more figures with the same kinds of traces"
    ):
        steps(states)


def test_an_unknown_start_is_refused(states):
    with pytest.raises(ValueError, match="start: expected one of 6, 12, 48; came '7'"):
        steps(states, start="7")
