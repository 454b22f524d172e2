"""A recorded time appears under the roofline where there is one, and nowhere else."""

import json

import pytest
from glassbox.draw import roofline
from glassbox.flash import experiments
from glassbox.machine.bench import record

SIZES = {"batch": 2, "heads": 16, "tokens": 8192, "size": 128, "dtype": "bfloat16", "headline": True}
TIMED = dict.fromkeys(record.TIMED, 1) | {"bytes_per_s": 1e9, "p20_ms": 3.1, "median_ms": 3.2, "p80_ms": 3.3}


def write(folder, *rows):
    """Write a record of the full forward pass on an H200."""
    made = {part: dict.fromkeys(keys, "") for part, keys in record.KEYS.items() if part}
    made |= {"schema": 1, "operation": "flash_full_forward_128", "gpu": "NVIDIA H200", "direction": "forward"}
    made["device"]["peak_bytes_per_s"] = 4.8e12
    made |= {"protocol": {}, "rows": [{"peer": "ours", "case": "", **SIZES, **TIMED, **row} for row in rows]}
    assert record.write(json.loads(json.dumps(made)), folder).is_file()


def test_without_a_record_the_points_stay_as_they_are(tmp_path):
    points = experiments.roofline_points()
    assert experiments.with_recorded(points, folder=tmp_path) == points


def test_a_record_gives_the_seconds_of_one_head_to_the_kernel_that_was_timed(tmp_path):
    write(tmp_path, {"kv_heads": 4, "median_ms": 3.15}, {"kv_heads": 16}, {"kv_heads": 16, "tokens": 2048})
    rows = {
        row["name"]: row for row in experiments.with_recorded(experiments.roofline_points(), folder=tmp_path)
    }
    assert [name for name, row in rows.items() if "seconds" in row] == ["tiled, moved"]
    assert rows["tiled, moved"]["seconds"] == pytest.approx(3.2e-3 / 32)
    assert rows["tiled, moved"]["gpu"] == "H200" and "intensity" not in rows["tiled, moved"]


def test_the_figure_says_how_much_of_the_prediction_was_reached(tmp_path):
    write(tmp_path, {"kv_heads": 16})
    points = experiments.with_recorded(experiments.roofline_points(), folder=tmp_path)
    (timed,) = (row for row in points if "seconds" in row)
    share = timed["floors"]["H200"] / timed["seconds"]
    assert 0 < share < 1 and f"measured {share:.0%} of it" in roofline(points, gpus=("A100", "H200")).says
