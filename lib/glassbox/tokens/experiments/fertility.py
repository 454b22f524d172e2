"""How many tokens a text takes, by algorithm, size of the vocabulary, and the text that it was made from."""

from collections.abc import Sequence
from functools import lru_cache, partial

from glassbox.arguments import bad_value, expect_choice
from glassbox.measured import Shape
from glassbox.tiny.text import read_text, split
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import train_bpe, train_marked_bpe
from glassbox.tokens.unigram_training import train_unigram
from glassbox.tokens.wordpiece import UNKNOWN, train_wordpiece

TEXTS = {
    "english": ("en", ["prose", "stories"]),
    "chinese": ("zh", None),
    "code": ("en", ["code"]),
    "digits": ("en", ["sums"]),
}
TRAINERS = {
    "bpe": train_bpe,
    "bpe, marked": train_marked_bpe,
    "wordpiece": train_wordpiece,
    "wordpiece by count": partial(train_wordpiece, score="count"),
    "unigram": partial(train_unigram, byte_fallback=True),
}
TRAINED_ON = {"english": ("english",), "all": tuple(TEXTS)}
SIZES = (512, 1024, 2048, 4096)
RATIOS = ("tokens_per_character", "bytes_per_token")
COUNTS = ("vocabulary", "tokens", "bytes", "characters", "unknown", "exact")
FERTILITY = Shape("vocabulary", 1, COUNTS + RATIOS)


@lru_cache(maxsize=4)
def halves(text: str) -> tuple[str, str]:
    """Return the training and the held-out part of "english", "chinese", "code" or "digits"."""
    expect_choice("text", text, TEXTS)
    return split(read_text(*TEXTS[text]))


@lru_cache(maxsize=64)
def trained_tokenizer(algorithm: str, vocabulary: int, trained_on: str = "all") -> Tokenizer:
    """Return a tokenizer made from the training part of the English text, or of all four.

    Raises: ValueError for an unknown name, or a vocabulary too small for the characters.
    """
    expect_choice("algorithm", algorithm, TRAINERS)
    expect_choice("trained_on", trained_on, TRAINED_ON)
    return TRAINERS[algorithm]([halves(text)[0] for text in TRAINED_ON[trained_on]], vocabulary)


def fertility(
    sizes: Sequence[int] = (1024,),
    algorithms: Sequence[str] = ("bpe", "wordpiece"),
    texts: Sequence[str] = tuple(TEXTS),
    trained_on: str = "english",
) -> list[dict]:
    """Count the tokens of held-out texts; return one row per tokenizer and text.

    A row has `trained_on` ("english", "all"), `algorithm`, `text`, `vocabulary`, `tokens`, `bytes`,
    `characters`, `unknown` (how many tokens are `[UNK]`), `tokens_per_character`, `bytes_per_token`, and
    `exact`: whether decoding gives the text back. The two ratios flatter a tokenizer with unknown tokens: one
    stands for a whole lost word.

    Convention: a vocabulary too small for the characters of its training text has no row; one too large for
        the pairs of that text ends earlier ("bpe" has 4,068 of 4,096 English tokens). "bpe, marked" and
        "unigram" have SentencePiece's preparation and byte fallback: their tokens may hold a word with its
        comma, those of "bpe" may not. Lowercase and no accents for WordPiece, as in the uncased BERT.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    if unknown := [text for text in texts if text not in TEXTS]:
        raise bad_value("texts", f"some of {', '.join(TEXTS)}", unknown[0])
    rows = []
    for algorithm in algorithms:
        for size in sizes:
            if (tokenizer := _made(algorithm, size, trained_on)) is not None:
                names = {"trained_on": trained_on, "algorithm": algorithm}
                rows += [
                    names | {"text": text, "vocabulary": size} | _counted(tokenizer, text) for text in texts
                ]
    return rows


def _made(algorithm: str, size: int, trained_on: str) -> Tokenizer | None:
    try:
        return trained_tokenizer(algorithm, size, trained_on)
    except ValueError as error:
        if str(error).startswith("vocabulary_size"):
            return None
        raise


def _counted(tokenizer: Tokenizer, name: str) -> dict:
    text = halves(name)[1]
    ids, size = tokenizer.encode(text), len(text.encode("utf-8"))
    lost = tokenizer.model.place[UNKNOWN] if tokenizer.model.kind == "wordpiece" else None
    return {
        "tokens": len(ids),
        "bytes": size,
        "characters": len(text),
        "unknown": sum(number == lost for number in ids),
        "tokens_per_character": round(len(ids) / len(text), 4),
        "bytes_per_token": round(size / len(ids), 4),
        "exact": int(tokenizer.decode(ids) == text),
    }
