"""course.py: what it installs, when it does nothing, and how it fails."""

import ast
import errno
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[1] / "course.py"
GIGABYTE = 10**9
NO_CPU_BUILD = "ERROR: No matching distribution found for torch==2.13.0+cpu"


class Machine:
    """A copy of course.py whose steps are recorded instead of run."""

    def __init__(self, folder: Path, monkeypatch, capsys):
        shutil.copy(SCRIPT, folder)
        (folder / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
        (folder / "constraints.txt").write_text("numpy==2.4.6\ntorch==2.13.0\n", encoding="utf-8")
        spec = importlib.util.spec_from_file_location("course", folder / "course.py")
        self.course = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.course)
        self.steps, self.handed, self.fails, self.capsys = [], [], {}, capsys
        monkeypatch.setattr(self.course, "step", self.step)
        monkeypatch.setattr(self.course, "runs", lambda: self.course.python().exists())
        monkeypatch.setattr(self.course, "gpu_listed", lambda: False)
        monkeypatch.setattr(self.course, "hand_over", self.hand_over)

    def step(self, *command):
        words = " ".join(map(str, command))
        self.steps.append(words)
        for part, failure in self.fails.items():
            if part in words:
                raise self.course.explain(failure) if isinstance(failure, str) else failure
        if " -m venv " in words:
            self.course.python().parent.mkdir(parents=True)
            self.course.python().touch()

    def hand_over(self, arguments):
        self.handed.append(arguments)
        return 0

    def run(self, *arguments):
        """Return the exit code, what went to the standard output, and the lines of the error output."""
        self.steps.clear()
        status = self.course.main(list(arguments))
        said = self.capsys.readouterr()
        return status, said.out, said.err.splitlines()

    def pip(self):
        """Return what each pip of the last run was asked to install."""
        return [step.split("--progress-bar off ")[1] for step in self.steps if " -m pip " in step]

    def stamp(self):
        stamp = self.course.STAMP
        return json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else None


