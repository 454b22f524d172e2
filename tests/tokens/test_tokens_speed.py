"""The speed rows say what they claim, on a corpus too small to claim anything about speed."""

import pytest
from glassbox.measured import recorded
from glassbox.tiny import read_text
from glassbox.tokens import train_bpe
from glassbox.tokens.experiments.speed import (
    best_seconds,
    corpus,
    encoding_speed,
    ratios,
    rescan,
    speed,
    training_speed,
)
from glassbox.tokens.patterns import by_pattern

SIZE = 60_000


def test_the_corpus_is_the_recipe_of_the_frozen_text():
    text = "".join(corpus(SIZE))
    assert SIZE <= len(text.encode("utf-8")) < 1.1 * SIZE
    assert text.startswith(read_text("en", ["stories"])[:20_000])
    assert len("".join(corpus(2 * SIZE)).encode("utf-8")) >= 2 * SIZE


def test_training_rows():
    rows = {row["candidate"]: row for row in training_speed(SIZE, 400, times=1, slice_size=5_000)}
    assert [name for name, row in rows.items() if not row["measured"]] == ["rescan"]
    assert all(row["seconds"] > 0 and row["merges"] == 144 for row in rows.values())
    assert ratios([*rows.values()])["glassbox"] == 1 and ratios([*rows.values()])["rescan"] > 5


def test_encoding_rows():
    rows = encoding_speed(SIZE, 400, times=1)
    assert {"glassbox", "glassbox, cold"} <= {row["candidate"] for row in rows}
    for row in rows:
        assert row["same_ids"], row["candidate"]
        assert row["megabytes_per_second"] == pytest.approx(row["bytes"] / row["seconds"] / 1e6)


def test_counting_anew_compresses_as_the_training_does():
    text = "".join(corpus(SIZE))[:5_000]
    words = [list(word.encode("utf-8")) for word in by_pattern("gpt2").words(text)]
    ids = sum(map(len, rescan(words, 40)))
    assert ids == pytest.approx(len(train_bpe([text], 296).encode(text)), rel=0.01)


def test_the_best_of_several_times_counts():
    calls = []
    spent = best_seconds({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 3 and set(spent) == {"a", "b"}


def test_bad_sizes_are_named():
    for wrong, name in (
        ({"size": 10}, "size"),
        ({"vocabulary_size": 256}, "vocabulary_size"),
        ({"times": 0}, "times"),
    ):
        with pytest.raises(ValueError, match=name):
            training_speed(**wrong)


def test_the_rows_to_ship_hold_both_measurements():
    rows = speed(times=1, size=SIZE)
    assert {row["work"] for row in rows} == {"train", "encode"}
    assert [row["candidate"] for row in rows if not row["measured"]] == ["rescan"]


def test_the_shipped_times_meet_the_goals():
    rows = recorded("tokens", "speed")
    train, encode = (ratios([row for row in rows if row["work"] == work]) for work in ("train", "encode"))
    assert all(row["bytes"] >= 3_000_000 for row in rows)
    assert train["tokenizers"] >= 1 / 3 and train["rescan"] >= 100
    assert encode["tokenizers"] >= 1 and encode["tiktoken"] >= 0.25
