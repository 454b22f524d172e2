"""A whole run on a fake clock: rows, absences, refusals, shares, goals, the record and what is printed."""

import json
from contextlib import nullcontext
from dataclasses import replace
from io import StringIO
from time import perf_counter

import pytest
import torch
from bench_fakes import CEILINGS, FakeTimer, doubling, fake_ceilings, fake_rig, toy
from glassbox import benchmarks
from glassbox.machine.bench import Goal, Peer, record
from glassbox.machine.bench.ceilings import measure_ceilings
from glassbox.machine.bench.run import run
from glassbox.machine.bench.verdict import mark, verdict
from rich.console import Console


def made(timer=None, quick=False, rig=None, **changes):
    """Run the toy operation and return its record."""
    timer = timer or FakeTimer()
    return run(toy(timer, **changes), rig or fake_rig(timer), "glassbox bench double", quick, fake_ceilings)


def rows(record, peer):
    """Return a peer's rows."""
    return [row for row in record["rows"] if row["peer"] == peer]


def test_every_case_has_a_row_for_ours_and_each_peer():
    found = made()
    assert [(row["case"], row["peer"]) for row in found["rows"]] == [
        ("256 x 1048576 float32", "ours"),
        ("256 x 1048576 float32", "twice"),
        ("512 x 1048576 float32", "ours"),
        ("512 x 1048576 float32", "twice"),
    ]
    assert rows(found, "ours")[0].items() >= {"rows": 256, "columns": 2**20, "dtype": "float32"}.items()


def test_times_ratio_bytes_and_share():
    ours, twice = (rows(made(), peer)[0] for peer in ("ours", "twice"))
    assert (ours["median_ms"], ours["p20_ms"], ours["p80_ms"], ours["repetitions"]) == (1.0, 1.0, 1.0, 100)
    assert ours["bytes"] == 2**31 and ours["bytes_per_s"] == pytest.approx(2**31 * 1e3)
    assert ours["share"] == pytest.approx(2**31 * 1e3 / CEILINGS.copy_bytes_per_s)
    assert twice["ratio"] == pytest.approx(2.0) and "ratio" not in ours
    assert twice["share"] == pytest.approx(ours["share"] / 2)


def test_work_for_tensor_cores_has_their_ceiling():
    found = rows(made(bytes=lambda case: 1, flops=lambda case: 4 * 10**11), "ours")[0]
    assert found["share"] == pytest.approx(0.5)


def test_the_host_is_named_where_it_dominates():
    slow_host, slow_device = (made(FakeTimer(graph_share=share)) for share in (0.5, 0.97))
    assert [row["host_bound"] for row in rows(slow_host, "ours")] == [True, True]
    assert [row["graph_median_ms"] for row in rows(slow_host, "ours")] == [0.5, 0.5]
    assert [row["host_bound"] for row in rows(slow_device, "ours")] == [False, False]


def test_without_graphs_the_reason_is_recorded():
    row = rows(made(FakeTimer(can_capture=False)), "ours")[0]
    assert "capturing" in row["no_graph"] and "graph_median_ms" not in row and row["median_ms"] == 1.0


def test_a_figure_above_the_memory_is_an_l2_figure():
    timer = FakeTimer()
    found = made(timer, ours_ms=0.4)  # 5.4 TB/s in the first case
    assert rows(found, "ours")[0]["share"] is None and "L2" in rows(found, "ours")[0]["flag"]
    assert rows(found, "twice")[0]["share"] is not None and "flag" not in rows(found, "twice")[0]
    unknown = made(timer, ours_ms=0.4, rig=fake_rig(timer, peak_bytes_per_s=None))
    assert "L2" in rows(unknown, "ours")[0]["flag"]


# ---- who is not measured


def failing(text):
    """Return a function that raises."""

    def fail(*arguments):
        raise RuntimeError(text)

    return fail


ABSENT = {
    "not installed": Peer("other", lambda case: None, package="no_such_package"),
    "does not build": Peer("other", failing("exceeds the recommended block size")),
    "does not run": Peer("other", lambda case: failing("illegal address")),
    "left out": Peer("other", lambda case: None, skip=lambda case: "takes too long"),
}