@pytest.fixture
def machine(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "é 漢 course"
    folder.mkdir()
    return Machine(folder, monkeypatch, capsys)


COURSE, WITH_TESTS = "-c constraints.txt -e .", "-c constraints.txt -e .[test]"
linux = pytest.mark.skipif(sys.platform != "linux", reason="which torch is the default depends on the system")


# The file itself


def test_any_python_from_3_6_can_read_the_file():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_only_the_standard_library_is_imported():
    tree = ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
    imports = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in imports if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


# What to install


@linux
def test_the_first_run_installs_in_order_stamps_and_hands_over(machine):
    status, out, err = machine.run("lab", "--no-browser", "--port", "8899")
    assert (status, err) == (0, [])
    assert " -m venv " in machine.steps[0]
    assert machine.pip() == ["--no-deps torch==2.13.0+cpu", COURSE]
    assert machine.handed == [["lab", "--no-browser", "--port", "8899"]]
    assert (machine.stamp()["build"], machine.stamp()["tests"]) == ("cpu", False)
    assert "200 MB" in out and "100 MB" in out


def test_a_second_run_does_nothing_but_hand_over(machine):
    machine.run("lab")
    assert machine.run("lab") == (0, "", [])
    assert machine.steps == [] and len(machine.handed) == 2


def test_the_tests_add_their_packages_once_and_lab_keeps_them(machine):
    machine.run("lab")
    machine.run("test", "-k", "norms")
    assert machine.steps and machine.pip() == [WITH_TESTS]
    machine.run("lab")
    assert machine.steps == []
    assert machine.handed == [["lab"], ["test", "-k", "norms"], ["lab"]]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_list_of_packages_is_installed_into_the_same_environment(machine, name):
    machine.run("test")
    with (machine.course.HERE / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    machine.run("lab")
    assert machine.pip() == [WITH_TESTS] and len(machine.steps) == 1


@pytest.mark.parametrize("key", ["python", "checkout", "torch", "build"])
def test_another_python_place_or_torch_starts_afresh(machine, key):
    machine.run("lab")
    stamp = machine.stamp() | {key: "another"}
    machine.course.STAMP.write_text(json.dumps(stamp), encoding="utf-8")
    machine.run("lab", "--cpu")
    assert " -m venv " in machine.steps[0]
    assert machine.stamp()[key] != "another"


def test_a_broken_environment_is_made_anew(machine):
    machine.run("lab")
    machine.course.python().unlink()
    assert machine.run("lab")[0] == 0
    assert " -m venv " in machine.steps[0] and machine.stamp()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"build": "cpu"}'])
def test_a_damaged_stamp_counts_as_none(machine, content):
    machine.run("lab")
    machine.course.STAMP.write_text(content, encoding="utf-8")
    assert machine.run("lab")[0] == 0
    assert " -m venv " in machine.steps[0]


def test_starting_afresh_empties_the_folder_but_keeps_the_lock(machine):
    machine.run("lab")
    (machine.course.VENV / "lib" / "half").mkdir(parents=True)
    machine.course.STAMP.unlink()
    machine.run("lab")
    assert not (machine.course.VENV / "lib").exists() and machine.course.LOCK.exists()


# Which torch


@linux
@pytest.mark.parametrize(
    ("found", "flags", "build"),
    [
        (False, [], "cpu"),
        (True, [], "gpu"),
        (True, ["--cpu"], "cpu"),
        (False, ["--gpu"], "gpu"),
    ],
)
def test_the_build_follows_the_gpu_unless_it_is_asked_for(machine, monkeypatch, found, flags, build):
    monkeypatch.setattr(machine.course, "gpu_listed", lambda: found)
    _, out, _ = machine.run("lab", *flags, "--here")
    assert machine.pip()[0].endswith({"cpu": "torch==2.13.0+cpu", "gpu": "torch==2.13.0"}[build])
    assert machine.stamp()["build"] == build and machine.handed == [["lab", "--here"]]
    assert {"cpu": "200 MB", "gpu": "3.0 GB"}[build] in out


def test_a_chosen_build_stays_until_the_other_is_asked_for(machine):
    machine.run("lab", "--gpu")
    machine.run("lab")
    assert machine.steps == [] and machine.stamp()["build"] == "gpu"
    machine.run("lab", "--cpu")
    assert " -m venv " in machine.steps[0] and machine.stamp()["build"] == "cpu"


@linux
def test_uv_fetches_the_cpu_build_where_the_index_has_none(machine):
    machine.fails["torch==2.13.0+cpu"] = NO_CPU_BUILD
    assert machine.run("lab")[0] == 0
    uv = machine.steps[3]
    assert machine.steps[2].endswith(" uv") and " -m uv pip install --python " in uv
    assert uv.endswith("--no-deps --torch-backend cpu torch==2.13.0")


@linux
def test_one_line_of_advice_where_uv_cannot_fetch_it_either(machine):
    machine.fails = {"torch==2.13.0+cpu": NO_CPU_BUILD, "-m uv": "error: Failed to fetch\n  cause: dns error"}
    status, _, (line,) = machine.run("lab")
    assert status == 1 and machine.stamp() is None and machine.handed == []
    assert "no answer from the network" in line and "--gpu takes the default build" in line


def test_on_windows_uv_picks_the_gpu_build_and_the_plain_one_is_for_the_processor(machine, monkeypatch):
    monkeypatch.setattr(machine.course, "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(machine.course, "sys", SimpleNamespace(platform="win32"))
    machine.course.install_torch("2.13.0", "gpu")
    assert machine.steps[1].endswith("--torch-backend auto torch==2.13.0")
    machine.course.install_torch("2.13.0", "cpu")
    assert machine.steps[2].endswith("-c constraints.txt torch==2.13.0") and len(machine.steps) == 3


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for nvidia-smi is a shell script")
@pytest.mark.parametrize(
    ("script", "found"),
    [("echo 'GPU 0: H200'", True), ("echo 'No devices'", False), ("echo GPU; exit 9", False), (None, False)],
)
def test_a_gpu_is_one_that_nvidia_smi_lists(tmp_path, monkeypatch, script, found):
    spec = importlib.util.spec_from_file_location("course", SCRIPT)
    course = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(course)
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert course.gpu_listed() is found


# How it fails: one line, an exit code, nothing half-made in use


def test_an_old_python_is_told_so(machine, monkeypatch):
    monkeypatch.setattr(machine.course, "sys", SimpleNamespace(version_info=(3, 9, 18), stderr=sys.stderr))
    status, out, (line,) = machine.run("lab")
    assert status == 1 and out == "" and machine.steps == []
    assert "Python 3.9 is too old" in line and "3.11" in line


def test_a_full_disk_is_seen_before_anything_is_written(machine, monkeypatch):
    monkeypatch.setattr(machine.course.shutil, "disk_usage", lambda place: SimpleNamespace(free=GIGABYTE))
    status, _, (line,) = machine.run("lab")
    assert status == 1 and machine.steps == []
    assert "1.0 GB free" in line and "1.8 GB" in line and str(machine.course.HERE) in line


def test_a_later_run_needs_no_space(machine, monkeypatch):
    machine.run("lab")
    monkeypatch.setattr(machine.course.shutil, "disk_usage", lambda place: SimpleNamespace(free=0))
    assert machine.run("lab") == (0, "", [])


def test_the_disk_that_fills_up_on_the_way_is_named(machine):
    machine.fails["-e ."] = OSError(errno.ENOSPC, "No space left on device")
    status, _, (line,) = machine.run("lab")
    assert status == 1 and "no space left in" in line and machine.stamp() is None


@pytest.mark.parametrize("step", [" -m venv ", "torch==", "-e ."])
def test_an_interrupted_installation_is_repaired_by_the_same_command(machine, step):
    machine.fails[step] = KeyboardInterrupt()
    status, _, (line,) = machine.run("lab")
    assert status == 130 and "run the same command again" in line
    assert machine.stamp() is None and machine.handed == []
    machine.fails.clear()
    assert machine.run("lab")[0] == 0
    assert " -m venv " in machine.steps[0] and machine.handed == [["lab"]]


def test_a_failing_update_leaves_no_stamp(machine):
    machine.run("lab")
    machine.fails["-e ."] = "ERROR: something\nERROR: the reason"
    assert machine.run("test")[0] == 1
    assert machine.stamp() is None and machine.handed == [["lab"]]


def test_a_python_without_venv_is_told_what_to_install(machine, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        machine.course.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name)
    )
    status, _, (line,) = machine.run("lab")
    assert status == 1 and "python3-venv" in line and machine.steps == []


def test_an_environment_made_by_somebody_else_is_left_alone(machine):
    python = machine.course.python()
    python.parent.mkdir(parents=True)
    python.write_text("theirs", encoding="utf-8")
    status, _, (line,) = machine.run("lab")
    assert status == 1 and ".venv was not made by this command" in line
    assert python.read_text(encoding="utf-8") == "theirs"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["open"], "unknown command 'open'"),
        (["--cpu"], "unknown command ''"),
        (["lab", "--cpu", "--gpu"], "exclude each other"),
    ],
)
def test_a_wrong_command_line_is_explained(machine, arguments, told):
    status, _, (line,) = machine.run(*arguments)
    assert status == 1 and told in line and machine.steps == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["lab", "-h"]])
