"""The merge player: every state is what the recipe makes of the text, and where fewer tokens would do."""

import itertools
import json
import re
from html import unescape

import pytest
from glassbox.draw.states import at
from glassbox.tokens import figures, merge_rows
from glassbox.tokens.figures import player_parts
from glassbox.tokens.figures.fewest import fewest
from glassbox.tokens.figures.pieces import COLORS, LINE, boxes
from glassbox.tokens.figures.pruning import prune_rows
from glassbox.tokens.figures.recipes import RECIPES
from glassbox.tokens.reference import unigram

TEXT = "under the river there, her other driver restored another theater"
SAYS = "With 9 learned tokens BPE writes one token more than needed."
STEPS = 12


@pytest.fixture(scope="module")
def rows():
    return figures.recipe_rows(TEXT, STEPS)


@pytest.fixture(scope="module")
def shown(rows):
    return figures.merge_player(rows, says=SAYS, task="Find one.", start=9)


@pytest.fixture(scope="module")
def spec(shown):
    return shown._bundle()["application/vnd.plotly.v1+json"]


def of(rows, recipe):
    return [row for row in rows if row["recipe"] == recipe]


def every_way(word, learned):
    """Yield every way to write a word in symbols and learned tokens, by trying all cuts."""
    for cuts in itertools.product((False, True), repeat=len(word) - 1):
        pieces, piece = [], word[0]
        for cut, symbol in zip(cuts, word[1:], strict=True):
            pieces, piece = ([*pieces, piece], symbol) if cut else (pieces, piece + symbol)
        pieces.append(piece)
        if all(len(piece) == 1 or piece in learned for piece in pieces):
            yield pieces


# ---- rows


@pytest.mark.parametrize("word", ["there", "abcab", "a", "ddddd"])
def test_the_fewest_tokens_are_those_of_trying_every_cut(word):
    learned = {"th", "er", "the", "re", "ab", "ca", "abc", "dd", "ddd"}
    assert len(fewest(word, learned)) == min(map(len, every_way(word, learned)))
    assert "".join(fewest(word, learned)) == word


def test_the_mark_of_wordpiece_stays_in_front_alone():
    assert fewest(["t", "##h", "##e"], {"th"}) == ["th", "##e"]
    assert fewest(["t", "##h", "##e"], {"##he"}) == ["t", "##he"]


