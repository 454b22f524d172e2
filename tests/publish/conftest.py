"""Small notebooks to plant mistakes in."""

import pytest
from glassbox.publish import Page
from glassbox.publish.normalise import normalise
from nbformat.v4 import new_notebook


@pytest.fixture
def page(tmp_path):
    """Return a function that makes a normalised page of cells, in an empty folder."""
    return lambda *cells: Page(tmp_path / "01_page.ipynb", normalise(new_notebook(cells=list(cells))))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return the root of an empty course, which `glassbox.paths` takes for the real one."""
    for folder in ("data", "notebooks"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("GLASSBOX_ROOT", str(tmp_path))
    return tmp_path
