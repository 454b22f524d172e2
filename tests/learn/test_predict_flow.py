"""Ask, lock, reveal: by form, by call, and on a page that no one answers."""

import pytest
from glassbox.learn import predict as package
from glassbox.learn import progress
from glassbox.learn.forms import VIEW
from glassbox.learn.predict import answer, asking, form, locked, predict, reveal

CHOICES = ("first block", "last block", "neither")
WRONG = {"first block": "That is post-norm's folklore.", "neither": "You forgot the final norm."}


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)
    locked.forget()


@pytest.fixture
def shown(monkeypatch):
    """Return the list of what `predict` displays."""
    displayed = []
    monkeypatch.setattr(asking, "display", lambda what, **_: displayed.append(what))
    return displayed


def choose() -> None:
    predict("01.p1", "Which gradient falls with depth?", choices=CHOICES)


def weigh() -> None:
    predict("01.p2", "How many MiB does it move?", kind="number", unit="MiB")


def reveal_bytes(**options):
    return reveal("01.p2", truth=64.0, misconceptions={32: "Factor 2: you counted only reads."}, **options)


# ---- by call


def test_a_right_choice(shown):
    choose()
    assert repr(answer("01.p1", "b", confidence=4)).startswith(
        "Locked. Your answer: last block, confidence 4"
    )
    said = repr(reveal("01.p1", truth="last block", misconceptions=WRONG, because="The final norm divides."))
    assert "Truth: last block. The final norm divides." in said and said.endswith("You were right.")
    assert all(sentence in said for sentence in WRONG.values())


def test_a_wrong_choice_names_its_misconception(shown):
    choose()
    answer("01.p1", "first block", confidence=5)
    said = repr(reveal("01.p1", truth="last block", misconceptions=WRONG))
    assert said.endswith("You chose another answer. That is post-norm's folklore.")
    (event,) = progress.events("outcome", "01.p1")
    assert event.payload["right"] is False and event.payload["confidence"] == 5
    assert event.payload["misconception"] == WRONG["first block"]


@pytest.mark.parametrize(
    "value, ends",
    [
        (64, "You were right."),
        (66, "You were right."),
        (33, "Gap: -31 MiB, a factor of 0.516. Factor 2: you counted only reads."),
        (48, "Gap: -16 MiB, a factor of 0.75."),
        (-64, "Gap: -128 MiB."),
    ],
)
def test_numbers(value, ends, shown):
    weigh()
    answer("01.p2", value, confidence=2)
    assert repr(reveal_bytes()).endswith(ends)


def test_the_first_answer_counts(shown):
    weigh()
    answer("01.p2", 32, confidence=5)
    assert "Already locked" in repr(answer("01.p2", 64, confidence=1))
    assert "Your answer: 32 MiB, confidence 5 of 5." in repr(reveal_bytes())
    assert len(progress.events("prediction")) == 1


def test_an_answer_outlives_the_session_but_not_a_new_question(shown):
    weigh()
    answer("01.p2", 32, confidence=5)
    locked.forget()
    weigh()
    assert "32 MiB, confidence 5 of 5. It is locked." in repr(shown[-1])
    assert repr(reveal_bytes()).startswith("Your answer: 32 MiB")
    locked.forget()
    predict("01.p2", "How many MiB do two of them move?", kind="number", unit="MiB")
    assert "locked" not in repr(shown[-1])


def test_a_reveal_is_noted_once(shown):
    weigh()
    answer("01.p2", 32, confidence=5)
    assert reveal_bytes() == reveal_bytes()
    assert len(progress.events("outcome")) == 1


def test_without_an_answer_the_truth_stays_folded(shown):
    weigh()
    block = reveal_bytes()
    assert "64" not in repr(block) and "Lock one above" in repr(block)
    assert "<details>" in block.html and block.html.index("<details>") < block.html.index("64 MiB")
    assert progress.events("outcome") == []
    answer("01.p2", 64, confidence=3)
    assert repr(reveal_bytes()).endswith("You were right.")


# ---- bad input


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"id": "", "question": "?"}, "id: expected some text"),
        ({"id": "a", "question": " "}, "question: expected some text"),
        ({"id": "a", "question": "?", "kind": "sketch"}, "kind: expected one of 'choice', 'number'"),
        ({"id": "a", "question": "?"}, "choices: expected 2 to 8 different"),
        ({"id": "a", "question": "?", "choices": ["x", "x"]}, "choices: expected 2 to 8 different"),
        ({"id": "a", "question": "?", "kind": "number", "choices": [1]}, "choices: expected none"),
    ],
)
def test_a_bad_question_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        predict(**arguments)


