"""The rows that figures draw say what the algorithms do."""

import itertools
import math

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import (
    Tokenizer,
    Unigram,
    lattice_rows,
    marked,
    merge_rows,
    sample_rows,
    train_bpe,
    train_unigram,
    train_wordpiece,
    viterbi_rows,
)
from glassbox.tokens.reference import unigram as reference

TEXT = "the theme of the thesis: these themes, then others; the thesis is the theory"


@pytest.fixture(scope="module")
def unigram():
    return train_unigram(read_text("en", ["prose"])[:20_000].splitlines(), 300)


@pytest.mark.parametrize("algorithm, train", [("bpe", train_bpe), ("wordpiece", train_wordpiece)])
def test_merge_rows_are_the_training(algorithm, train):
    rows = merge_rows(TEXT, 8, algorithm)
    size = rows[0]["vocabulary"] + 8
    trained = train([TEXT], size + (algorithm == "wordpiece"), least_count=1)
    tokens = [trained.model.shown(i) for i in range(len(trained.model.tokens))]
    assert [row["new"] for row in rows[1:]] == tokens[-8:]
    assert [row["step"] for row in rows] == list(range(9)) and rows[0]["new"] is None


@pytest.mark.parametrize("algorithm", ["bpe", "wordpiece"])
def test_a_merge_row_announces_the_next_merge(algorithm):
    rows = merge_rows(TEXT, 6, algorithm)
    for before, after in itertools.pairwise(rows):
        assert (after["left"], after["right"]) == (before["table"][0]["left"], before["table"][0]["right"])
        assert after["tokens"] == before["tokens"] - after["count"] == len(after["pieces"])
        scores = [line["score"] for line in before["table"]]
        assert scores == sorted(scores, reverse=True) and len(scores) <= 6


def test_the_pieces_of_a_merge_row_are_the_text():
    for row in merge_rows("caf\u00e9 caf\u00e9", 4):
        joined = "".join(piece["token"] for piece in row["pieces"])
        assert joined == "caf\u00c3\u00a9\u0120caf\u00c3\u00a9"


def test_words_may_be_left_uncut():
    cut, uncut = (merge_rows("a b a b a b a b", 3, pattern=pattern) for pattern in ("gpt2", "none"))
    assert uncut[-1]["tokens"] < cut[-1]["tokens"]


def test_rows_end_where_no_pair_is_left():
    assert len(merge_rows("ab", 9)) == 2 and len(merge_rows("", 3)) == 1
    assert len(merge_rows("ab", 9, least_count=2)) == 1


def test_lattice_rows_are_all_pieces_with_their_share():
    scores = {"a": -2.0, "b": -2.5, "ab": -3.0, "ba": -3.5, "bab": -4.0, "aba": -5.0}
    word = "abab"
    rows = lattice_rows(Tokenizer(marked(), Unigram(["<unk>", *scores], [-9.0, *scores.values()])), word)
    ways = list(reference.segmentations(word, scores))
    assert len(ways) > 5 and len(rows) == 9
    for row in rows:
        assert row["token"] == word[row["start"] : row["end"]]
        uses = 0.0
        for way in ways:
            places = [sum(map(len, way[:i])) for i in range(len(way))]
            here = (row["start"], row["token"]) in zip(places, way, strict=True)
            uses += here * math.exp(reference.log_probability(way, scores))
        total = math.exp(reference.log_likelihood(word, scores))
        assert row["share"] == pytest.approx(uses / total, rel=1e-9)
    assert [row["token"] for row in rows if row["best"]] == list(reference.best(word, scores))


def test_viterbi_rows_end_in_the_best_segmentation(unigram):
    word = "\u2581themes"
    rows = viterbi_rows(unigram, word)
    assert [row["end"] for row in rows] == list(range(1, len(word) + 1))
    pieces, end = [], len(word)
    while end:
        pieces.append(rows[end - 1]["token"])
        end -= len(pieces[-1])
    assert [*reversed(pieces)] == [unigram.shown(i) for i in unigram.model.encode_word(word)]
    assert all(row["total"] == max(tried["total"] for tried in row["tried"]) for row in rows)


def test_sampled_rows_count_the_draws(unigram):
    rows = sample_rows(unigram, "the themes", 200, alpha=0.3)
    counts = [row["count"] for row in rows]
    assert sum(counts) == 200 and counts == sorted(counts, reverse=True) and len(rows) > 2
    assert all(unigram.decode(row["ids"]) == "the themes" for row in rows)
    assert sample_rows(unigram, "the themes", 20) == sample_rows(unigram, "the themes", 20)
    assert all("".join(row["pieces"]) == "\u2581the\u2581themes" for row in rows)


def test_bad_arguments_are_named(unigram):
    with pytest.raises(ValueError, match="algorithm: expected one of 'bpe', 'wordpiece'"):
        merge_rows("a", 1, "unigram")
    with pytest.raises(ValueError, match="steps: expected a whole number >= 0"):
        merge_rows("a", -1)
    with pytest.raises(TypeError, match="text: expected a string"):
        merge_rows(3, 1)
    for rows in (lattice_rows, viterbi_rows):
        with pytest.raises(TypeError, match="tokenizer: expected one with a Unigram model"):
            rows(train_bpe(["a"], 256), "a")
    with pytest.raises(ValueError, match="n: expected a whole number >= 1"):
        sample_rows(unigram, "a", 0)
