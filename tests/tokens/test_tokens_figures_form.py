"""The live merge player: what is typed is trained on, stepped through and encoded; nothing is printed."""

import itertools
import re
import subprocess
import sys
from html import unescape

import pytest
from glassbox.tokens import figures
from glassbox.tokens.figures import playing
from glassbox.tokens.figures.merge_form import LONGEST, MergeForm
from glassbox.tokens.figures.recipes import RECIPES
from learn.live_forms import assert_form_or_words

TEXT = playing.TEXT


def plain(widget):
    return unescape(" ".join(re.sub("<[^>]+>", " ", widget.value).split()))


@pytest.fixture
def form():
    return MergeForm(TEXT, "BPE", "the other reader")


def test_it_starts_with_the_text_the_recipe_and_the_step(form):
    assert plain(form.shown).startswith("merge 10:")
    assert (
        form.row["tokens"] == 34 and "34 tokens" in plain(form.shown) and "33 would do" in plain(form.shown)
    )
    assert plain(form.table).startswith("the next candidates")


def test_a_step_changes_the_text_the_table_and_the_mark(form):
    before = form.shown.value, form.table.value, form.curve.value
    form.learned.value = 0
    assert "before the first merge" in plain(form.shown) and "64 tokens" in plain(form.shown)
    assert all(
        old != new
        for old, new in zip(before, (form.shown.value, form.table.value, form.curve.value), strict=True)
    )
    assert "e + r 8" in plain(form.table)


def test_a_text_that_greedy_merging_makes_too_long_is_found(form):
    assert "allow no fewer" in plain(form.answer)
    form.other.value = "there there"
    assert "Found one" in plain(form.answer)
    assert plain(form.answer).startswith("6 tokens th er e Ġth er e 5 would do th er e Ġthe re")


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_trains_and_encodes(form, recipe):
    form.recipe.value = recipe
    words = RECIPES[recipe].words(form.other.value)
    made = [RECIPES[recipe].encode(word, form.row) for word in words]
    assert plain(form.answer).startswith(f"{sum(map(len, made))} tokens " + " ".join(itertools.chain(*made)))
    assert form.learned.max == max(len(row["learned"]) for row in form.rows)


def test_a_character_that_wordpiece_never_saw_is_unknown():
    form = MergeForm(TEXT, "WordPiece", "xyz her")
    assert "[UNK]" in plain(form.answer) and "Found" not in plain(form.answer)


def test_bytes_are_learned_from_any_text_and_a_text_without_words_is_said(form):
    form.text.value = "语言模型语言"
    form.learned.value = 0
    assert form.row["tokens"] == 18 and "è + ¯ 2" in plain(form.table)
    form.recipe.value = "WordPiece"
    form.text.value = "  "
    assert "expected one with words" in plain(form.shown) and form.answer.value == ""


def test_of_a_long_text_the_first_characters_count(form):
    form.text.value = "a" * (LONGEST + 50)
    assert form.rows[0]["tokens"] == LONGEST


def test_what_is_typed_is_text_and_no_html(form):
    form.text.value = "<b>bold</b> <b>bold</b>"
    assert "<b>bold" not in form.shown.value


def test_nothing_is_printed(form, capsys):
    form.learned.value = 3
    form.text.value = "she sells sea shells"
    form.other.value = "shell"
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_a_machine_that_runs_the_notebook_gets_a_sentence_in_the_place_of_the_form(monkeypatch):
    assert_form_or_words(monkeypatch, lambda: figures.play_merges("aaa aaa", "Unigram"), playing.PLAY)


def test_what_cannot_be_played_is_named():
    with pytest.raises(ValueError, match="recipe: expected one of"):
        figures.play_merges(recipe="bytes")
    with pytest.raises(TypeError, match="text: expected a string"):
        figures.play_merges(3)


def test_the_figures_load_no_widgets():
    use = "import sys, glassbox.tokens.figures as f; f.recipe_rows('aa aa', 2)"
    code = f"{use}; print('ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
