"""Fertility: the counts, the shipped rows and their provenance, a piece made again, and what they claim."""

import json
from hashlib import sha256
from itertools import pairwise

import pytest
from glassbox import paths
from glassbox.measured.recording import KEYS
from glassbox.tiny.text import stories
from glassbox.tokens import experiments
from glassbox.tokens.experiments.fertility import (
    SIZES,
    TEXTS,
    TRAINED_ON,
    TRAINERS,
    halves,
    trained_tokenizer,
)

ROWS = experiments.recorded("fertility")
NAMES = ("trained_on", "algorithm", "text", "vocabulary")
BY = {tuple(row[name] for name in NAMES): row for row in ROWS}
SWEEPS = ("fertility", "loss_per_byte", "loss_longer", "glitches", "glitch_neighbours")


@pytest.mark.parametrize("name", SWEEPS)
def test_a_shipped_sweep_says_how_it_was_made_from_the_text_that_ships(name):
    record = json.loads(paths.data("experiments", f"tokens_{name}.json").read_text(encoding="utf-8"))
    assert record.keys() == KEYS
    assert record["command"] == f"python -m glassbox.tokens.experiments --only {name}"
    assert record["text_sha256"] == sha256(stories()).hexdigest()


def test_every_tokenizer_has_a_row_for_every_text_if_its_characters_fit():
    assert len(BY) == len(ROWS)
    tokenizers = {(row["trained_on"], row["algorithm"], row["vocabulary"]) for row in ROWS}
    assert len(ROWS) == len(TEXTS) * len(tokenizers)
    missing = {(on, name, size) for on in TRAINED_ON for name in TRAINERS for size in SIZES} - tokenizers
    too_small = {("wordpiece", 1161), ("wordpiece by count", 1161), ("unigram", 1404), ("bpe, marked", 1404)}
    assert missing == {("all", name, size) for name, least in too_small for size in SIZES if size < least}


@pytest.mark.parametrize("algorithm", ["bpe", "wordpiece", "wordpiece by count"])
def test_shipped_rows_can_be_made_again(algorithm):
    for row in experiments.fertility((1024,), (algorithm,)):
        assert row == BY["english", algorithm, row["text"], 1024]


def test_a_row_counts_what_the_tokenizer_makes():
    text = halves("code")[1]
    row = next(row for row in experiments.fertility((1024,), ("bpe",)) if row["text"] == "code")
    ids = trained_tokenizer("bpe", 1024, "english").encode(text)
    assert row["tokens"] == len(ids) and row["characters"] == len(text)
    assert row["bytes_per_token"] == round(row["bytes"] / row["tokens"], 4)
    assert row["tokens_per_character"] == round(row["tokens"] / row["characters"], 4)
    assert row["unknown"] == 0 and row["exact"] == 1


def test_a_vocabulary_too_small_has_no_row_and_another_error_is_not_hidden():
    assert experiments.fertility((512,), ("wordpiece",), ("english",), trained_on="all") == []
    with pytest.raises(ValueError, match="algorithm"):
        experiments.fertility((1024,), ("morphemes",))
    with pytest.raises(ValueError, match="texts"):
        experiments.fertility(texts=("latin",))


def per_character(on, algorithm, text, size):
    return BY[on, algorithm, text, size]["tokens_per_character"]


def test_english_bytes_spell_chinese_in_three_tokens_a_character_at_any_size():
    """No English merge joins bytes of Chinese; digits, spaces and line ends among it are one byte."""
    for size in SIZES:
        row = BY["english", "bpe", "chinese", size]
        assert row["tokens"] == row["bytes"]
        assert 2.9 < row["tokens_per_character"] < 3
        assert per_character("english", "bpe", "english", size) < 0.5


def test_chinese_in_the_training_text_brings_it_below_one_token_a_character():
    counts = [per_character("all", "bpe", "chinese", size) for size in SIZES]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] < 2.2 and counts[-1] < 0.95


def test_a_larger_vocabulary_helps_every_text_it_was_made_from_and_always_less():
    for text in TEXTS:
        lengths = [BY["all", "bpe", text, size]["tokens"] for size in SIZES]
        assert lengths == sorted(lengths, reverse=True)
    english = [BY["english", "bpe", "english", size]["bytes_per_token"] for size in SIZES]
    gains = [b / a for a, b in pairwise(english)]
    assert gains == sorted(gains, reverse=True)


def test_low_counts_of_wordpiece_on_chinese_are_words_that_it_lost():
    """An English WordPiece makes one [UNK] of a Chinese character: few tokens, and no text."""
    for size in SIZES:
        row = BY["english", "wordpiece", "chinese", size]
        assert row["unknown"] > 0.8 * row["tokens"] and row["exact"] == 0
        assert row["tokens_per_character"] < per_character("english", "bpe", "chinese", size) / 2
    for row in ROWS:
        assert row["unknown"] == 0 or row["algorithm"].startswith("wordpiece")


def test_only_byte_level_bpe_gives_every_text_back():
    """WordPiece loses case and spaces; the marked preparation writes Chinese commas as ASCII."""
    exact = {name: [row["exact"] for row in ROWS if row["algorithm"] == name] for name in TRAINERS}
    assert all(exact["bpe"]) and not any(exact["wordpiece"])
    assert {row["text"] for row in ROWS if row["algorithm"] == "unigram" and not row["exact"]} >= {"chinese"}


def test_the_likelihood_score_compresses_worse_than_the_count_at_the_same_size():
    for size in SIZES:
        by_score, by_count = (
            BY["english", name, "english", size]["tokens"] for name in ("wordpiece", "wordpiece by count")
        )
        assert by_score > 1.15 * by_count


def unigram_to_bpe(size, bpe):
    return BY["english", "unigram", "english", size]["tokens"] / BY["english", bpe, "english", size]["tokens"]


def test_what_unigram_saves_over_byte_level_bpe_is_mostly_the_preparation():
    """Marked text lets a token hold a word with its comma. In the same preparation little is left."""
    assert unigram_to_bpe(4096, "bpe") < 0.9
    assert 0.95 < unigram_to_bpe(4096, "bpe, marked") < 1
    assert unigram_to_bpe(512, "bpe, marked") > 1.05
