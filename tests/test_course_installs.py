"""course.py from end to end: a real pip installs a stand-in course from wheels made here."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[1] / "course.py"

# The stand-in's own build backend: nothing has to be fetched for it.
BACKEND = """
import os, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name, info = "glassbox_course-0.1.0-py3-none-any.whl", "glassbox_course-0.1.0.dist-info/"
    needs = ["torch>=2.11,<3", 'extra-for-tests; extra == "test"']
    metadata = "Metadata-Version: 2.1\\nName: glassbox-course\\nVersion: 0.1.0\\nProvides-Extra: test\\n"
    files = {
        "glassbox_course.pth": os.path.join(os.getcwd(), "lib"),
        info + "METADATA": metadata + "".join(f"Requires-Dist: {need}\\n" for need in needs),
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(info + "RECORD", "".join(f"{path},,\\n" for path in [*files, info + "RECORD"]))
    return name
"""
MAIN = """
import sys
from importlib.metadata import distributions

names = sorted(f"{d.name}={d.version}" for d in distributions() if d.name not in ("pip", "setuptools"))
print("handed over:", *sys.argv[1:], "|", *names)
raise SystemExit(7)
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def make_wheel(folder: Path, name: str, version: str) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info/"
    files = {
        info + "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(info + "RECORD", "".join(f"{path},,\n" for path in [*files, info + "RECORD"]))


class Checkout:
    """A stand-in course in a folder with a space and letters beyond ASCII."""

    def __init__(self, folder: Path):
        self.here, self.wheels = folder / "é 漢 course", folder / "wheels"
        (self.here / "lib" / "glassbox").mkdir(parents=True)
        self.wheels.mkdir()
        for version in ("2.13.0", "2.13.0+cpu"):
            make_wheel(self.wheels, "torch", version)
        make_wheel(self.wheels, "extra-for-tests", "1.0")
        shutil.copy(SCRIPT, self.here)
        files = {"backend.py": BACKEND, "pyproject.toml": PYPROJECT, "constraints.txt": "torch==2.13.0\n"}
        files |= {"lib/glassbox/__init__.py": "", "lib/glassbox/__main__.py": MAIN}
        for name, text in files.items():
            (self.here / name).write_text(text, encoding="utf-8")

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.Popen(
            [sys.executable, self.here / "course.py", *arguments],
            env={**kept, **pip, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, list[str]]:
        """Return the exit code, the standard output, and the lines of the error output."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err.splitlines()

    @property
    def stamp(self) -> Path:
        return self.here / ".venv" / "course.json"

    @property
    def log(self) -> Path:
        return self.here / ".venv" / "course.log"


@pytest.fixture
def bare(tmp_path):
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout whose first run is over."""
    checkout = Checkout(tmp_path_factory.mktemp("made"))
    checkout.first = checkout.run("lab", "--no-browser", "--cpu", PYTHONIOENCODING="ascii")
    return checkout


def test_the_first_run_installs_and_hands_over_with_the_exit_code(made):
    status, out, err = made.first
    assert (status, err) == (7, []), made.first
    torch = "torch=2.13.0+cpu" if sys.platform == "linux" else "torch=2.13.0"
    assert out.splitlines()[-1] == f"handed over: lab --no-browser | glassbox-course=0.1.0 {torch}"
    assert made.stamp.exists()


@pytest.mark.skipif(os.name == "nt", reason="the processor time of children is not known on Windows")
def test_a_second_start_reaches_the_course_at_once_and_without_pip(made):
    def spent():
        times = os.times()
        return times.children_user + times.children_system

    written, before = made.log.stat().st_mtime_ns, spent()
    status, out, _ = made.run("lab", PIP_FIND_LINKS="nowhere")
    assert status == 7 and out.startswith("handed over: lab |")
    assert spent() - before < 1.0
    assert made.log.stat().st_mtime_ns == written


def test_a_failing_pip_is_one_line_and_leaves_nothing_in_use_until_it_is_repaired(made):
    status, out, (line,) = made.run("test", PIP_FIND_LINKS="nowhere")
    assert status == 1 and "handed over" not in out and not made.stamp.exists()
    assert "extra-for-tests" in line and ".venv/course.log" in line
    status, out, err = made.run("test")
    assert (status, err) == (7, []) and "extra-for-tests=1.0" in out and made.stamp.exists()


def test_two_runs_at_once_repair_a_killed_installation_together(bare):
    process = bare.start("lab", "--cpu")
    while not (bare.log.exists() and b"torch" in bare.log.read_bytes()):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert not bare.stamp.exists()
    both = [bare.start("lab", "--cpu"), bare.start("lab", "--cpu")]
    outs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [7, 7], outs
    assert sum("Installing the course" in out for out in outs) == 1
    assert all("handed over: lab |" in out for out in outs)


@pytest.mark.parametrize("words", [["é漢"], ["lab", "--cpu", "--gpu"]])
def test_a_console_of_few_letters_gets_the_message_all_the_same(bare, words):
    status, out, (line,) = bare.run(*words, PYTHONIOENCODING="ascii")
    assert status == 1 and out == "" and line.startswith("course.py: ")
