"""The table of models: complete, with sources, without contradictions, and what the course says of it."""

import re

import pytest
from glassbox.tokens import models

ROWS = {row["model"]: row for row in models.table()}


def test_every_model_is_listed_once_with_a_source():
    assert len(ROWS) == len(models.table()) >= 15
    for row in ROWS.values():
        assert re.search(r"[\w.-]+/[\w.-]+|config", row["source"]), row["model"]


def test_what_no_source_says_is_named_in_the_note():
    """A row with an unknown algorithm or size says that it is not known, or not verified."""
    for row in ROWS.values():
        if row["algorithm"] is None or row["tokens"] is None:
            assert re.search("not verified|was not verified|not known", row["note"], re.IGNORECASE), row


@pytest.mark.parametrize(
    "model, tokens, rows",
    [
        ("BERT base uncased", 30_522, 30_522),
        ("GPT-2", 256 + 50_000 + 1, 50_257),
        ("GPT-3", 50_257, None),
        ("T5", 32_000 + 100, models.padded(32_100)),
        ("LLaMA, LLaMA 2", 32_000, 32_000),
        ("LLaMA 3", 128_000 + 256, 128_256),
        ("BLOOM", 250_680, 250_880),
        ("ChatGLM-6B", 130_344, 130_528),
        ("Qwen 7B", 151_643 + 3 + 205, models.padded(151_851)),
    ],
)
def test_the_numbers_that_the_course_prints(model, tokens, rows):
    assert (ROWS[model]["tokens"], ROWS[model]["rows"]) == (tokens, rows)


def test_gpt3_is_not_a_vocabulary_of_175_000():
    """175 billion is the number of parameters; such a vocabulary alone would take two billion of them."""
    assert ROWS["GPT-3"]["tokens"] == ROWS["GPT-2"]["tokens"]
    assert 175_000 * 12_288 > 2.1e9 and ROWS["GPT-3"]["tokens"] * 12_288 < 0.62e9


def test_idle_rows_are_what_the_embedding_has_beyond_the_tokens():
    found = {row["model"]: row for row in models.padded_rows()}
    assert found["BLOOM"] == {
        "model": "BLOOM",
        "tokens": 250_680,
        "rows": 250_880,
        "idle": 200,
        "multiple": 1024,
    }
    assert found["T5"]["idle"] == 28 and found["ChatGLM-6B"]["idle"] == 184
    assert found["GPT-2"]["idle"] == 0 and "GPT-3" not in found
    assert all(row["multiple"] >= 16 for row in found.values() if row["idle"])
    assert found["GPT-2"]["multiple"] == 1


def test_padding_rounds_up_to_the_multiple():
    assert [models.padded(n) for n in (1, 127, 128, 129, 32_100)] == [128, 128, 128, 256, 32_128]
    with pytest.raises(ValueError, match="multiple"):
        models.padded(5, 0)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"source": ""}, "source"),
        ({"algorithm": "sentencepiece"}, "algorithm"),
        ({"symbols": "words"}, "symbols"),
        ({"digits": True}, "digits"),
        ({"tokens": 50_257.0}, "tokens"),
        ({"rows": 50_000}, "special <= tokens <= rows"),
        ({"special": 60_000}, "special <= tokens <= rows"),
        ({"library": "tiktoken"}, "library"),
    ],
)
def test_a_bad_row_is_refused(change, said):
    models.check(ROWS["GPT-2"])
    with pytest.raises(ValueError, match=said):
        models.check(ROWS["GPT-2"] | change)


def test_a_row_without_a_source_is_refused():
    row = {name: value for name, value in ROWS["GPT-2"].items() if name != "source"}
    with pytest.raises(ValueError, match="no source"):
        models.check(row)


def test_a_library_is_no_algorithm():
    """SentencePiece models are BPE in one row and Unigram in another."""
    assert ROWS["LLaMA, LLaMA 2"]["algorithm"] == "bpe" and ROWS["T5"]["algorithm"] == "unigram"
