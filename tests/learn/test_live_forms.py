"""A form of widgets, and words where nothing draws it."""

import pytest
from glassbox.learn import forms
from live_forms import assert_form_or_words


class Widget:
    def _repr_mimebundle_(self):
        return {forms.VIEW: {"model_id": "0a1b"}, "text/plain": "VBox(children=())"}


def test_a_form_where_a_learner_runs_it_and_a_sentence_in_batch(monkeypatch):
    assert_form_or_words(monkeypatch, lambda: forms.show_form(Widget, "Run it."), "Run it.")


def test_the_form_keeps_its_view_and_none_of_its_own_words():
    assert forms.bundled(Widget(), "Run it.") == {
        forms.VIEW: {"model_id": "0a1b"},
        "text/plain": "Run it.",
        "text/html": "<p>Run it.</p>",
    }


@pytest.mark.parametrize("batch, installed", [("1", True), ("1", False), ("0", False)])
def test_in_batch_or_without_widgets_nothing_is_made(batch, installed, monkeypatch):
    shown = []
    monkeypatch.setenv("GLASSBOX_BATCH", batch)
    monkeypatch.setattr(forms, "find_spec", lambda name: object() if installed else None)
    monkeypatch.setattr(forms, "display", shown.append)
    forms.show_form(lambda: pytest.fail("a form was made"), "Run it.")
    assert [repr(block) for block in shown] == ["Run it."]
