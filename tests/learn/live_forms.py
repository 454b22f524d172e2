"""What tests ask of every figure with knobs: a form for a learner, a sentence where a machine runs it."""

from glassbox.learn import forms


def assert_form_or_words(monkeypatch, show, words):
    """Fail unless `show()` displays the words alone in batch, and elsewhere a form that carries them."""
    displayed = []
    monkeypatch.setattr(forms, "display", lambda what, **options: displayed.append((what, options)))
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    show()
    monkeypatch.delenv("GLASSBOX_BATCH")
    show()
    (alone, _), (bundle, options) = displayed
    assert repr(alone) == words and forms.VIEW not in str(alone)
    assert forms.VIEW in bundle and bundle["text/plain"] == words and options == {"raw": True}
