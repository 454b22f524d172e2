"""A megabyte without a break, of any kind, comes back, and takes no quadratic time."""

import time

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import train_bpe, train_marked_bpe, train_unigram, train_wordpiece

TEXT = read_text("en", ["prose"])[:20_000] + read_text("zh", ["prose"])[:5_000]
MOST_SECONDS = 60  # about one is needed; the square of a megabyte would take hours


def timed(work):
    start = time.process_time()
    came = work()
    assert time.process_time() - start < MOST_SECONDS
    return came


@pytest.fixture(scope="module")
def tokenizer():
    return train_bpe([TEXT], 600)


@pytest.mark.parametrize("line", ["a", " ", "\u4e2d", "\U0001f916", "\u0301", "a.\n "])
def test_byte_level_bpe(line, tokenizer):
    text = line * (1_000_000 // len(line.encode("utf-8")))
    assert timed(lambda: tokenizer.decode(tokenizer.encode(text))) == text


@pytest.mark.parametrize("train", [train_marked_bpe, train_unigram, train_wordpiece])
@pytest.mark.parametrize("line", ["ab", "\u4e2d\u6587"])
def test_the_others(train, line):
    text = line * 50_000
    tokenizer = train([TEXT], 1_000)
    back = timed(lambda: tokenizer.decode(tokenizer.encode(text)))
    assert back.replace(" ", "") == text or (train is train_wordpiece and back == "[UNK]")


@pytest.mark.parametrize("train", [train_bpe, train_marked_bpe, train_unigram])
def test_training(train):
    text = "abcdefgh" * 2_000 + TEXT
    assert len(timed(lambda: train([text], 900))) <= 900
