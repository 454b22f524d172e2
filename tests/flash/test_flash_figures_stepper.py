"""The tile stepper draws each row as it is; its live form runs the kernel for every choice."""

import json
import re

import pytest
from glassbox.draw.states import at
from glassbox.flash import figures
from glassbox.flash.experiments import held_bytes
from glassbox.flash.figures import choices, stepper_form, stepping
from glassbox.flash.figures import stepper_tiles as tiles
from glassbox.flash.figures import stepper_values as values
from glassbox.flash.figures.stepper_form import StepperForm
from learn.live_forms import assert_form_or_words

SAYS = "After 2 of 10 tiles the result is exact for 128 keys."
SIZES = {"n": 64, "d": 16}


@pytest.fixture(scope="module")
def rows():
    exact = figures.stepper_rows(16, 16, name="exact", **SIZES)
    return [*exact, *figures.stepper_rows(32, 16, bug="no rescale", name="wrong", **SIZES)]


@pytest.fixture(scope="module")
def exact(rows):
    return [row for row in rows if row["kernel"] == "exact"]


@pytest.fixture(scope="module")
def shown(rows):
    return figures.tile_stepper(rows, says=SAYS, task="Step.", start=2)


@pytest.fixture(scope="module")
def spec(shown):
    return shown._bundle()["application/vnd.plotly.v1+json"]


def visible(spec, kind):
    return [trace for trace in spec["data"] if trace["type"] == kind and trace.get("visible") is not False]