@pytest.mark.parametrize("kind", ABSENT)
def test_an_absent_peer_is_listed_with_its_reason(kind):
    found = made(peers=(ABSENT[kind],))
    listed = rows(found, "other")
    assert len(listed) == 2 and all(row["absent"] and "median_ms" not in row for row in listed)
    assert len(rows(found, "twice")) == 2 and rows(found, "twice")[0]["ratio"] == pytest.approx(2.0)


def test_a_wrong_peer_has_an_error_and_no_time():
    timer = FakeTimer()
    found = made(timer, peers=(Peer("triples", lambda case: lambda x: x * 3),))
    row = rows(found, "triples")[0]
    assert "error" in row["refused"] and row["error_ratio"] > 16 and "median_ms" not in row
    assert row["error"] == pytest.approx(1.7, rel=1e-6)


def test_ours_is_refused_like_any_other():
    found = made(ours=lambda x: x * 2.1)
    assert all("refused" in row for row in rows(found, "ours"))
    assert all("ratio" not in row for row in rows(found, "twice"))


def test_a_quick_run_takes_the_headlines():
    assert {row["case"] for row in made(quick=True)["rows"]} == {"256 x 1048576 float32"}


@pytest.mark.parametrize("direction", ["backward", "forward+backward"])
def test_the_other_directions_run_the_same_way(direction):
    timer = WallTimer()
    eager = Peer("eager", lambda case: lambda x: x * 2)
    found = made(timer, direction=direction, ours=lambda x: x * 2, peers=(eager,), bytes=lambda case: 1)
    assert [row["error_ratio"] for row in found["rows"]] == [0.0] * 6
    assert all(row["ratio"] > 0 for row in rows(found, "eager"))


# ---- goals


def test_goals_are_held_to_the_geometric_mean():
    found = made()["rows"]
    reached = [
        verdict(found, goal) for goal in (Goal(1.5, "twice"), Goal(2.5, "twice"), Goal(0.4), Goal(0.9))
    ]
    assert [each.word for each in reached] == ["met", "not met", "met", "not met"]
    assert [each.holding for each in reached] == [2, 0, 2, 1]
    assert reached[2].reached == pytest.approx((0.5368709 * 1.0737418) ** 0.5)


def test_a_goal_against_an_absent_peer_is_not_measured():
    assert str(verdict(made()["rows"], Goal(1.0, "liger"))) == ">= 1.00x liger: not measured"


def test_each_row_says_whether_it_meets_the_goals_about_it():
    found = made()["rows"]
    goals = (Goal(1.5, "twice"), Goal(0.9))
    assert [mark(row, goals) for row in found] == [
        "share >= 0.90: not met",
        ">= 1.50x twice: met",
        "share >= 0.90: met",
        ">= 1.50x twice: met",
    ]


# ---- ceilings


def test_ceilings_count_reading_and_writing():
    timer = FakeTimer()
    rig = fake_rig(timer)
    timer.stop = lambda: timer._times.append(2.0)
    found = measure_ceilings(rig, copied=2**12, side=8)
    assert found.copy_bytes_per_s == pytest.approx(2 * 2**12 / 2e-3)
    assert found.matmul_bf16_flop_per_s == pytest.approx(2 * 8**3 / 2e-3)


# ---- the command


class WallTimer(FakeTimer):
    """The processor's own clock."""

    def start(self):
        """Read the clock."""
        self._begin = perf_counter()

    def stop(self):
        """Read the clock again."""
        self._times.append(1e3 * (perf_counter() - self._begin))

    def capture(self, call):
        """Return the call itself."""
        return call

    def session(self):
        """Hold nothing."""
        return nullcontext()


@pytest.fixture
def command(monkeypatch):
    """Return a function that runs `glassbox bench` on a toy operation, and its exit code and output."""

    def call(name="double", operation=None, rig=None, **options):
        topics = {"toys": (operation or toy(FakeTimer()),)}
        monkeypatch.setattr(benchmarks, "discover", lambda: topics)
        console = Console(file=StringIO(), width=200)
        code = benchmarks.bench(name, find_rig=lambda: rig, console=console, **options)
        return code, console.file.getvalue()

    return call


