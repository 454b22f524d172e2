"""Shipped rows: refused without provenance, and by a clear message where there are none of that name."""

import pytest
from glassbox import measured


def test_a_sweep_without_provenance_is_refused(tmp_path, monkeypatch):
    (tmp_path / "data" / "experiments").mkdir(parents=True)
    (tmp_path / "data" / "experiments" / "norms_training.json").write_text('{"runs": []}', encoding="utf-8")
    monkeypatch.setenv("GLASSBOX_ROOT", str(tmp_path))
    with pytest.raises(ValueError, match=r"does not say: .*command.*date"):
        measured.recorded("norms", "training")


def test_an_unknown_sweep_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"name.*recentering.*signals.*training.*updates"):
        measured.recorded("norms", "trainings")
