"""The committed notebooks follow every rule that can be checked without running them."""

import re
from collections import Counter

import pytest
from glassbox.paths import root
from glassbox.publish import Page, lint, read
from glassbox.publish.normalise import normalise, written

NOTEBOOKS = sorted((root() / "notebooks").glob("*.ipynb"))


def names(paths):
    """Return the short names of the notebooks, for the report."""
    return [path.stem for path in paths]


def test_the_course_starts_with_notebook_00_and_numbers_each_once():
    assert names(NOTEBOOKS)[:1] == ["00_start_here"]
    assert [name for name in names(NOTEBOOKS) if not re.fullmatch(r"\d\d_[a-z0-9_]+", name)] == []
    assert max(Counter(name[:2] for name in names(NOTEBOOKS)).values()) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names(NOTEBOOKS))
def test_notebook_breaks_no_rule(path):
    assert [str(problem) for problem in lint(path) if not problem.warning] == []


def without_pictures(notebook):
    """Return the text of the notebook without its pictures, whose notes (the words beside them) may stay."""
    for _, output in Page(root(), notebook).outputs:
        output.get("data", {}).pop("image/png", None)
    return written(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names(NOTEBOOKS))
def test_notebook_is_stored_as_the_build_writes_it(path):
    stored = read(path).notebook
    before = written(stored)
    assert path.read_text(encoding="utf-8") == before, "run `glassbox build`"
    assert without_pictures(normalise(stored)) == without_pictures(read(path).notebook), (
        "run `glassbox build`"
    )
