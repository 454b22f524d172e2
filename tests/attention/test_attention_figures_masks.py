"""The mask painter: every state is the mask that its code makes; a row that sees nothing is marked."""

import json
import math
import re
import subprocess
import sys

import pytest
import torch
from glassbox.attention import figures, masks
from glassbox.attention.figures import painting
from glassbox.attention.figures.mask_form import MaskForm
from glassbox.attention.figures.mask_reading import read, whole_kinds
from glassbox.draw.states import at
from learn.live_forms import assert_form_or_words

SAYS = "With left padding 4 of 12 rows see nothing."
KINDS = {row["name"]: row for row in figures.mask_kinds()}


@pytest.fixture(scope="module")
def shown():
    return figures.mask_painter(
        list(KINDS.values()), says=SAYS, task="Find one.", start="left padding", static=("causal",)
    )


@pytest.fixture(scope="module")
def spec(shown):
    return shown._bundle()["application/vnd.plotly.v1+json"]


def read_data(row) -> dict:
    """Make the tensors that a code reads from the words that describe them."""
    if not row["data"]:
        return {}
    name, _, digits = row["data"].partition(" = ")
    table = torch.tensor([[int(digit) for digit in line.split()] for line in digits.split("/")])
    return {name: table if name == "ids" else table.bool()}


@pytest.mark.parametrize("name", KINDS)
def test_the_code_makes_the_matrix(name):
    row = KINDS[name]
    made = eval(row["code"], vars(masks) | read_data(row))
    matrix = made if isinstance(made, torch.Tensor) else made.dense(12, 12)
    matrix = matrix.reshape(-1, *matrix.shape[-2:])[0]
    computed = [cells for cells in row["seen"] if None not in cells]
    assert matrix.tolist() == computed
    assert all(cells == [None] * 12 for cells in row["seen"][: 12 - len(computed)])


def test_top_left_and_bottom_right_differ_in_every_row_of_a_chunk():
    right, wrong = (KINDS[f"chunk with a cache, {name}"]["seen"][8:] for name in ("bottom-right", "top-left"))
    assert [sum(cells) for cells in right] == [9, 10, 11, 12]
    assert [sum(cells) for cells in wrong] == [1, 2, 3, 4]


def cells(spec):
    return spec["data"][0]["z"]


def numbers(spec, which):
    """Return a column of numbers, "keys" or "sum", by query."""
    trace = spec["data"][2]
    points = list(zip(trace["x"], trace["y"], trace["text"], strict=True))
    place = next(x for x, _, text in points if text == which)
    return {y: re.sub("<[^>]+>", "", text) for x, y, text in points if x == place and text != which}


@pytest.mark.parametrize("name", KINDS)
def test_every_state_shows_its_cells_numbers_and_code(spec, name):
    state, row = at(spec, name), KINDS[name]
    assert cells(state) == [[None if cell is None else int(cell) for cell in line] for line in row["seen"]]
    there = {query: sum(line) for query, line in enumerate(row["seen"]) if None not in line}
    assert numbers(state, "keys") == {query: str(count) for query, count in there.items()}
    assert numbers(state, "sum") == {query: "1" if count else "NaN" for query, count in there.items()}
    assert state["data"][3]["text"] == [row["code"], row["data"]]


def framed(state):
    """Return the rows that have a frame around them."""
    return sorted({round(y - 0.5) for y in state["data"][1]["y"][2::6]})


@pytest.mark.parametrize(
    "name, empty", [("left padding", [0, 1, 2, 3]), ("the future alone", [11]), ("causal", [])]
)
def test_a_fully_masked_row_is_framed(spec, name, empty):
    assert framed(at(spec, name)) == empty


