"""The doctor: what it reports, and the one line of advice for each problem."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from glassbox.machine import doctor, gpu, versions
from glassbox.machine.gpu import Gpu, gpu_rows, torch_advice
from glassbox.machine.rows import Report, Row

H200 = Gpu("NVIDIA H200", "580.65.06", "13.0")
OLD_DRIVER = Gpu("NVIDIA A100", "535.104", "12.2")
LISTED = "NVIDIA H200, 580.65.06\nNVIDIA H200, 580.65.06\n"
BANNER = "| NVIDIA-SMI 580.65.06    Driver Version: 580.65.06    CUDA Version: 13.0     |"


def test_every_fact_has_its_row():
    names = [row.name for row in doctor.doctor()]
    wanted = "Python system torch numpy jupyterlab ipywidgets plotly matplotlib nbval triton processor memory"
    wanted = [*wanted.split(), "free disk", "GPU", "torch build"]
    wanted += [f"backend {way}" for way in ("reference", "simulated", "interpreted", "compiled")]
    wanted += ["inspect (ahead of time)"]
    assert names == [*wanted, "constraints"]


def test_rows_hold_no_path_and_no_name_of_the_machine():
    shown = repr(doctor.report())
    assert socket.gethostname() not in shown
    assert (
        str(Path.home()) not in shown
        and sys.prefix not in shown
        and str(Path(__file__).parents[2]) not in shown
    )


def test_a_notebook_shows_the_rows_as_a_table_and_escapes_them():
    report = Report((Row("GPU", "<none>", "buy & try"), Row("memory", "1 GB")))
    table = report._repr_html_()
    assert '<th scope="row">GPU</th><td>&lt;none&gt;</td><td>buy &amp; try</td>' in table
    assert table.count("<tr>") == 3
    assert repr(report) == "GPU: <none> -> buy & try\nmemory: 1 GB"


# Advice: one line where there is a problem, none where there is not


@pytest.mark.parametrize(("found", "advised"), [((3, 10, 13), True), ((3, 11, 0), False), ((4, 0, 0), False)])
def test_an_old_python_gets_advice(found, advised):
    assert ("3.11 or newer" in versions.python_row(found).advice) is advised


@pytest.mark.parametrize(("free", "advised"), [(1_990_000_000, True), (2_010_000_000, False)])
def test_a_full_disk_gets_advice(free, advised):
    assert ("make room" in doctor.disk_row(free).advice) is advised


@pytest.mark.parametrize(
    ("triton", "numpy", "advised"),
    [
        ("3.6.0", "2.4.6", True),
        ("3.6.0", "2.10.0", True),
        ("3.6.0", "2.3.5", False),
        ("3.7.1", "2.4.6", False),
    ],
)
def test_triton_and_a_numpy_too_new_for_it_get_advice(triton, numpy, advised):
    rows = versions.package_rows({"triton": triton, "numpy": numpy})
    (row,) = [row for row in rows if row.name == "triton"]
    assert ("triton==3.7.1" in row.advice) is advised


def test_a_missing_package_gets_advice_but_triton_may_be_missing():
    rows = {row.name: row for row in versions.package_rows({"torch": "2.13.0"})}
    assert rows["plotly"].found == rows["triton"].found == "not installed"
    assert "pip install" in rows["plotly"].advice and rows["triton"].advice == "" == rows["torch"].advice


@pytest.mark.parametrize(
    ("found", "built_for", "advice"),
    [
        (None, "", ""),
        (None, "13.0", ""),
        (H200, "", "to use the GPU: python course.py lab --gpu"),
        (H200, "13.0", ""),
        (H200, "12.8", ""),
        (OLD_DRIVER, "12.8", ""),
        (OLD_DRIVER, "13.0", "update the NVIDIA driver to one for CUDA 13.0, or: python course.py lab --cpu"),
        (Gpu("a GPU", "1", ""), "13.0", ""),
        (H200, None, "torch is damaged: remove the folder .venv, then run python course.py lab"),
    ],
)
def test_torch_that_does_not_fit_the_gpu_gets_advice(found, built_for, advice):
    assert torch_advice(found, built_for) == advice
    assert gpu_rows(found, built_for)[1].advice == advice


def test_the_gpu_its_driver_and_its_cuda_are_read_from_nvidia_smi(monkeypatch):
    monkeypatch.setattr(gpu, "output", lambda *command: LISTED if len(command) > 1 else BANNER)
    assert gpu.find_gpu() == H200
    row, build = gpu_rows(H200, "13.0")
    assert row.found == "NVIDIA H200, driver 580.65.06, CUDA up to 13.0" and build.found == "for CUDA 13.0"


@pytest.mark.parametrize("said", ["", "No devices were found\n"])
def test_no_gpu_is_no_problem(monkeypatch, said):
    monkeypatch.setattr(gpu, "output", lambda *command: said)
    assert gpu.find_gpu() is None
    assert [row.found for row in gpu_rows(None, "")] == ["no NVIDIA GPU", "for the processor"]


def test_a_program_that_is_missing_or_fails_says_nothing():
    assert gpu.output("no-such-program-here") == ""
    assert gpu.output(sys.executable, "-c", "print('half'); raise SystemExit(1)") == ""
    assert gpu.output(sys.executable, "-c", "print('all')").strip() == "all"


def test_a_torch_that_does_not_start_is_reported_not_raised(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    found = {row.name: row for row in doctor.doctor()}
    assert found["torch build"].found == "does not start" and "damaged" in found["torch build"].advice
    assert found["backend reference"].found == "no: torch does not start"


# Versions against constraints.txt


def test_versions_other_than_the_pinned_ones_are_named_softly():
    pins = versions.read_pins("# remark\na==1.0\nb==2.0; sys_platform == 'linux'\nc==3.0\nd==4\ne==5\n")
    assert pins == {"a": "1.0", "b": "2.0", "c": "3.0", "d": "4", "e": "5"}
    same = versions.drift_row({"a": "1.0+cpu", "b": "2.0"}, pins)
    assert (same.found, same.advice) == ("every package as in constraints.txt", "")
    other = versions.drift_row({"a": "1.1", "b": "2.0", "c": "9", "d": "9", "e": "9"}, pins)
    assert other.found == "a 1.1 (not 1.0), c 9 (not 3.0), d 9 (not 4) and 1 more"
    assert other.advice.startswith("fine; ")


def test_the_courses_own_constraints_are_read():
    pins = versions.read_pins((Path(__file__).parents[2] / "constraints.txt").read_text(encoding="utf-8"))
    assert pins["torch"] == "2.13.0" and len(pins) > 100


@pytest.mark.parametrize(("found", "numbers"), [("2.13.0+cpu", (2, 13, 0)), ("13.0", (13, 0)), ("", ())])
def test_versions_compare_as_numbers(found, numbers):
    assert versions.numbers(found) == numbers


# The four ways to run a kernel, and its inspection


def ways(monkeypatch, *, triton=True, cuda="13.0", available=True) -> list[str]:
    import torch

    monkeypatch.setattr(doctor, "find_spec", lambda name: {"triton": triton}[name] or None)
    monkeypatch.setattr(doctor, "torch_cuda", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    return [row.found for row in doctor.backends()]


def test_each_backend_says_whether_it_runs_here_or_why_not(monkeypatch):
    linux, gpu = (
        "no: needs Triton, which is for Linux",
        "no: needs an NVIDIA GPU and the build of torch for it",
    )
    assert ways(monkeypatch) == ["yes"] * 5
    assert ways(monkeypatch, triton=False) == ["yes", "yes", linux, linux, linux]
    assert ways(monkeypatch, cuda="") == ["yes", "yes", "yes", gpu, "yes"]
    assert ways(monkeypatch, available=False)[3] == "no: the driver offers torch no GPU"
    assert ways(monkeypatch, cuda=None)[:2] == ["no: torch does not start"] * 2


def test_the_reference_and_the_simulator_always_run_here():
    found = {row.name: row.found for row in doctor.backends()}
    assert found["backend reference"] == found["backend simulated"] == "yes"


def test_what_the_doctor_says_of_inspection_is_so():
    from glassbox.machine.inspecting.compilation import expect_triton

    found = {row.name: row.found for row in doctor.backends()}["inspect (ahead of time)"]
    if found == "yes":
        expect_triton()
    else:
        with pytest.raises(RuntimeError, match="pip install triton"):
            expect_triton()


@pytest.mark.parametrize(
    ("real", "logical", "said"), [(8, 16, "8 cores, 16 threads"), (2, 2, "2 cores"), (None, 4, "4 cores")]
)
def test_cores_and_threads(monkeypatch, real, logical, said):
    monkeypatch.setattr(doctor.psutil, "cpu_count", lambda logical=True: count[logical])
    count = {True: logical, False: real}
    assert doctor.cores() == said


def test_importing_the_doctor_does_not_import_torch():
    code = "import sys, glassbox.machine.doctor; raise SystemExit('torch' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", code]) == 0
