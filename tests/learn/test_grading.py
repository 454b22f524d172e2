"""A folder of submissions becomes a table of marks, whatever is in the folder."""

import csv
import json
import time

import example_exercises as examples
import grading_copies as copies
import pytest
from glassbox.learn.exercise import exercise
from glassbox.learn.grading import grade, read
from glassbox.paths import root

NOTEBOOKS = sorted((root() / "notebooks").glob("*.ipynb"))
COMMITTED = [path for path in NOTEBOOKS if '"nbgrader"' in path.read_text(encoding="utf-8")]

pytestmark = pytest.mark.usefixtures("_fresh")


@pytest.fixture
def _fresh(monkeypatch):
    monkeypatch.setenv("GLASSBOX_BATCH", "1")


def written(folder, **files):
    """Write submissions and return their folder."""
    for name, content in files.items():
        (folder / f"{name}.ipynb").write_text(content, encoding="utf-8")
    return folder


def table(path):
    """Return the CSV as one dict per row."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_right_answers_earn_all_points(tmp_path):
    out = tmp_path / "grades.csv"
    [row] = grade(written(tmp_path, ada=copies.notebook()), out, exercises=copies.GRADED)
    assert row.total == copies.ALL_POINTS
    [line] = table(out)
    assert (line["submission"], line["status"]) == ("ada.ipynb", "read")
    assert (line["points"], line["of"]) == (str(copies.ALL_POINTS), str(copies.ALL_POINTS))
    assert line["examples.softmax"] == "2" and line["examples.why_rms"] == ""
    assert "to be read; 3 of 3 points found" in line["remarks"]


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_notebook_that_learners_open_is_graded_as_not_attempted(path, tmp_path):
    """Nothing but the stub stands in an answer cell: what shows the task does not run."""
    (tmp_path / path.name).write_bytes(path.read_bytes())
    [row] = grade(tmp_path, tmp_path / "grades.csv")
    assert row.total == 0
    remarks = table(tmp_path / "grades.csv")[0]["remarks"]
    assert "Error" not in remarks and remarks.count("not attempted yet") >= 6


def test_a_right_answer_below_the_shown_task_earns_its_points(tmp_path):
    path = COMMITTED[0]
    text = path.read_text(encoding="utf-8").replace("unfused_traffic = None  # MiB", "unfused_traffic = 640")
    [row] = grade(written(tmp_path, eve=text), tmp_path / "grades.csv")
    assert row.total == exercise("norms.unfused_traffic").points


@pytest.mark.slow
def test_every_kind_of_trouble_gets_its_row(tmp_path):
    folder, out, counts = tmp_path / "submitted", tmp_path / "grades.csv", []
    folder.mkdir()
    (folder / "good.ipynb").write_text(copies.notebook(), encoding="utf-8")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "good.ipynb").write_text("", encoding="utf-8")
    for name, (content, _, _) in copies.TROUBLE.items():
        (folder / name).write_text(content, encoding="utf-8")
    began = time.monotonic()
    grade(folder, out, exercises=copies.GRADED, workers=2, progress=lambda *done: counts.append(done))
    assert time.monotonic() - began < 90
    rows = {line["submission"]: line for line in table(out)}
    assert rows.keys() == {"good.ipynb", *copies.TROUBLE}
    assert counts[-1] == (len(rows), len(rows))
    assert int(rows["good.ipynb"]["points"]) == copies.ALL_POINTS
    for name, (_, points, remark) in copies.TROUBLE.items():
        assert int(rows[name]["points"]) == points, rows[name]
        assert remark in rows[name]["remarks"], rows[name]
    assert rows["empty.ipynb"]["status"] == "empty file"
    assert {rows[name]["status"] for name in ("text.ipynb", "cells.ipynb", "answers.docx")} == {
        "not a notebook"
    }


def test_a_submission_cannot_fetch_the_solution(tmp_path):
    content = copies.notebook(rms_norm=copies.PEEKER)
    [row] = grade(written(tmp_path, eve=content), tmp_path / "grades.csv", exercises=[examples.rms_norm])
    assert (
        row.total == 0 and "not available while an answer is checked" in row.marks["examples.rms_norm"].remark
    )


def test_cells_beside_the_answers_do_not_run(tmp_path):
    cells = json.loads(copies.notebook())["cells"]
    trap = tmp_path / "trap"
    cells.insert(1, copies.cell(f"open({str(trap)!r}, 'w').close()\ndef softmax(x): return x"))
    [row] = grade(
        written(tmp_path, ada=json.dumps({"cells": cells})), tmp_path / "g.csv", exercises=[examples.softmax]
    )
    assert row.total == 2 and not trap.exists()


def test_an_answer_is_found_by_name_where_the_mark_is_gone(tmp_path):
    content = json.dumps({"cells": [copies.cell("import torch"), copies.cell(copies.SOFTMAX)]})
    [row] = grade(written(tmp_path, ada=content), tmp_path / "g.csv", exercises=[examples.softmax])
    assert row.total == 2


def test_a_name_that_a_spreadsheet_would_run_is_disarmed(tmp_path):
    out = tmp_path / "g.csv"
    (tmp_path / "=cmd.ipynb").write_text("", encoding="utf-8")
    grade(tmp_path, out, exercises=[examples.softmax])
    assert table(out)[0]["submission"] == "'=cmd.ipynb"


def test_a_folder_that_is_none_and_a_folder_without_marks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="folder: expected a folder"):
        grade(tmp_path / "nowhere", tmp_path / "g.csv")
    with pytest.raises(ValueError, match="marked answer cells"):
        grade(
            written(tmp_path, made_up=json.dumps({"cells": [copies.cell("x = 1", "nothing-x")]})),
            tmp_path / "g.csv",
        )


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("glassbox.learn.grading.submission.MOST_BYTES", 10)
    path = written(tmp_path, ada=copies.notebook()) / "ada.ipynb"
    assert read(path, "ada").problem.startswith("larger than")
