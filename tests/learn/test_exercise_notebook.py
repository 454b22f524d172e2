"""How an exercise lives in a notebook: shown, hinted at, revealed, remembered, marked."""

import dataclasses

import example_exercises as examples
import nbformat
import pytest
import torch
from exercise_proof import declared
from glassbox.learn import exercise as package
from glassbox.learn.exercise import (
    Budget,
    Inputs,
    State,
    exercise,
    exercises_of,
    instructor_notes,
    stamp,
    status,
)
from nbclient import NotebookClient

EXERCISES = declared(examples)


@pytest.fixture(autouse=True)
def topic(monkeypatch, tmp_path):
    """Let the examples be a topic, keep the record in a folder of this test, and begin anew."""
    monkeypatch.setitem(__import__("sys").modules, "glassbox.examples.exercises", examples)
    monkeypatch.setitem(__import__("sys").modules, "glassbox.examples", examples)
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)
    monkeypatch.setattr(package.journal, "_session", [])


# ---- looking up, showing


def test_an_exercise_is_found_by_its_name():
    assert exercise("examples.softmax") is examples.softmax
    assert [each.id for each in exercises_of("examples")] == [each.id for each in EXERCISES]
    with pytest.raises(ValueError, match=r"one of examples\.softmax"):
        exercise("examples.nothing")
    with pytest.raises(ValueError, match="a topic that has exercises"):
        exercise("nowhere.softmax")


def test_the_statement_has_a_header_sizes_and_a_worked_instance_that_is_computed():
    shown = examples.softmax.show().markdown
    assert "difficulty ●●○○○ · importance ●●●●● · 8 min · core" in shown
    assert "| `t` | queries |" in shown and "`softmax([[0, 1]])` gives `[[0.2689, 0.7311]]`" in shown
    assert examples.softmax._repr_mimebundle_()["text/markdown"] == shown


def test_hints_come_one_at_a_time_and_begin_again_after_a_reset():
    assert [examples.softmax.hint().markdown.split("Hint ")[1][:6] for _ in range(4)] == [
        "1 of 3",
        "2 of 3",
        "3 of 3",
        "3 of 3",
    ]
    examples.softmax.reset()
    assert "Hint 1 of 3" in examples.softmax.hint().markdown


def test_the_solution_comes_after_a_warning_with_another_way_and_what_reviewers_say():
    assert "reveal()" in examples.softmax.reveal().markdown
    shown = examples.softmax.reveal().markdown
    assert "def softmax(x):\n    e = (x - x.amax" in shown and "The textbook way" not in shown
    assert "Another correct way" in shown and "logsumexp" in shown and "What reviewers would say" in shown


# ---- the record


def test_the_state_is_that_of_the_latest_attempt_and_outlives_the_session(monkeypatch):
    assert examples.bytes_moved.state is State.NOT_ATTEMPTED
    examples.bytes_moved.check(32)
    assert examples.bytes_moved.state is State.FAILED
    examples.bytes_moved.check(64)
    monkeypatch.setattr(package.journal, "_session", [])
    assert examples.bytes_moved.state is State.PASSED
    examples.bytes_moved.reset()
    assert examples.bytes_moved.state is State.NOT_ATTEMPTED


def test_the_record_holds_the_mistake_for_the_drill():
    from glassbox.learn import progress

    examples.bytes_moved.check(32)
    [event] = progress.events("attempt", "examples.bytes_moved")
    assert event.payload["mistake"] == "forgot_the_write" and event.payload["state"] == "not yet right"


def test_an_unfilled_answer_is_no_attempt():
    for each in (examples.bytes_moved, examples.why_rms):
        each.check(None)
        assert package.journal.count("attempt", each.id) == 0


def test_stored_outputs_know_no_history(monkeypatch):
    examples.bytes_moved.check(64)
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    monkeypatch.setattr(package.journal, "_session", [])
    shown = status("examples").markdown
    assert shown.count("not attempted yet") == len(EXERCISES) and "passed" not in shown
    stub = "def softmax(x):\n    raise NotImplementedError"
    space = {}
    exec(stub, space)
    assert str(examples.softmax.check(space["softmax"])) == "○ examples.softmax: not attempted yet"


def test_status_shows_every_exercise():
    examples.bytes_moved.check(64)
    rows = status("examples").markdown.splitlines()
    assert len(rows) == 2 + len(EXERCISES)
    assert next(row for row in rows if "Bytes moved" in row).endswith("| passed |")


def test_a_teacher_sees_minutes_points_and_the_mistakes_to_expect():
    row = next(row for row in instructor_notes("examples").markdown.splitlines() if "Bytes moved" in row)
    assert row.startswith(
        "| Bytes moved by RMSNorm | 3 | 1 | forgot the write; counted float32; counted bits |"
    )


# ---- nbgrader


def notebook(*pairs):
    """Return a notebook with an answer cell and a check cell for each exercise."""
    sources = ["import torch\nfrom glassbox.examples import exercises"]
    for each in pairs:
        sources += [each.starter(), f"exercises.{each.name}.check({', '.join(each.answer_names)})"]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def test_cells_are_marked_as_nbgrader_wants_them():
    book = notebook(*EXERCISES)
    assert stamp(book, EXERCISES) == [each.id for each in EXERCISES]
    marks = [cell.metadata.nbgrader for cell in book.cells if "nbgrader" in cell.metadata]
    assert len({mark["grade_id"] for mark in marks}) == len(marks) == 2 * len(EXERCISES)
    for mark in marks:
        assert set(mark) <= {
            "schema_version",
            "grade",
            "solution",
            "locked",
            "task",
            "grade_id",
            "points",
            "cell_type",
        }
        assert mark["schema_version"] == 3 and mark["task"] is False
        assert mark["grade_id"].replace("-", "").replace("_", "").isalnum()
        assert ("points" in mark) == mark["grade"]
        assert mark["solution"] != mark["locked"]
    graded = [mark["grade_id"] for mark in marks if mark["grade"]]
    assert "examples-softmax-check" in graded and "examples-why_rms" in graded
    assert sum(mark.get("points", 0) for mark in marks) == sum(each.points for each in EXERCISES)