def test_merging_goes_as_merge_rows_says(rows):
    wanted = merge_rows(TEXT, STEPS)
    for row, other in zip(of(rows, "BPE"), wanted, strict=True):
        pieces = [{"token": p["token"], "id": p["id"]} for word in row["words"] for p in word]
        assert pieces == other["pieces"]
        assert row["tokens"] == other["tokens"] and row["table"] == other["table"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_row_spells_the_words_of_the_recipe(rows, recipe):
    words = RECIPES[recipe].words(TEXT)
    for row in of(rows, recipe):
        assert [sum(piece["cells"] for piece in word) for word in row["words"]] == list(map(len, words))
        assert row["tokens"] == sum(map(len, row["words"])) >= row["fewest"]


def test_two_hashes_are_a_mark_for_wordpiece_and_two_bytes_for_bpe():
    rows = figures.recipe_rows("###\n###\n### ab", 4)
    found = [[piece["token"], piece["cells"]] for piece in of(rows, "BPE")[4]["words"][0]]
    assert found == [["###", 3]]
    (word,) = [word for word in of(rows, "WordPiece")[0]["words"] if len(word) > 1][:1]
    assert [(piece["token"], piece["cells"]) for piece in word] == [("a", 1), ("##b", 1)]


def test_bpe_takes_a_token_too_many_for_there_and_unigram_does_not(rows):
    late = player_parts.at(of(rows, "BPE"), 9)
    assert late["longer"] == [{"made": ["Ġth", "er", "e"], "allowed": ["Ġthe", "re"]}]
    assert late["tokens"] == late["fewest"] + 1
    assert all(row["fewest"] == row["tokens"] for row in of(rows, "BPE") if len(row["learned"]) < 8)
    trained = [row for row in of(rows, "Unigram") if len(row["learned"]) == 7]
    assert [piece["token"] for piece in trained[0]["words"][3]] == ["▁the", "re", ","]


def test_pruning_takes_out_the_piece_that_is_missed_least():
    pruned = prune_rows(TEXT, top=99)
    for before, after in itertools.pairwise(pruned[1:]):
        least = min(before["table"], key=lambda one: (one["score"], one["left"]))
        assert least["left"] in after["gone"] and before["table"][0] == least
        assert set(after["learned"]) == set(before["learned"]) - set(after["gone"])
    assert pruned[-1]["learned"] == [] and pruned[0]["gone"] == []


def test_a_pruned_text_is_the_best_segmentation_of_each_word():
    for row in prune_rows(TEXT):
        words = [unigram.best(word, row["scores"]) for word in ("▁under", "▁the")]
        shown = [piece["token"] for piece in row["pieces"]]
        assert shown[: sum(map(len, words))] == [piece for word in words for piece in word]


def test_of_rows_with_as_many_learned_tokens_the_last_one_counts():
    table = [{"learned": ["a"], "n": 1}, {"learned": ["a"], "n": 2}, {"learned": ["a", "b", "c"], "n": 3}]
    assert [player_parts.at(table, learned)["n"] for learned in (0, 1, 2, 3, 9)] == [1, 2, 2, 3, 3]


# ---- the figure


def traces(state, kind):
    return [trace for trace in state["data"] if trace["type"] == kind]


def text_boxes(state):
    """Return the boxes of the recipe that is visible."""
    (found,) = [
        trace for trace in traces(state, "bar") if "texttemplate" in trace and trace.get("visible", True)
    ]
    return found


@pytest.mark.parametrize("learned", [0, 5, 9, STEPS])
def test_every_state_shows_its_tokens_and_ids(spec, rows, learned):
    row = player_parts.at(of(rows, "BPE"), learned)
    pieces = [piece for word in row["words"] for piece in word]
    drawn = text_boxes(at(spec, str(learned)))
    assert list(map(unescape, drawn["text"])) == [piece["token"] for piece in pieces]
    assert drawn["customdata"] == [piece["id"] for piece in pieces]


def test_boxes_fill_their_lines_without_gap_or_overlap(rows):
    for row in rows:
        laid = boxes(row["words"])
        for line in range(1 + max(box.line for box in laid)):
            here = [box for box in laid if box.line == line]
            assert [box.left for box in here] == [sum(b.width for b in here[:i]) for i in range(len(here))]
            assert sum(box.width for box in here) <= LINE


def test_symbols_are_grey_the_last_merge_is_orange_and_an_id_keeps_its_color(spec):
    first, then = (text_boxes(at(spec, name)) for name in ("0", "9"))
    assert set(first["marker"]["color"]) == {0}
    by_token = dict(zip(then["text"], then["marker"]["color"], strict=True))
    assert len(by_token) == len(set(zip(then["text"], then["marker"]["color"], strict=True)))
    newest = [token for token, color in by_token.items() if color == len(COLORS) - 1]
    assert newest == [merge_rows(TEXT, 9)[9]["new"]]


def test_the_sentence_names_the_word_that_got_too_many_tokens(spec):
    words = [text for trace in traces(at(spec, "9"), "scatter") for text in trace.get("text") or []]
    (said,) = [text for text in words if "would do" in text and "merge 9" in text and "Ġthe | re" in text]
    assert re.search(r"<b>36 tokens</b>, where <b>35</b> would do: Ġth \| er \| e could be Ġthe \| re", said)


def test_the_bars_of_the_table_are_as_long_as_the_scores(rows):
    (row,) = [row for row in of(rows, "Unigram") if len(row["learned"]) == 7]
    bars, scores = player_parts.table_bars(row)["x"], [one["score"] for one in row["table"]]
    assert bars == pytest.approx([score / max(scores) for score in scores], abs=2e-3)
    column = player_parts.table_words(row)["text"][: len(scores) + 1]
    assert column == ["<b>piece that can go</b>", *(one["left"] for one in row["table"])]


def test_choosing_a_recipe_shows_its_parts_and_no_others(shown):
    menu = next(menu for menu in shown.plot.layout.updatemenus if menu.type == "dropdown")
    assert [button.label for button in menu.buttons] == list(RECIPES)
    for button in menu.buttons:
        changes, places = button.args
        visible = [place for place, on in zip(places, changes["visible"], strict=True) if on]
        assert len(visible) == len(places) / len(RECIPES)
        assert not {trace.name for trace in shown.plot.data[:4]} - set(RECIPES) and min(places) == 4


def test_the_curves_hold_the_length_at_every_number_of_learned_tokens(spec, rows):
    for trace in traces(spec, "scatter")[: len(RECIPES)]:
        own = {len(row["learned"]): row["tokens"] for row in of(rows, trace["name"])}
        assert dict(zip(trace["x"], trace["y"], strict=True)) == own


def test_it_is_small_has_three_controls_and_six_snapshots(shown, spec):
    assert len(json.dumps(spec)) < 120_000
    layout = shown.plot.layout
    assert len(layout.sliders) + len(layout.updatemenus) == 3
    assert sum(trace.type == "bar" for trace in shown.still.data) == 6
    assert shown.states == tuple(map(str, range(STEPS + 1))) and layout.sliders[0].active == 9


def test_what_the_player_cannot_show_is_named(rows):
    with pytest.raises(ValueError, match="fewest"):
        figures.merge_player([{"recipe": "a", "learned": [], "words": [], "tokens": 1}], says=SAYS)
    with pytest.raises(ValueError, match="start: expected one of"):
        figures.merge_player(rows, says=SAYS, start=STEPS + 1)
    with pytest.raises(ValueError, match="recipe: expected one of"):
        figures.merge_player(rows, says=SAYS, recipe="bytes")
    with pytest.raises(ValueError, match="static: expected one of"):
        figures.merge_player(rows, says=SAYS, static=[("bytes", 1)])
    with pytest.raises(ValueError, match="recipes: expected one of"):
        figures.recipe_rows(TEXT, recipes=["bytes"])
    with pytest.raises(ValueError, match="text: expected one with words"):
        figures.recipe_rows("")
