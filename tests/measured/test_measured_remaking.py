"""Sweeps made again from the command line: all or one, with the command that made them."""

import json

import pytest
from glassbox.measured import Shape
from glassbox.measured.remaking import Sweep, remake

SWEEPS = {
    name: Sweep(
        lambda base: [{"base": base, "step": step, "loss": base / step} for step in (1, 2)],
        [(1.0,), (3.0,)],
        Shape("step", 1, ("loss",)),
    )
    for name in ("first", "second")
}


def test_one_sweep_is_written_with_its_command(tmp_path):
    remake("toys", SWEEPS, ["--out", str(tmp_path), "--only", "second"])
    assert [path.name for path in tmp_path.iterdir()] == ["toys_second.json"]
    record = json.loads((tmp_path / "toys_second.json").read_text(encoding="utf-8"))
    assert record["command"] == "python -m glassbox.toys.experiments --only second"
    assert record["runs"] == [{"base": 1.0, "loss": [1.0, 0.5]}, {"base": 3.0, "loss": [3.0, 1.5]}]


def test_without_a_name_all_are_made(tmp_path):
    remake("toys", SWEEPS, ["--out", str(tmp_path / "new")])
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"toys_first.json", "toys_second.json"}


def test_an_unknown_sweep_is_refused(tmp_path):
    with pytest.raises(SystemExit):
        remake("toys", SWEEPS, ["--out", str(tmp_path), "--only", "third"])