def test_without_a_gpu_it_says_what_it_would_measure(command):
    absent = Peer("other", lambda case: None, package="no_such_package")
    code, said = command(operation=toy(FakeTimer(), peers=(absent,)))
    assert code == 2 and "needs an NVIDIA GPU" in said and "Nothing was measured" in said
    assert "double: 256 x 1048576 float32, 512 x 1048576 float32; against twice, other" in said
    assert "absent here: other (no_such_package is not installed)" in said
    assert "absent here: twice" not in said


def test_an_unknown_name_lists_the_known(command):
    code, said = command("triple")
    assert code == 1 and "'triple'" in said and "toys: double" in said


@pytest.mark.parametrize("name", ["double", "toys", "all"])
def test_an_operation_a_topic_or_all(name, command):
    assert command(name)[0] == 2


def test_the_whole_harness_on_the_processors_clock(command, tmp_path, monkeypatch):
    monkeypatch.setattr("glassbox.benchmarks.run", small_ceilings)
    x = torch.randn(8, 8)
    operation = toy(
        FakeTimer(),
        inputs=lambda case, device: (x,),
        ours=lambda x: x * 2,
        peers=(Peer("torch", lambda case: lambda x: torch.add(x, x)), ABSENT["not installed"]),
        bytes=lambda case: 2 * x.nbytes,
    )
    code, said = command(operation=operation, rig=fake_rig(WallTimer()), out=tmp_path)
    assert code == 0 and "recorded in double.nvidia_h200.json" in said
    assert "geometric mean against torch" in said and "absent: no_such_package is not installed" in said
    again = record.read(tmp_path / "double.nvidia_h200.json")
    assert [row["peer"] for row in again.rows] == ["ours", "twice", "torch", "other"] * 2
    assert all(0 < row["p20_ms"] <= row["median_ms"] <= row["p80_ms"] for row in again.timed("torch"))
    assert again.provenance["command"] == "glassbox bench double"


def small_ceilings(*arguments, **options):
    """Run with tiny ceilings, which a processor measures in no time."""
    return run(*arguments, **options, ceilings=lambda rig: measure_ceilings(rig, 2**12, 16))


def test_a_quick_run_is_recorded_only_on_request(command, tmp_path, monkeypatch):
    monkeypatch.setattr("glassbox.benchmarks.run", small_ceilings)
    monkeypatch.setattr(record, "root", lambda: tmp_path)
    code, said = command(rig=fake_rig(WallTimer()), quick=True, out=tmp_path / "out")
    assert (
        code == 0
        and json.loads((tmp_path / "out" / "double.nvidia_h200.json").read_text(encoding="utf-8"))["quick"]
    )
    said = command(rig=fake_rig(WallTimer()), quick=True)[1]
    assert "not recorded" in said and not (tmp_path / "data").exists()
    assert "recorded in" in command(rig=fake_rig(WallTimer()))[1]
    assert [path.name for path in (tmp_path / "data" / "benchmarks").iterdir()] == ["double.nvidia_h200.json"]


def test_brackets_in_a_reason_are_printed(command, tmp_path, monkeypatch):
    monkeypatch.setattr("glassbox.benchmarks.run", small_ceilings)
    operation = replace(toy(FakeTimer()), peers=(Peer("other", failing("shape [/4, 8]")),))
    assert "shape [/4, 8]" in command(operation=operation, rig=fake_rig(WallTimer()), out=tmp_path)[1]


def test_the_norms_are_found_by_name():
    known = benchmarks.discover()
    assert "norms" in known and benchmarks.select("deep_norm", known)[0].name == "deep_norm"
    assert len(benchmarks.select("all", known)) >= len(benchmarks.select("norms", known)) > 1
    assert benchmarks.select("no_such_operation", known) == []


def test_the_toy_spends_the_time_it_says():
    timer = FakeTimer()
    doubling(timer, 3.0)(torch.ones(2))
    assert timer.now == 3.0


def test_a_file_gets_lines_wide_enough_for_the_table(capsys):
    assert benchmarks.wide_console().width == benchmarks.WIDTH
