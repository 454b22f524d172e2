"""The work of encoding one long word: pairs looked at, by the definition and by the shipped encoder."""

from collections.abc import Sequence

from glassbox.arguments import expect_whole
from glassbox.tiny.text import stories
from glassbox.tokens.bpe import BPE
from glassbox.tokens.experiments.language_models import story_tokenizer

LENGTHS = (16, 64, 256, 1024, 4096, 16384)


class Looked(dict):
    """A table of ranks that counts how often it is asked."""

    looks = 0

    def __contains__(self, pair) -> bool:
        self.looks += 1
        return super().__contains__(pair)

    def __getitem__(self, pair):
        self.looks += 1
        return super().__getitem__(pair)

    def get(self, pair, default=None):
        self.looks += 1
        return super().get(pair, default)


def one_word(length: int) -> str:
    """Return a word of so many letters: the stories without what is no letter."""
    letters = "".join(filter(str.isalpha, stories().decode("utf-8")))
    return (letters * (1 + length // len(letters)))[:length]


def naive_looks(length: int, tokens: int) -> int:
    """Return how many pairs the definition looks at: all that are left, once a merge, and once to see none.

    looks = sum over k = tokens ... length of (k - 1)
    """
    return (length * (length - 1) - (tokens - 1) * (tokens - 2)) // 2


def quadratic(lengths: Sequence[int] = LENGTHS, vocabulary: int = 512) -> list[dict]:
    """Encode words of growing length; return how many pairs were looked up in the table of merges.

    A row has `length` (characters, which are bytes here), `tokens`, `naive` (by the definition, which looks
    at every pair again after each merge), `shipped` (by `BPE.encode_word`), and both per character:
    `naive_per_character` grows with the length, `shipped_per_character` does not.

    Convention: above 40 symbols the shipped encoder keeps the pairs in a heap, whose own comparisons (about
        log2 of the length for each entry) are not counted.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    trained, rows = story_tokenizer(vocabulary).model, []
    for length in lengths:
        expect_whole("length", length, 1)
        model = BPE(trained.tokens, trained.merges)
        model.rank = Looked(model.rank)
        tokens = len(model.encode_word(one_word(length)))
        naive, shipped = naive_looks(length, tokens), model.rank.looks
        row = {"length": length, "tokens": tokens, "naive": naive, "shipped": shipped}
        row |= {"naive_per_character": round(naive / length, 1)}
        rows.append(row | {"shipped_per_character": round(shipped / length, 2)})
    return rows
