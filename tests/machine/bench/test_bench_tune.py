"""Tuning: what is tried, what is dropped before it is timed, what the table becomes."""

import importlib.util
import json
from io import StringIO

import pytest
import torch
from bench_fakes import FakeTimer, case, fake_rig, toy
from glassbox import benchmarks
from glassbox.machine import configs, launch, tl, triton
from glassbox.machine.bench import Table
from glassbox.machine.bench.prune import launches_of, ours, prune_ahead
from glassbox.machine.bench.tune import Pick, difference, label, tune, write_table
from rich.console import Console

ROWS = [
    {"arch": "any", "dtype": "any", "bucket": 64, "config": {"BLOCK": 64}},
    {"arch": "any", "dtype": "any", "bucket": None, "config": {"BLOCK": 128}},
    {"arch": "sm_90", "dtype": "any", "bucket": 64, "config": {"BLOCK": 256}},
    {"arch": "sm_90", "dtype": "any", "bucket": None, "config": {"BLOCK": 512}},
]
MILLISECONDS = {128: 4.0, 256: 3.0, 512: 2.0, 1024: 1.0, 2048: 1.99}


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Return the path of a table called "double"."""
    path = tmp_path / "double.json"
    path.write_text(json.dumps({"operation": "double", "made": "by hand", "rows": ROWS}), encoding="utf-8")
    monkeypatch.setattr(configs, "path_of", lambda operation: path)
    monkeypatch.setattr(configs, "current_arch", lambda: "sm_90")
    configs.table.cache_clear()
    yield path
    configs.table.cache_clear()


def operation(timer, *blocks, **changes):
    """Return an operation whose time depends on its config."""

    def double(x):
        block = configs.choose("double", x.dtype, 40)["BLOCK"]
        timer.spend(MILLISECONDS[block])
        return x * 3 if block == 128 else x * 2

    tried = Table("double", lambda case: case["columns"], lambda case: [{"BLOCK": block} for block in blocks])
    usual = {"ours": double, "table": tried, "cases": (case(8, 40, headline=True),)}
    return toy(timer, **usual | changes)


def keep(operation, case, candidates, rig):
    """Drop nothing."""
    return [""] * len(candidates)


def tuned(*blocks, prune=keep, **changes):
    """Return the picks of a tuning run on a fake clock."""
    timer = FakeTimer()
    return tune(operation(timer, *blocks, **changes), fake_rig(timer), prune)


def test_the_fastest_config_wins(table):
    (pick,) = tuned(256, 512, 1024)
    assert (pick.before, pick.after) == ({"BLOCK": 256}, {"BLOCK": 1024})
    assert (pick.before_ms, pick.after_ms) == (3.0, 1.0) and pick.changed
    assert (pick.architecture, pick.dtype, pick.bucket) == ("sm_90", "float32", 64)


def test_the_config_in_use_stays_unless_another_is_clearly_faster(table):
    assert not tuned(256)[0].changed
    assert tuned(512, 2048, cases=(case(8, 100),))[0].after == {"BLOCK": 512}  # 1.99 against 2.00 ms


def test_a_config_that_computes_something_else_is_dropped(table):
    (pick,) = tuned(128, 512)
    assert "1 dropped, such as BLOCK=128: error" in difference([pick])[0]
    assert pick.after == {"BLOCK": 512} and "error" in pick.dropped["BLOCK=128"]


def test_a_pruned_config_costs_no_time(table):
    def prune(operation, case, candidates, rig):
        return ["spills" if config["BLOCK"] == 1024 else "" for config in candidates]

    timer = FakeTimer()
    (pick,) = tune(operation(timer, 512, 1024), fake_rig(timer), prune)
    assert pick.after == {"BLOCK": 512} and pick.dropped == {"BLOCK=1024": "spills"}
    calls = timer.log.count("call")
    timer = FakeTimer()
    tune(operation(timer, 512), fake_rig(timer), keep)
    assert timer.log.count("call") == calls


def test_all_configs_are_timed_in_one_run(table):
    timer = FakeTimer()
    tune(operation(timer, 512, 1024), fake_rig(timer), keep)
    assert timer.log.count("read") == 2  # once after warming up, once at the end


def test_a_quick_run_tunes_the_headlines(table):
    timer = FakeTimer()
    both = (case(8, 40, headline=True), case(8, 100))
    assert len(tune(operation(timer, 512, cases=both), fake_rig(timer), keep, quick=True)) == 1


def test_what_has_no_table_is_not_tuned():
    with pytest.raises(ValueError, match="double takes no launch arguments"):
        tune(toy(FakeTimer()), fake_rig(FakeTimer()), keep)


# ---- the table


def test_the_difference_names_what_goes_and_what_comes(table):
    changed, same = tuned(1024)[0], tuned(256)[0]
    assert difference([changed, same]) == [
        "- sm_90 float32 <= 64: BLOCK=256 (3.0000 ms)\n"
        "+ sm_90 float32 <= 64: BLOCK=1024 (1.0000 ms; 0 dropped)",
        "  sm_90 float32 <= 64: BLOCK=256 (3.0000 ms; 0 dropped)",
    ]


def test_a_written_table_answers_with_the_pick_and_leaves_others_alone(table):
    write_table(table, tuned(1024), "tuned in a test")
    assert json.loads(table.read_text(encoding="utf-8"))["made"] == "tuned in a test"
    chosen = {
        (size, dtype): configs.choose("double", dtype, size)["BLOCK"]
        for size in (40, 100)
        for dtype in (torch.float32, torch.float16)
    }
    assert chosen == {
        (40, torch.float32): 1024,
        (100, torch.float32): 512,
        (40, torch.float16): 256,
        (100, torch.float16): 512,
    }


def test_a_pick_for_a_larger_size_does_not_serve_smaller_ones(table):
    write_table(table, tuned(1024, cases=(case(8, 100),)), "tuned in a test")
    assert [configs.choose("double", torch.float32, size)["BLOCK"] for size in (40, 100, 200)] == [
        256,
        1024,
        512,
    ]


def test_a_second_pick_replaces_the_first(table):
    for after in (1024, 2048):
        write_table(table, [tuned(1024)[0]._replace(after={"BLOCK": after})], "tuned in a test")
    rows = json.loads(table.read_text(encoding="utf-8"))["rows"]
    own = [row for row in rows if row["dtype"] == "float32"]
    assert [(row["bucket"], row["config"]["BLOCK"]) for row in own] == [(64, 2048), (None, 512)]
    assert rows[: len(ROWS)] == ROWS


def test_the_shipped_tables_keep_their_rows(tmp_path, monkeypatch):
    shipped = configs.path_of("norm_forward")
    copied = tmp_path / shipped.name
    copied.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    pick = Pick(case(1, 4096, "bfloat16"), "sm_90", "bfloat16", 4096, {}, {"ROWS": 7}, 2.0, 1.0, {})
    write_table(copied, [pick], "tuned in a test")
    before, after = (json.loads(path.read_text(encoding="utf-8"))["rows"] for path in (shipped, copied))
    assert [row for row in after if row["dtype"] == "any"] == [row for row in before if row["dtype"] == "any"]
    assert sum(row["config"] == {"ROWS": 7} for row in after) == 1


# ---- the command


@pytest.mark.parametrize("write", [False, True])
def test_the_command_writes_only_on_request(write, table, monkeypatch):
    timer = FakeTimer()
    monkeypatch.setattr(benchmarks, "discover", lambda: {"toys": (operation(timer, 1024),)})
    monkeypatch.setattr(benchmarks, "prune_ahead", keep)
    before, console = table.read_text(encoding="utf-8"), Console(file=StringIO(), width=200)
    code = benchmarks.bench(
        "double", tuning=True, write=write, find_rig=lambda: fake_rig(timer), console=console
    )
    said = console.file.getvalue()
    assert code == 0 and "+ sm_90 float32 <= 64: BLOCK=1024" in said
    assert (table.read_text(encoding="utf-8") != before) is write
    assert ("written: double.json, 1 rows" in said) is write
    assert ("--write changes them" in said) is not write


# ---- ahead of time


@triton.jit
def double_block(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    """Double BLOCK numbers per program."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, 2 * tl.load(x_ptr + at, mask=at < n), mask=at < n)