def test_it_starts_at_a_row_that_sees_nothing_and_lists_every_mask(shown, spec):
    assert cells(spec) == cells(at(spec, "left padding"))
    (menu,) = shown.plot.layout.updatemenus
    assert [button.label for button in menu.buttons] == list(KINDS) == list(shown.states)
    assert menu.active == list(KINDS).index("left padding") and shown.static == ("causal",)
    assert len(json.dumps(spec)) < 40_000


def test_a_missing_column_and_an_unknown_mask_are_named():
    with pytest.raises(ValueError, match="seen"):
        figures.mask_painter([{"name": "a", "code": "b", "data": ""}], says=SAYS)
    with pytest.raises(ValueError, match="start: expected one of"):
        figures.mask_painter(list(KINDS.values()), says=SAYS, start="none")


# ---- painting


@pytest.fixture
def form():
    return MaskForm("causal", 8)


def told(form):
    return [re.sub("<[^>]+>", "", note.value) for note in form.notes]


def code(form):
    return re.sub("<[^>]+>", "", form.code.value).replace("&amp;", "&")


def test_the_form_starts_as_the_mask_asked_for(form):
    assert form.seen == masks.causal().dense(8, 8).tolist()
    assert code(form) == "causal()"
    assert told(form)[:2] == ["1 key, weights sum to 1", "2 keys, weights sum to 1"]


def test_a_click_changes_the_cell_its_row_and_the_code(form):
    form.cells[2][5].value = True
    assert form.seen[2] == [True, True, True, False, False, True, False, False]
    assert form.cells[2][5].description == "1" and form.cells[2][5].button_style == "primary"
    assert told(form)[2] == "4 keys, weights sum to 1"
    assert code(form) == "seen = causal().dense(8, 8)\nseen[2, 5] = True"
    form.cells[2][5].value = False
    assert code(form) == "causal()" and form.cells[2][5].description == "0"


def test_a_row_that_loses_its_last_key_shows_nan(form):
    form.cells[0][0].value = False
    assert told(form)[0] == "0 keys, weights sum to NaN" and "background" in form.notes[0].value
    form.cells[0][3].value = True
    assert told(form)[0] == "1 key, weights sum to 1" and "background" not in form.notes[0].value


@pytest.mark.parametrize("name", [row["name"] for row in whole_kinds(8)])
def test_choosing_a_mask_fills_the_form_with_it_and_its_code(form, name):
    (row,) = [row for row in whole_kinds(8) if row["name"] == name]
    form.list.value = name
    assert form.seen == row["seen"]
    same = [other["code"] for other in whole_kinds(8) if other["seen"] == row["seen"]]
    assert code(form).splitlines()[0] in same


def test_a_mask_far_from_every_kind_names_six_cells_and_counts_the_rest():
    seen = [[(3 * query + key) % 5 == 0 for key in range(8)] for query in range(8)]
    lines = read(seen).code.splitlines()
    changed = [line for line in lines if re.match(r"seen\[\d, \d\] = ", line)]
    assert len(changed) == 6 and re.fullmatch(r"\.\.\. and \d+ cells more", lines[-1])


def test_the_sums_are_those_of_torch():
    seen = [[False] * 8] + [[True] * 8] * 7
    reading = read(seen)
    assert reading.keys == (0, 8, 8, 8, 8, 8, 8, 8)
    assert math.isnan(reading.sums[0]) and reading.sums[1:] == pytest.approx([1.0] * 7)


def test_a_machine_that_runs_the_notebook_gets_a_sentence_in_the_place_of_the_form(monkeypatch):
    assert_form_or_words(monkeypatch, lambda: figures.paint_mask("prefix LM"), painting.PAINT)


def test_a_mask_that_cannot_be_painted_is_named():
    with pytest.raises(ValueError, match="start: expected one of"):
        figures.paint_mask("chunk with a cache, bottom-right")
    with pytest.raises(ValueError, match="size"):
        figures.paint_mask(size=4)


def test_the_figures_load_no_widgets():
    code = "import sys, glassbox.attention.figures as f; f.mask_kinds(); print('ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