@pytest.mark.parametrize("step", range(1, 11))
def test_every_state_shows_its_tiles_and_numbers(spec, exact, step):
    state, row = at(spec, str(step)), exact[step - 1]
    grid, *strips = visible(state, "heatmap")
    flat = [cell for line in grid["z"] for cell in line]
    assert [flat.count(code) for code in (0, 1, 2, 3)] == [6, 10 - step, step - 1, 1]
    assert grid["z"][row["queries"][0] // 16][row["keys"][0] // 16] == 3
    assert [len(strip["z"]) * len(strip["z"][0]) for strip in strips] == [4] * 4
    text = " ".join(line for trace in visible(state, "scatter") for line in trace.get("text") or [])
    assert f"query {row['query']}" in text and f"l = {values.number(row['l'])}" in text
    assert (f"{row['keep']:.3f}" in text) == row["moved"]
    (bars,) = visible(state, "bar")
    assert f"{row['bytes']:,} B" in bars["text"] and bars["x"][0] == 100


def test_the_tiles_are_numbered_by_their_visits_so_far(spec):
    grid = visible(at(spec, "3"), "heatmap")[0]
    assert grid["text"][3] == ["1", "2", "3", ""] and {
        text for line in grid["text"][:3] for text in line
    } == {""}


def test_blocks_are_loaded_dropped_and_stored(exact):
    assert tiles.blocks(exact, 2) == {
        "K": [[1, 2, 0, 0]], "V": [[1, 2, 0, 0]], "Q": [[0], [0], [0], [2]], "O": [[0], [0], [0], [1]],
    }  # fmt: skip
    assert tiles.blocks(exact, 5)["O"] == [[0], [0], [1], [2]] and tiles.blocks(exact, 10)["O"] == [[2]] * 4


def test_a_list_shows_one_kernel_and_a_shorter_one_stays_at_its_end(spec, rows):
    (menu,) = [menu for menu in spec["layout"]["updatemenus"] if menu.get("type") != "buttons"]
    assert [button["label"] for button in menu["buttons"]] == ["kernel: exact", "kernel: wrong"]
    flags = [button["args"][0]["visible"] for button in menu["buttons"]]
    assert [one != other for one, other in zip(*flags, strict=True)] == [True] * len(spec["data"])
    wrong = [row for row in rows if row["kernel"] == "wrong"]
    assert len(wrong) == 6 and tiles.at(wrong, 10) is wrong[-1]
    assert tiles.cells(wrong, 10) == tiles.cells(wrong, 6)


def test_it_is_small_and_starts_where_it_is_told(shown, spec):
    assert len(json.dumps(spec)) < 60_000 and spec["layout"]["sliders"][0]["active"] == 1
    assert shown.states == tuple(str(step) for step in range(1, 11))


def test_an_error_is_drawn_at_its_floor_its_size_or_as_no_number():
    assert [values.drawn_error(error) for error in (1e-8, 0.25, float("nan"))] == [1e-5, 0.25, 10.0]
    assert [values.size(error) for error in (1e-8, 0.25, float("nan"))] == ["below 1e-5", "0.25", "NaN"]


def test_tiles_that_do_not_fit_are_called_so(exact):
    small = exact[0] | {"chip": exact[0]["held"] - 1}
    assert "does not fit" in values.shares(small)["text"][2]
    assert "fits" in values.shares(exact[0] | {"chip": exact[0]["held"]})["text"][2]


def words(figure) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


def test_the_still_picture_has_the_steps_asked_for_and_bytes_or_errors_below(rows, exact):
    bytes_below = figures.tile_stepper(exact, says=SAYS, static=[("exact", 2), ("exact", 10)]).still
    assert "tile 2 of 10" in words(bytes_below) and "tile 10 of 10" in words(bytes_below)
    assert "naive, in all" in [trace.name for trace in bytes_below.data]
    named = [row | {"kernel": "same"} for row in exact]
    alike = figures.tile_stepper([*exact, *named], says=SAYS, static=[("exact", 2), ("same", 2)]).still
    assert "naive, in all" not in [trace.name for trace in alike.data]
    assert "<b>exact</b>: error" in words(alike) and "<b>same</b>: error" in words(alike)


@pytest.mark.parametrize(
    "bad, named",
    [
        ({"static": [("exact", 1)] * 5}, "static"),
        ({"static": [("none", 1)]}, "static"),
        ({"static": [("exact", 11)]}, "static"),
        ({"start": 11}, "start"),
        ({"kernel": "none"}, "kernel"),
    ],
)
def test_bad_arguments_are_named(rows, bad, named):
    with pytest.raises(ValueError, match=f"^{named}: expected"):
        figures.tile_stepper(rows, says=SAYS, **bad)


def test_missing_columns_and_unequal_sizes_are_named(rows):
    with pytest.raises(ValueError, match="'held'"):
        figures.tile_stepper([{key: row[key] for key in row if key != "held"} for row in rows], says=SAYS)
    with pytest.raises(ValueError, match="one size n"):
        figures.tile_stepper([*rows, rows[0] | {"n": 65}], says=SAYS)


# ---- the live form


@pytest.fixture
def form():
    return StepperForm(64, 64, "causal", "none")


def plain(part) -> str:
    return re.sub("<[^>]+>", "", part.value)


def test_the_form_starts_at_a_rescale(form):
    assert len(form.rows) == 10 and form.rows[1]["moved"]
    assert f"exp(m − m′) = {form.rows[1]['keep']:.3f}" in plain(form.numbers)
    assert "Others that fit move fewer" in plain(form.verdict)
    assert 'aria-label="tile 2 of 10' in form.grid.value


def test_the_task_is_solved_by_many_queries_and_few_keys(form):
    form.query_block.value = 128
    assert "hold 129.0 KiB" in plain(form.verdict)
    form.key_block.value = 16
    assert plain(form.verdict).startswith("Found it") and len(form.rows) == 24
    form.chip.value = 48 * 1024
    assert "hold 81.0 KiB: more than 48 KiB" in plain(form.verdict)


def test_a_mistake_shows_in_numbers_and_curve(form):
    form.query_block.value, form.key_block.value = 64, 16
    form.bug.value = "hidden tile gives NaN"
    assert "NaN" not in plain(form.numbers)
    form.mask.value = "window of 48"
    assert "NaN" in plain(form.numbers)


def test_going_through_the_steps_runs_no_kernel(form, monkeypatch):
    monkeypatch.setattr(stepper_form, "stepper_rows", None)
    before = form.grid.value
    form.step.value = 4
    assert form.grid.value != before
    with pytest.raises(TypeError):
        form.query_block.value = 32


@pytest.mark.parametrize("mask", ["causal", "all keys", "window of 48"])
@pytest.mark.parametrize("blocks", [(64, 16), (128, 64)])
def test_the_best_is_sought_among_the_bytes_that_the_kernel_moves(mask, blocks):
    (choice,) = [one for one in choices.choices(mask) if one[:2] == blocks]
    row = figures.stepper_rows(*blocks, mask=mask, n=choices.N, d=choices.D)[-1]
    assert (choice.bytes, choice.held) == (row["bytes"], row["held"])


def test_the_best_that_fits_is_the_least_of_those_that_fit():
    fitting = [one for one in choices.choices("causal") if one.held <= 96 * 1024]
    assert choices.fewest("causal", 96 * 1024) == min(one.bytes for one in fitting)
    least = sum(held_bytes(16, 16, choices.D).values())
    assert choices.fewest("causal", least - 1) is None


def test_a_machine_that_runs_the_notebook_gets_a_sentence_in_the_place_of_the_form(monkeypatch):
    assert_form_or_words(monkeypatch, lambda: figures.step_tiles(bug="no rescale"), stepping.STEP)


def test_a_choice_that_is_not_offered_is_named():
    for name, bad in (("query_block", 48), ("key_block", 8), ("mask", "x"), ("bug", "x")):
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            figures.step_tiles(**{name: bad})
