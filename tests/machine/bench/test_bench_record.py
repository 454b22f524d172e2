"""Records: written and read back, refused where they do not say where they come from; provenance."""

import copy
import json
import os
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from bench_fakes import FakeTimer, fake_ceilings, fake_rig, toy
from glassbox.machine.bench import Peer, not_yet_measured, record, recorded
from glassbox.machine.bench.cuda import cleared_bytes, cuda_rig, facts_of
from glassbox.machine.bench.provenance import provenance, reason
from glassbox.machine.bench.run import run
from glassbox.machine.bench.state import read_state

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole():
    """Return one record of the toy operation, with an absent and a refused peer."""
    timer = FakeTimer()
    peers = (
        Peer("gone", lambda case: None, package="no_such_package"),
        Peer("wrong", lambda case: lambda x: -x),
    )
    return run(toy(timer, peers=peers), fake_rig(timer), "glassbox bench double", ceilings=fake_ceilings)


@pytest.fixture
def made(whole):
    """Return a copy to damage."""
    return copy.deepcopy(whole)


def test_a_record_comes_back_as_it_was_written(made, tmp_path):
    path = record.write(made, tmp_path)
    assert path.name == "double.nvidia_h200.json"
    assert json.loads(path.read_text(encoding="utf-8")) == made
    again = recorded("double", "NVIDIA H200", tmp_path)
    assert list(again.rows) == made["rows"] and again.ceilings == made["ceilings"]
    assert again.gpu == "NVIDIA H200" and again.made().startswith("NVIDIA H200, driver 580.159.03, torch ")


def test_rows_are_found_by_peer_and_size(made, tmp_path):
    record.write(made, tmp_path)
    again = recorded("double", folder=tmp_path)
    assert [row["rows"] for row in again.timed()] == [256, 512]
    assert [row["peer"] for row in again.timed("twice", rows=512, dtype="float32")] == ["twice"]
    assert again.timed("gone") == again.timed("wrong") == again.timed("ours", rows=1) == []


def test_what_the_roofline_reads(made):
    assert made["gpu"] == "NVIDIA H200"
    assert made["ceilings"] == {"copy_bytes_per_s": 4e12, "matmul_bf16_flop_per_s": 8e14}


def test_a_gpu_is_found_by_the_drivers_name_and_by_the_courses(made, tmp_path):
    record.write(made, tmp_path)
    assert recorded("double", "H200", tmp_path) == recorded("double", "NVIDIA H200", tmp_path) is not None
    assert recorded("double", "A100", tmp_path) is None


def test_what_was_not_measured_has_no_record_and_a_sentence(tmp_path):
    assert recorded("double", folder=tmp_path) is None
    assert recorded("double", "NVIDIA H200", tmp_path / "nowhere") is None
    assert not_yet_measured("double", "NVIDIA H200").startswith("double: not yet measured on NVIDIA H200")


def test_the_newest_record_answers_where_no_gpu_is_named(made, tmp_path):
    for gpu, date in (("NVIDIA A100", "2026-01-02T00:00:00Z"), ("NVIDIA H200", "2026-01-01T00:00:00Z")):
        made["gpu"], made["provenance"]["date"] = gpu, date
        record.write(made, tmp_path)
    assert recorded("double", folder=tmp_path).gpu == "NVIDIA A100"
    assert recorded("double", "NVIDIA H200", tmp_path).gpu == "NVIDIA H200"


SECTIONS = [(part, key) for part, keys in record.KEYS.items() for key in sorted(keys)]


@pytest.mark.parametrize(("part", "key"), SECTIONS)
def test_a_record_that_leaves_something_out_is_refused(part, key, made, tmp_path):
    del (made[part] if part else made)[key]
    with pytest.raises((ValueError, KeyError), match=key):
        record.write(made, tmp_path)
    assert list(tmp_path.iterdir()) == []


def set_row(number, **values):
    """Return a function that changes one row of a record."""
    return lambda made: made["rows"][number].update(values)