def launched(x):
    """Return 2 x, by the kernel."""
    y, config = torch.empty_like(x), configs.choose("double", x.dtype, 40)
    launch(double_block, (triton.cdiv(x.numel(), config["BLOCK"]),), x, y, x.numel(), **config)
    return y


def test_a_launch_is_captured_with_the_config(table):
    toys = toy(FakeTimer(), ours=launched)
    made = ours(toys, toys.cases[0], torch.device("cpu"))
    (caught,) = launches_of(made, "double", {"BLOCK": 1024})
    assert caught.kwargs["BLOCK"] == 1024 and caught.grid == (1,)
    assert "KeyError" in launches_of(made, "double", {"WRONG": 1})


def test_an_unknown_architecture_drops_nothing(table):
    rig = fake_rig(FakeTimer(), architecture="sm_999")
    assert prune_ahead(toy(FakeTimer()), case(1), [{"BLOCK": 1}], rig) == [""]


def test_what_does_not_compile_is_dropped(table):
    if importlib.util.find_spec("triton") is None:
        pytest.skip("needs Triton's compiler, which is for Linux")
    toys = operation(FakeTimer(), ours=launched)
    why = prune_ahead(toys, toys.cases[0], [{"BLOCK": 64}, {"BLOCK": 63}], fake_rig(FakeTimer()))
    assert why[0] == "" and "CompilationError" in why[1]


def test_a_label_is_the_config_in_words():
    assert label({"ROWS": 2, "num_warps": 8}) == "ROWS=2 num_warps=8"
