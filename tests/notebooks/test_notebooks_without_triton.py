"""The notebooks give the same where Triton cannot be imported, as on macOS and Windows."""

import pytest
from glassbox.paths import root
from glassbox.publish import build

HIDE = "import sys\nsys.modules['triton'] = None\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [path.name[:2] for path in sorted((root() / "notebooks").glob("*.ipynb"))])
def test_a_notebook_holds_without_triton(number, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(HIDE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (checked,) = build([number], check=True)
    assert checked.name.startswith(number)
