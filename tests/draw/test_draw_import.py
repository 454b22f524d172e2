"""`import glassbox.draw` stays cheap: the drawing libraries come with the first figure."""

import subprocess
import sys

HEAVY = ("plotly", "matplotlib", "ipywidgets", "IPython", "kaleido", "PIL")


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_drawing_library():
    assert loaded_by("import glassbox.draw") == set()


def test_the_test_can_see_a_drawing_library():
    assert "plotly" in loaded_by("from glassbox.draw import lines")


def test_the_theme_needs_no_drawing_library():
    assert loaded_by("from glassbox.draw import theme; theme.styles(['query'])") == set()