DAMAGE = {
    "another schema": (lambda made: made.update(schema=2), "schema 1; came 2"),
    "no outcome": (lambda made: made["rows"][0].pop("median_ms"), "expected one of"),
    "two outcomes": (set_row(0, absent="gone"), "expected one of"),
    "no error": (lambda made: made["rows"][0].pop("error_ratio"), "error_ratio"),
    "no time at all": (set_row(0, p20_ms=0.0), "p20"),
    "quantiles crossed": (set_row(0, p20_ms=3.0), "p20"),
    "above the memory": (set_row(0, bytes_per_s=4.9e12), "above the memory's peak"),
    "not a number": (set_row(0, share=float("nan")), "JSON"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_record_that_claims_what_cannot_be_is_refused(damage, made, tmp_path):
    change, said = DAMAGE[damage]
    change(made)
    with pytest.raises(ValueError, match=said):
        record.write(made, tmp_path)


def test_a_flagged_figure_above_the_memory_may_stand(made, tmp_path):
    made["rows"][0].update(bytes_per_s=5e12, share=None, flag="an L2 figure")
    assert record.write(made, tmp_path).exists()


def test_a_damaged_file_is_not_read(made, tmp_path):
    path = record.write(made, tmp_path)
    del made["provenance"]["torch"]
    path.write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(ValueError, match=r"double\.nvidia_h200\.json provenance does not say: torch"):
        recorded("double", folder=tmp_path)


# ---- provenance


def test_a_record_says_how_the_card_was(made):
    device = made["device"]
    assert (device["driver"], device["power_cap_w"], device["architecture"]) == ("580.159.03", 700.0, "sm_90")
    for moment in ("start", "end"):
        assert device[moment] == {"sm_clock_mhz": 1980.0, "memory_clock_mhz": 3201.0, "temperature_c": 41.0}


def test_a_record_names_neither_the_host_nor_a_folder(made):
    text = json.dumps(made)
    for secret in (socket.gethostname(), str(Path.home()), str(ROOT), os.sep + "tmp" + os.sep):
        assert secret not in text


def at_noon():
    """Return a date."""
    return datetime(2026, 3, 4, 12, 0, 5, tzinfo=UTC)


def git(commit, status):
    """Return a reading of git that says so."""
    return lambda *command: commit if "rev-parse" in command else status


@pytest.mark.parametrize(("status", "dirty"), [("", False), (" M lib/glassbox/cli.py\n", True)])
def test_provenance_names_commit_and_changes(status, dirty):
    found = provenance("glassbox bench x", ["no-such-package"], at_noon, git("abc123\n", status))
    assert found["date"] == "2026-03-04T12:00:05Z" and found["command"] == "glassbox bench x"
    assert (found["commit"], found["dirty"], found["peers"]) == ("abc123", dirty, {})
    assert found.keys() >= record.KEYS["provenance"]


def test_provenance_without_git(monkeypatch):
    monkeypatch.delenv("GLASSBOX_COMMIT", raising=False)
    found = provenance("x", [], at_noon, git("", ""))
    assert found["commit"] is None and found["dirty"] is None
    monkeypatch.setenv("GLASSBOX_COMMIT", "def456")
    found = provenance("x", [], at_noon, git("", ""))
    assert found["commit"] == "def456" and found["dirty"] is None


def test_the_commit_is_that_of_the_checkout():
    command = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]
    here = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if here.returncode:
        pytest.skip("needs git and a checkout")
    assert provenance("x", [])["commit"] == here.stdout.strip()


PLACE = "/".join(("", "opt", "torch", "lib", "a.py"))
REASONS = [
    (RuntimeError("one\ntwo"), "RuntimeError: one"),
    (ValueError(), "ValueError"),
    (OSError(f"cannot open {PLACE}: no"), "OSError: cannot open <path>: no"),
    (OSError("C:\\cuda\\x\\y.dll missing"), "OSError: <path> missing"),
    (RuntimeError("3/4 and/or 5 GB/s"), "RuntimeError: 3/4 and/or 5 GB/s"),
]


@pytest.mark.parametrize(("error", "said"), REASONS)
def test_a_reason_is_one_line_without_folders(error, said):
    assert reason(error) == said
    assert len(reason(RuntimeError("x" * 500))) <= 160


# ---- the card


def test_the_state_is_that_of_the_card_of_that_name():
    lines = "NVIDIA T4, 585, 5001, 70.00, 30, 580.1\nNVIDIA H200, 1980, 3201, 700.00, 41, 580.159.03\n"
    asked = []
    found = read_state("NVIDIA H200", lambda *command: asked.append(command) or lines)
    assert found == {
        "sm_clock_mhz": 1980.0,
        "memory_clock_mhz": 3201.0,
        "power_cap_w": 700.0,
        "temperature_c": 41.0,
        "driver": "580.159.03",
    }
    assert asked == [
        (
            "nvidia-smi",
            "--query-gpu=name,clocks.sm,clocks.mem,power.limit,temperature.gpu,driver_version",
            "--format=csv,noheader,nounits",
        )
    ]


@pytest.mark.parametrize(
    "text", ["", "NVIDIA T4, 1, 2, 3, 4, 5", "NVIDIA H200, [N/A], [Not Supported], N/A, , "]
)
def test_what_the_card_does_not_say_is_null(text):
    assert set(read_state("NVIDIA H200", lambda *command: text).values()) == {None}


def properties(name="NVIDIA H200", **more):
    """Return device properties with the names that torch gives them."""
    fields = {"name": name, "major": 9, "minor": 0, "multi_processor_count": 132}
    fields |= {"total_memory": 150 * 10**9, "L2_cache_size": 62914560}
    return SimpleNamespace(**fields, **more)


def test_facts_come_from_the_properties_and_the_datasheet():
    found = facts_of(properties())
    assert (found.name, found.architecture, found.multiprocessors) == ("NVIDIA H200", "sm_90", 132)
    assert found.peak_bytes_per_s == 4.8e12
    unknown = facts_of(properties("NVIDIA X", memory_clock_rate=3_201_000, memory_bus_width=6144))
    assert unknown.peak_bytes_per_s == pytest.approx(4.917e12, rel=1e-3)
    assert facts_of(properties("NVIDIA X")).peak_bytes_per_s is None


@pytest.mark.parametrize("l2", [4 * 2**20, 60 * 2**20, 200 * 2**20])
def test_at_least_twice_l2_is_cleared(l2):
    assert cleared_bytes(l2) >= 2 * l2 and cleared_bytes(l2) >= 2**28


def test_without_a_gpu_there_is_no_rig(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert cuda_rig() is None