def test_help_installs_nothing(machine, arguments):
    status, out, err = machine.run(*arguments)
    assert (status, err, machine.steps) == (0, [], [])
    assert "python course.py lab" in out and "--no-browser" in out


def test_a_missing_list_of_packages_is_named(machine):
    (machine.course.HERE / "constraints.txt").unlink()
    status, _, (line,) = machine.run("lab")
    assert status == 1 and "constraints.txt is missing" in line


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("Collecting x\nERROR: cannot build x\n\n[notice] A new pip\n", "ERROR: cannot build x (all of it"),
        ("a trace\nValueError: last\n", "ValueError: last (all of it: .venv/course.log)"),
        ("", "it said nothing"),
        ("WARNING: Retrying (Retry(total=0, a=None))\nERROR: No matching", "no answer from the network"),
        ("error: Failed to fetch\n  cause: dns error\n", "no answer from the network"),
        ("ERROR: Could not install: [Errno 28] No space left on device\n", "no space left in"),
        ("ERROR: No matching distribution found for torch==2.13.0\n", "needs Linux, Windows or macOS 14"),
    ],
)
def test_the_output_of_a_failed_step_becomes_one_line(machine, output, told):
    trouble = str(machine.course.explain(output))
    assert told in trouble and "\n" not in trouble


def test_what_misleads_python_and_pip_is_kept_from_them(machine, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_CERT", "kept")
    kept = machine.course.clean()
    assert "elsewhere" not in kept.values() and kept["PIP_CERT"] == "kept"


def test_two_installations_never_run_at_once(machine, monkeypatch):
    """The second waits, sees what the first has done, and installs nothing."""
    first = machine.course.LOCK
    first.parent.mkdir()
    with first.open("a+b") as lock:
        assert machine.course.take(lock)
        with first.open("a+b") as other:
            assert not machine.course.take(other)

        def first_finishes(_):
            machine.step("python", " -m venv ", "x")
            machine.course.STAMP.write_text(
                json.dumps(machine.course.wanted(None, False, {})), encoding="utf-8"
            )
            machine.steps.clear()
            lock.close()

        monkeypatch.setattr(machine.course.time, "sleep", first_finishes)
        status, out, _ = machine.run("lab")
    assert status == 0 and "waiting" in out and machine.steps == [] and machine.handed == [["lab"]]


@pytest.mark.skipif(os.name == "nt", reason="Windows locks by another call")
@pytest.mark.parametrize(("number", "goes_on"), [(errno.ENOLCK, True), (errno.EAGAIN, False)])
def test_a_file_system_without_locks_is_no_obstacle(machine, monkeypatch, number, goes_on):
    import fcntl

    def flock(*_):
        raise OSError(number, "planted")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert machine.course.take(None) is goes_on
