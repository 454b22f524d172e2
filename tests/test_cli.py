"""The command glassbox: its commands, the server it starts, and the summary that ends a test run."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import torch
from glassbox import cli, suite
from glassbox.learn import progress
from glassbox.learn.workspace import MANIFEST
from typer.testing import CliRunner

ROOT = Path(__file__).parents[1]


def run(*arguments: str):
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small course with one notebook, in a folder with a space and letters beyond ASCII."""
    root = tmp_path / "é 漢 course"
    for folder in ("data", "notebooks", "tests"):
        (root / folder).mkdir(parents=True)
    save(root, "00_start_here.ipynb", "print(1 + 1)", "2\n")
    (root / "tests" / "sanitize.cfg").write_text("", encoding="utf-8")
    monkeypatch.setenv("GLASSBOX_ROOT", str(root))
    return root


def save(root: Path, name: str, source: str, stored: str) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": stored}
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "execution_count": 1}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": [{**cell, "outputs": [stream], "source": source}],
        "metadata": {"kernelspec": kernel},
    }
    notebook |= {"nbformat": 4, "nbformat_minor": 5}
    (root / "notebooks" / name).write_text(json.dumps(notebook), encoding="utf-8")


# The command line


def test_help_names_the_commands_and_imports_no_torch():
    code = "import atexit, sys, glassbox.cli as cli\n"
    code += "atexit.register(lambda: print('torch' in sys.modules))\ncli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "False"
    assert all(command in done.stdout for command in ("lab", "test", "build", "doctor"))