def test_a_bad_answer_is_refused(shown):
    with pytest.raises(ValueError, match="id: expected a prediction that was asked"):
        answer("01.p9", 1, confidence=1)
    choose()
    weigh()
    with pytest.raises(ValueError, match=r"value: expected one of 'first block'.*or its letter"):
        answer("01.p1", "D", confidence=1)
    with pytest.raises(TypeError, match="value: expected a number of MiB"):
        answer("01.p2", "many", confidence=1)
    for confidence in (0, 6, True, 2.5):
        with pytest.raises(ValueError, match="confidence: expected 1"):
            answer("01.p2", 1, confidence=confidence)
    assert progress.events() == []


@pytest.mark.parametrize(
    "truth, wrong, said",
    [
        ("nowhere", WRONG, "value: expected one of"),
        ("last block", {"first block": "x"}, "misconceptions: expected a sentence for neither"),
        ("first block", WRONG, "misconceptions: expected wrong answers only"),
    ],
)
def test_a_bad_reveal_is_refused(truth, wrong, said, shown):
    choose()
    with pytest.raises(ValueError, match=said):
        reveal("01.p1", truth=truth, misconceptions=wrong)


def test_a_mistake_that_is_within_the_tolerance_is_refused(shown):
    weigh()
    with pytest.raises(ValueError, match="wrong answers only"):
        reveal_bytes(tolerance=0.6)


# ---- where a machine runs the notebook


def test_in_batch_the_page_is_the_same_whatever_was_answered(shown, monkeypatch):
    def page():
        shown.clear()
        choose()
        return *map(repr, shown), shown[0]._repr_html_(), reveal("01.p1", "last block", WRONG)._repr_html_()

    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    before = page()
    assert len(shown) == 1 and "<details><summary>Commit first:" in before[1] and "last block" in before[2]
    monkeypatch.delenv("GLASSBOX_BATCH")
    choose()
    answer("01.p1", "A", confidence=5)
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    assert page() == before
    assert "no answer is stored" in repr(answer("01.p1", "B", confidence=1))


def test_html_is_escaped(shown):
    predict("01.p3", "Is a < b & c?", choices=("<yes>", "no"))
    assert "Is a &lt; b &amp; c?" in shown[0].html and "&lt;yes&gt;" in shown[0].html


# ---- the form


def built(kind: str):
    choose() if kind == "choice" else weigh()
    entry, sure, button, message = form.build(locked.asked("01.p1" if kind == "choice" else "01.p2")).children
    return entry, sure, button, message


def test_the_form_locks_an_answer(shown):
    entry, sure, button, message = built("choice")
    button.click()
    assert "Both are needed" in message.value and not button.disabled
    entry.value, sure.value = "neither", 4
    button.click()
    assert message.value.startswith("Locked: neither, confidence 4 of 5")
    assert entry.disabled and sure.disabled and button.disabled
    (event,) = progress.events("prediction", "01.p1")
    assert event.payload["answer"] == "neither" and event.payload["confidence"] == 4


def test_the_form_reads_numbers(shown):
    entry, sure, button, message = built("number")
    entry.value, sure.value = "a lot", 2
    button.click()
    assert "no number" in message.value and progress.events() == []
    entry.value = "6.4e1"
    button.click()
    assert "64 MiB" in message.value and progress.events()[0].payload["answer"] == 64.0


def test_two_forms_of_one_question_lock_one_answer(shown):
    entry, sure, button, _ = built("number")
    again, too, press, message = built("number")
    entry.value, sure.value, again.value, too.value = "32", 5, "64", 1
    button.click()
    press.click()
    assert "32 MiB, confidence 5" in message.value and len(progress.events()) == 1


def test_the_form_can_be_read_without_a_kernel(shown):
    weigh()
    bundle = form.form(locked.asked("01.p2"))
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert "cell is run" in bundle["text/html"]


def test_the_form_is_drawn_only_for_a_kernel(shown, monkeypatch):
    choose()
    assert len(shown) == 1  # no kernel here
    monkeypatch.setattr(asking, "get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    choose()
    assert VIEW in shown[-1]
    answer("01.p1", "A", confidence=1)
    choose()
    assert VIEW not in shown[-1]


def test_the_package_names_three_functions():
    assert package.__all__ == ["answer", "predict", "reveal"]
