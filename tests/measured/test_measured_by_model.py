"""The tables with a row per model: read once, copied, and every row checked."""

import pytest
from glassbox import paths
from glassbox.measured.by_model import by_model, check_columns

COLUMNS = {"model": str, "layers": int, "eps": (float, None), "digits": (1, "any"), "bias": (True, False)}
OPTIONAL = {"note": str}
ROW = {"model": "A", "layers": 3, "eps": None, "digits": 1, "bias": False}


@pytest.mark.parametrize("change", [{}, {"eps": 1e-5}, {"digits": "any"}, {"bias": True}, {"note": "seen"}])
def test_a_good_row_passes(change):
    check_columns(ROW | change, COLUMNS, OPTIONAL)


@pytest.mark.parametrize("change, said", [
    ({"layers": 0}, r"A.layers: expected a positive whole number; came 0 \(int\)"),
    ({"layers": 3.0}, "A.layers: expected a positive whole number"),
    ({"layers": True}, "A.layers: expected a positive whole number"),
    ({"layers": None}, "A.layers: expected a positive whole number"),
    ({"eps": -1e-5}, "A.eps: expected a positive number or None"),
    ({"eps": 1}, "A.eps: expected a positive number or None"),
    ({"digits": True}, "A.digits: expected 1 or 'any'"),
    ({"bias": 1}, "A.bias: expected True or False"),
    ({"note": ""}, "A.note: expected a text"),
    ({"model": ""}, ".model: expected a text"),
    ({"heads": 8}, "A.heads: expected a known column; came 8"),
])  # fmt: skip
def test_a_bad_row_is_told_what_it_may_hold(change, said):
    with pytest.raises(ValueError, match=said):
        check_columns(ROW | change, COLUMNS, OPTIONAL)


@pytest.mark.parametrize("column, said", [
    ("layers", "A: expected all columns; came 'no layers'"), ("model", "a row without model: expected all"),
])  # fmt: skip
def test_a_missing_column_is_named(column, said):
    with pytest.raises(ValueError, match=said):
        check_columns({key: value for key, value in ROW.items() if key != column}, COLUMNS, OPTIONAL)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "planted_by_model.yaml").write_text("[{model: A}, {model: B}]", encoding="utf-8")


def test_a_table_is_checked_once_and_its_rows_are_copies(table):
    seen = []
    first, second = (by_model("planted", seen.append) for _ in range(2))
    assert first == second == seen == [{"model": "A"}, {"model": "B"}]
    first[0]["model"] = "changed"
    assert by_model("planted", seen.append) == second


def test_a_table_with_a_bad_row_is_refused(table):
    def check(row):
        check_columns(row, {"model": ("A",)}, {})

    with pytest.raises(ValueError, match=r"B.model: expected 'A'; came 'B'"):
        by_model("planted", check)


def test_a_table_that_is_not_there_is_named(table):
    with pytest.raises(FileNotFoundError, match="unknown_by_model"):
        by_model("unknown", print)