def test_the_package_runs_as_a_module_with_the_same_name():
    done = subprocess.run([sys.executable, "-m", "glassbox", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2 and "glassbox" in done.stderr and "nothing" in done.stderr


def test_a_checkout_without_its_files_is_told_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "glassbox", "lab"],
        env={**os.environ, "GLASSBOX_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith("glassbox: no data/ folder in")


def test_doctor_prints_every_row_and_then_the_advice():
    from glassbox.machine.doctor import doctor

    done = run("doctor")
    assert done.exit_code == 0
    for row in doctor():
        assert row.name in done.output
        assert f"{row.name}: {row.advice}" in done.output if row.advice else True


def test_build_passes_the_numbers_on_and_lists_what_was_written(monkeypatch):
    import glassbox.publish

    asked = []
    monkeypatch.setattr(
        glassbox.publish,
        "build",
        lambda numbers, *, check: asked.append((numbers, check)) or [Path("01_norms.ipynb")],
    )
    done = run("build", "1", "02")
    assert (done.exit_code, done.output) == (0, "01_norms.ipynb: written\n")
    assert run("build", "--check").output == "01_norms.ipynb: holds\n"
    assert asked == [(["1", "02"], False), ([], True)]


def test_build_says_what_it_refuses_in_lines_and_fails(monkeypatch):
    import glassbox.publish

    def refuse(*_, **__):
        raise glassbox.publish.Refused(
            [glassbox.publish.Problem("01_norms.ipynb", "sizes", "cell 3 is too long")]
        )

    monkeypatch.setattr(glassbox.publish, "build", refuse)
    done = run("build")
    assert done.exit_code == 1 and "cell 3 is too long" in done.output and "Traceback" not in done.output


# lab


@pytest.fixture
def served(monkeypatch):
    """Record what would be served instead of serving it."""
    calls = []
    monkeypatch.setattr(cli, "_serve", lambda place, options: calls.append((place, options)))
    return calls


def test_lab_serves_the_learners_copies_and_opens_the_first_notebook(checkout, tmp_path, served):
    done = run("lab", "--no-browser", "--port", "8899", "--folder", str(tmp_path / "my é 漢"), "--", "--x=1")
    ((place, options),) = served
    assert done.exit_code == 0 and place == tmp_path / "my é 漢"
    assert sorted(path.name for path in place.iterdir()) == [MANIFEST, "00_start_here.ipynb"]
    assert "1 notebook copied" in done.output and str(place) in done.output
    assert {"--port=8899", "--no-browser", "--LabApp.default_url=/lab/tree/00_start_here.ipynb"} < set(
        options
    )
    assert options[-1] == "--x=1"


def test_lab_uses_a_visible_folder_in_the_home_by_default(checkout, tmp_path, served, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    run("lab")
    assert served[0][0] == tmp_path / "glassbox-notebooks" and "--no-browser" not in served[0][1]


def test_lab_here_copies_nothing(checkout, served):
    assert run("lab", "--here").exit_code == 0
    assert served[0][0] == checkout / "notebooks" and not (checkout / "notebooks" / MANIFEST).exists()


@pytest.mark.parametrize("inside", ["", "notebooks", "mine/deep"])
def test_lab_refuses_to_put_copies_into_the_repository(checkout, served, inside):
    done = run("lab", "--folder", str(checkout / inside))
    assert done.exit_code == 1 and "inside the repository" in done.output and served == []


def test_lab_says_why_a_folder_cannot_be_used(checkout, tmp_path, served):
    (tmp_path / "file").touch()
    done = run("lab", "--folder", str(tmp_path / "file"))
    assert done.exit_code == 1 and "is not a folder" in done.output and served == []


def test_lab_says_that_a_port_is_taken(checkout, tmp_path, served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert (
            f"Port {port} is in use"
            in run("lab", "--port", str(port), "--folder", str(tmp_path / "a")).output
        )
    assert "in use" not in run("lab", "--port", str(port), "--folder", str(tmp_path / "a")).output


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to one process")
def test_jupyterlab_comes_up_beside_a_taken_port_and_ends_on_ctrl_c(checkout, tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        (tmp_path / "log").open("w", encoding="utf-8") as log,
    ):
        port = taken.getsockname()[1]
        command = ["lab", "--no-browser", f"--port={port}", f"--folder={tmp_path / 'my é 漢'}"]
        server = subprocess.Popen(
            [sys.executable, "-m", "glassbox", *command],
            env={**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A shell's background job ignores Ctrl-C, and a child inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            address = wait_for_address(tmp_path / "log", server)
            assert f":{port}/" not in address and "/lab/tree/00_start_here.ipynb?token=" in address
            with urllib.request.urlopen(address, timeout=60) as page:
                assert page.status == 200
        finally:
            server.send_signal(signal.SIGINT)
            status = server.wait(timeout=60)
    assert status == 0, (tmp_path / "log").read_text(encoding="utf-8")


def wait_for_address(log: Path, server: subprocess.Popen) -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        text = log.read_text(encoding="utf-8")
        found = re.search(r"http://127\.0\.0\.1:\S+", text)
        if found and "copy and paste" in text:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


# test


def record(*outcomes: str) -> str:
    """Return a JUnit record of one case per outcome; an empty one is a pass."""
    cases = "".join(f"<testcase>{outcome}</testcase>" for outcome in outcomes)
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


SKIP = '<skipped message="no Chromium"/>'
RECORD = record("", '<failure message="no"/>', "<error/>", SKIP, SKIP, "<system-out>x</system-out>")
GREEN = record("")


@pytest.fixture
def stages(monkeypatch, checkout):
    """Replace the programs of each stage: `stages[name] = (exit code, JUnit record)`."""
    planned = {"ruff": (0, None), "tests": (0, GREEN), "notebooks": (0, GREEN)}
    planned |= {"called": [], "environments": {}}

    def call(module, *arguments, environment=None):
        stage = (
            "ruff" if module == "ruff" else next(word for word in arguments if word in ("tests", "notebooks"))
        )
        planned["called"].append((stage, arguments))
        planned["environments"][stage] = dict(environment or {})
        status, record = planned[stage]
        if record is not None:
            path = next(word.partition("=")[2] for word in arguments if word.startswith("--junitxml="))
            Path(path).write_text(record, encoding="utf-8")
        return status

    monkeypatch.setattr(suite, "_call", call)
    return planned


def test_the_summary_is_the_last_line_alone(stages):
    done = run("test")
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "glassbox: 3 passed, 0 failed, 0 skipped"


def test_every_stage_runs_after_a_failure_and_every_skip_is_said(stages):
    stages |= {"ruff": (1, None), "tests": (1, RECORD)}
    done = run("test")
    assert done.exit_code == 1
    assert [stage for stage, _ in stages["called"]] == ["ruff", "tests", "notebooks"]
    assert done.output.splitlines()[-2:] == [
        "skipped 2: no Chromium",
        "glassbox: 3 passed, 3 failed, 2 skipped",
    ]


@pytest.mark.parametrize(
    ("stage", "planned"),
    [
        ("ruff", (1, None)),
        ("tests", (1, RECORD)),
        ("notebooks", (1, RECORD)),
        ("tests", (3, None)),
        ("notebooks", (4, None)),
        ("tests", (2, GREEN)),
        ("tests", (5, "<testsuites/>")),
    ],
)
def test_any_failure_of_any_stage_fails_the_whole(stages, stage, planned):
    stages[stage] = planned
    done = run("test")
    assert done.exit_code == 1 and " 0 failed" not in done.output.splitlines()[-1]


def test_a_course_without_notebooks_fails_and_says_so(stages, checkout):
    (checkout / "notebooks" / "00_start_here.ipynb").unlink()
    done = run("test")
    assert done.exit_code == 1
    assert done.output.splitlines()[-2:] == [
        "failed: there is no notebook in notebooks/",
        "glassbox: 2 passed, 1 failed, 0 skipped",
    ]


def test_the_stages_are_asked_what_the_course_promises(stages):
    run("test", "-k", "norms", "--fast")
    ruff, tests, notebooks = (list(arguments) for _, arguments in stages["called"])
    assert ruff == ["check"]
    for stage in (tests, notebooks):
        assert "-n 2 --dist loadscope " in " ".join(stage) and " -k norms " in " ".join(stage)
    (shapes,) = (word for word in tests if word.startswith("--jaxtyping-packages="))
    checked = shapes.partition("=")[2].split(",")
    assert {"glassbox.attention", "glassbox.machine.dispatch", "glassbox.suite", "typecheck.check"} <= set(
        checked
    )
    assert "glassbox.machine.simulator" not in checked
    assert "not slow and not browser" in tests
    promised = {"--nbval", "--nbval-current-env", "--nbval-sanitize-with=tests/sanitize.cfg"}
    assert promised | {"--nbval-cell-timeout=120"} < set(notebooks)
    assert stages["environments"] == {"ruff": {}, "tests": {}, "notebooks": {"GLASSBOX_BATCH": "1"}}


def test_what_fast_leaves_out_is_said(stages):
    assert "left out by --fast: the browser and the slow tests" in run("test", "--fast").output
    assert "left out" not in run("test").output


def test_words_may_miss_one_stage_but_not_all(stages):
    stages["notebooks"] = (5, "<testsuites/>")
    done = run("test", "-k", "norms")
    assert done.exit_code == 0 and "notebooks: nothing matches -k 'norms'" in done.output
    stages["tests"] = (5, "<testsuites/>")
    done = run("test", "-k", "norms")
    assert done.exit_code == 1
    assert done.output.splitlines()[-1] == "glassbox: 1 passed, 1 failed, 0 skipped"


def test_notebooks_only_runs_only_the_notebooks(stages):
    assert (
        run("test", "--notebooks-only").output.splitlines()[-1] == "glassbox: 1 passed, 0 failed, 0 skipped"
    )
    assert [stage for stage, _ in stages["called"]] == ["notebooks"]


def test_an_installation_without_the_tests_packages_is_told_what_to_run(stages, monkeypatch, capsys):
    monkeypatch.setattr(suite, "find_spec", lambda name: None if name == "xdist" else name)
    assert suite.run() == 1 and stages["called"] == []
    assert "need xdist; run: python course.py test" in capsys.readouterr().err


def test_each_worker_gets_one_thread(checkout, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    seen = {}
    monkeypatch.setattr(suite.subprocess, "call", lambda command, cwd, env: seen.update(env, cwd=cwd) or 0)
    suite.lint()
    assert (seen["OMP_NUM_THREADS"], seen["MKL_NUM_THREADS"], seen["cwd"]) == ("1", "1", checkout)


@pytest.mark.slow
def test_a_stored_output_that_no_longer_holds_fails(checkout):
    """The real nbval, on one notebook that holds and one that does not."""
    save(checkout, "01_wrong.ipynb", "print(1 + 1)", "3\n")
    command = [sys.executable, "-m", "glassbox", "test", "--notebooks-only"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "glassbox: 1 passed, 1 failed, 0 skipped")
    assert "01_wrong" in done.stdout


# ---- practice


@pytest.fixture
def own_record(tmp_path, monkeypatch):
    """A learner's record in a folder of its own."""
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "record"))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)


@pytest.mark.usefixtures("own_record")
def test_a_record_travels_to_another_machine(tmp_path, monkeypatch):
    progress.log("review", "layer-norm-formula", {"rating": 3})
    file = tmp_path / "record.json"
    assert "1 events written" in run("progress", "export", str(file)).output
    assert "0 new events" in run("progress", "import", str(file)).output
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "other"))
    assert "1 new events" in run("progress", "import", str(file)).output
    assert [event.item for event in progress.events()] == ["layer-norm-formula"]


@pytest.mark.usefixtures("own_record")
def test_a_damaged_export_is_refused(tmp_path):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    done = run("progress", "import", str(tmp_path / "bad.json"))
    assert done.exit_code == 1 and "glassbox: " in done.output


@pytest.mark.usefixtures("own_record")
def test_the_drill_reports_asks_and_refuses():
    assert "norms" in run("drill", "--report").output
    asked = CliRunner().invoke(cli.app, ["drill", "--topic", "norms", "--count", "1"], input="q\n")
    assert asked.exit_code == 0 and "0 reviewed." in asked.output
    refused = run("drill", "--mock", "30")
    assert refused.exit_code == 1 and "20, 45, 60" in refused.output


def test_the_bank_becomes_an_anki_deck(tmp_path):
    done = run("anki", str(tmp_path / "cards.apkg"))
    assert done.exit_code == 0 and (tmp_path / "cards.apkg").stat().st_size > 10_000


def test_a_folder_is_graded_into_a_table(tmp_path):
    (tmp_path / "empty.ipynb").write_text("", encoding="utf-8")
    out = tmp_path / "grades.csv"
    done = run("grade", str(tmp_path), "-o", str(out), "--topic", "norms")
    assert done.exit_code == 0 and "1 submissions" in done.output
    assert "empty file" in out.read_text(encoding="utf-8")
    assert run("grade", str(tmp_path / "nowhere")).exit_code == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that the test wants absent")
def test_the_benchmark_says_that_it_needs_a_gpu():
    done = run("bench", "rms_norm_forward")
    assert done.exit_code == 2 and "needs an NVIDIA GPU" in done.output
    assert run("bench", "nothing").exit_code == 1
