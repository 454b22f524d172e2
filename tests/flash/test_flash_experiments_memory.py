"""What attention keeps and holds, and how long it takes on a processor: counted, and recorded."""

import json

import pytest
import torch
from glassbox import paths
from glassbox.flash import experiments
from glassbox.flash.experiments import memory, sweeps
from glassbox.measured import gather, loglog_slope, spread
from glassbox.measured.recording import KEYS
from glassbox.tiny.seeds import normal

LENGTHS, BLOCKS = (1024, 2048, 4096), (64, 256, 512, 1024)


def rows_of(rows, form):
    return [row for row in rows if row["form"] == form]


def tensors(n=64, d=8):
    return [normal((1, 1, n, d), seed, torch.float32) for seed in range(3)]


# Counted.


def test_every_way_to_attend_gives_the_same():
    for causal in (False, True):
        first, *others = [attend(*tensors(), causal) for attend in memory.ATTEND.values()]
        assert all(torch.allclose(first, other, atol=1e-6) for other in others)
    assert not torch.allclose(*(memory.in_tiles(*tensors(), causal) for causal in (False, True)), atol=1e-2)


def test_what_is_kept_grows_with_the_square_or_with_the_length():
    rows = experiments.saved_bytes((256, 512, 1024))
    power = {form: loglog_slope(rows_of(rows, form), "saved", "length") for form in memory.FORMS}
    assert power["every step kept"] > 1.7
    assert power["tiled"] == pytest.approx(1) and power["torch's fused"] == pytest.approx(1, abs=0.01)
    for row in rows_of(rows, "tiled"):
        assert row["saved"] == row["formula"] == 4 * row["length"] * (4 * 64 + 1)
    assert {row["formula"] for row in rows if row["form"] != "tiled"} == {None}


def test_the_peak_of_tiles_stays_below_one_matrix_of_scores():
    rows = experiments.peak_memory((256, 512), block=64)
    for naive, tiled in zip(rows_of(rows, "every step kept"), rows_of(rows, "tiled"), strict=True):
        n = naive["length"]
        assert naive["scores"] == 4 * n * n
        assert naive["peak"] == 2 * naive["scores"] + 4 * n * 64  # scores, weights, and the output
        assert 2 * 4 * n * 64 < tiled["peak"] < 2 * 4 * n * 64 + 6 * 4 * 64 * 64
    assert loglog_slope(rows_of(rows, "tiled"), "peak", "length") < 1.01


# Recorded.


def test_the_shipped_times_say_how_they_were_made():
    record = json.loads(paths.data("experiments", "flash_cpu_time.json").read_text(encoding="utf-8"))
    assert record.keys() == KEYS
    assert record["command"] == "python -m glassbox.flash.experiments --only cpu_time"
    rows = experiments.recorded("cpu_time")
    shape = sweeps.SWEEPS["cpu_time"].shape
    assert spread(gather(rows, shape), shape.along, shape.every) == rows


def test_the_shipped_times_cover_every_form_and_length():
    found = {(row["form"], row["block"], row["length"]) for row in experiments.recorded("cpu_time")}
    forms = [("naive", 0), ("torch's fused", 0), *(("tiled", block) for block in BLOCKS)]
    assert found == {(*form, length) for form in forms for length in LENGTHS}
    assert all(row["least"] <= row["seconds"] <= row["most"] for row in experiments.recorded("cpu_time"))


def test_small_tiles_in_a_loop_lose_and_large_ones_do_not():
    ratio = experiments.against_naive(experiments.recorded("cpu_time"))
    assert ratio["tiled", 64, 1024] > 4 and all(ratio["tiled", 64, length] > 2 for length in LENGTHS)
    assert ratio["tiled", 512, 4096] < 0.8 and ratio["torch's fused", 0, 4096] < 0.6
    assert {ratio["naive", 0, length] for length in LENGTHS} == {1}


def test_the_times_can_be_made_again():
    rows = experiments.cpu_time(blocks=(16, 128), lengths=(256,), repeats=3)
    ratio = experiments.against_naive(rows)
    assert ratio["tiled", 16, 256] > 3 * ratio["tiled", 128, 256] > 0  # 256 tiles in a loop against 4
    assert [(row["form"], row["block"]) for row in rows] == [
        ("naive", 0),
        ("tiled", 16),
        ("tiled", 128),
        ("torch's fused", 0),
    ]
    with pytest.raises(ValueError, match="form: expected one of"):
        experiments.cpu_time(forms=["other"])


def test_one_command_makes_the_sweep(tmp_path, monkeypatch, capsys):
    row = {"form": "naive", "block": 0, "length": 8, "seconds": 0.5, "least": 0.25, "most": 1.0}
    monkeypatch.setitem(sweeps.SWEEPS, "cpu_time", sweeps.SWEEPS["cpu_time"]._replace(function=lambda: [row]))
    sweeps.main(["--only", "cpu_time", "--out", str(tmp_path)])
    record = json.loads((tmp_path / "flash_cpu_time.json").read_text(encoding="utf-8"))
    assert spread(record["runs"], record["along"], record["every"]) == [row]
    assert "1 rows" in capsys.readouterr().out