def test_a_check_without_its_answer_cell_is_refused():
    book = notebook(examples.softmax)
    del book.cells[1]
    with pytest.raises(ValueError, match=r"examples.softmax: no cell before its check defines softmax"):
        stamp(book, EXERCISES)
    assert stamp(nbformat.v4.new_notebook(), EXERCISES) == []


def test_under_nbgrader_a_wrong_answer_raises(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert examples.bytes_moved.check(64).passed
    for answer in (32, None):
        with pytest.raises(AssertionError, match="bytes_moved"):
            examples.bytes_moved.check(answer)


# ---- declarations


@pytest.mark.parametrize("change, words", [
    ({"id": "Softmax"}, "id: expected topic.name"),
    ({"difficulty": 6}, "difficulty: expected one of 1, 2"),
    ({"hints": ("one",)}, "hints: expected 3 hints"),
    ({"mistakes": (torch.softmax,)}, "softmax: expected a docstring"),
    ({"cases": (examples.softmax_by_logarithm,)}, "expected a docstring"),
])  # fmt: skip
def test_an_incomplete_declaration_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(examples.softmax, **change)


def test_other_incomplete_declarations_are_refused():
    with pytest.raises(ValueError, match="one cause without a reason"):
        dataclasses.replace(examples.mend_rms, causes={"a": "no", "b": "no"})
    with pytest.raises(ValueError, match="rubric"):
        dataclasses.replace(examples.why_rms, rubric=())
    with pytest.raises(ValueError, match="unit: expected one of"):
        Budget("seconds", 1, lambda: (), "", "")


def test_an_exercise_whose_reference_fails_says_so():
    broken = dataclasses.replace(examples.softmax, reference=lambda x: x.nothing)
    with pytest.raises(package.plan.Broken, match=r"examples\.softmax"):
        broken.check(examples.softmax_solution)


@pytest.mark.parametrize("unit, most, function, within", [
    ("largest tensor", 240, lambda x: x[:, None] * x, False),
    ("largest tensor", 240, lambda x: x * 2, True),
    ("bytes", 300, lambda x: x * 2 * 2, False),
    ("bytes", 240, lambda x: x.T.T.reshape(-1) * 2, True),
    ("operators", 2, lambda x: x + 1 + 1 + 1, False),
    ("flops", 179, lambda x: x @ x.T, False),
    ("flops", 180, lambda x: x @ x.T, True),
    ("lines", 10, lambda x: [x for _ in range(20)] and counting(x), False),
])  # fmt: skip
def test_costs_are_counted(unit, most, function, within):
    x = torch.ones(3, 10, dtype=torch.float64)
    from glassbox.learn.exercise.bounded import Session, shipped

    with Session(shipped(function)) as session:
        assert (session.observe((x,), unit=unit).cost <= most) == within


def counting(x):
    """Take many lines."""
    for _ in range(50):
        x = x + 1
    return x


def test_inputs_tell_mistakes_apart():
    for seed in range(20):
        make = Inputs(seed)
        sizes = make.sizes(4)
        assert len(set(sizes)) == 4 and not {1, 2, 4, 8} & set(sizes)
        assert (make.gain(50).abs() >= 1.2).all()
        ties = make.ties(7, 5)
        assert ((ties == ties.amax(-1, keepdim=True)).sum(-1) == 2).all()
        mask = make.mask(6, 7)
        assert not mask[0].any() and mask[1].all()
    assert Inputs(3).normal(4).equal(Inputs(3).normal(4))
    assert Inputs(0).normal(2).tolist() == pytest.approx([1.764052345967664, 0.4001572083672233])


# ---- a real kernel

CELLS = (
    "import sys; sys.path.insert(0, {here!r})\nimport torch, math\nimport example_exercises as exercises",
    "exercises.softmax",
    "SHIFT = 0.0\ndef total(e):\n    return e.sum(-1, keepdim=True) + SHIFT",
    "def softmax(x):\n    raise NotImplementedError\nexercises.softmax.check(softmax)",
    "def softmax(x):\n    e = (x - x.amax(-1, keepdim=True)).exp()\n    return e / total(e)",
    "exercises.softmax.check(softmax)",
    "def softmax(x):\n    while True:\n        pass",
    "exercises.softmax.check(softmax)",
    "def softmax(x):\n    e = x.exp()\n    return e / e.sum(-1)",
    "exercises.softmax.check(softmax)",
)


@pytest.mark.slow
def test_in_a_kernel_helpers_travel_and_a_loop_does_not_hang(monkeypatch):
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    here = __import__("os").path.dirname(__file__)
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text.format(here=here)) for text in CELLS]
    )
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    said = [cell.outputs[0]["data"]["text/plain"] if cell.outputs else "" for cell in book.cells]
    assert "Softmax of rows" in said[1]
    assert said[3] == "○ examples.softmax: not attempted yet"
    assert said[5].startswith("✓ examples.softmax: passed")
    assert "did not finish within 10 s" in said[7]
    assert "line 3 of softmax: return e / e.sum(-1)" in said[9] and "keepdim" in said[9]
