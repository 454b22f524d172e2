"""SentencePiece's way with spaces: normalised text in which a space is a character like any other."""

import re
import unicodedata
from typing import NamedTuple

from glassbox.arguments import expect_choice

MARK = "\u2581"  # stands for a space
FORMS = ("NFKC", "NFC", "none")
_WORDS = re.compile(f"{MARK}[^{MARK}]*|[^{MARK}]+")


class Marked(NamedTuple):
    """Normalise, put the mark where spaces are and one in front, and cut before each mark.

    form: the Unicode normal form, or "none".
    squeeze: keep one space of several, none at the ends; without it only normalisation loses anything.
    by_word: cut before marks; otherwise the whole text is one word, and tokens may hold spaces.
    """

    form: str = "NFKC"
    squeeze: bool = True
    by_word: bool = True

    def normal(self, text: str) -> str:
        """Return the text that decoding gives back."""
        text = text if self.form == "none" else unicodedata.normalize(self.form, text)
        return " ".join(filter(None, text.split(" "))) if self.squeeze else text

    def words(self, text: str) -> list[str]:
        """Return the words that are encoded one by one; joined, they are the marked text."""
        if not (normal := self.normal(text)):
            return []
        marked = MARK + normal.replace(" ", MARK)
        return _WORDS.findall(marked) if self.by_word else [marked]

    def restore(self, text: str) -> str:
        """Return the text with spaces for marks, and without the one in front."""
        return text.replace(MARK, " ").removeprefix(" ")


def marked(form: str = "NFKC", squeeze: bool = True, by_word: bool = True) -> Marked:
    """Return SentencePiece's preparation, which is not an algorithm: BPE and Unigram both train on it.

        decode(encode(x)) = normal(x)

    Convention: a text that holds the mark U+2581 itself gets spaces for it. Only U+0020 is a space: NFKC
        makes one of other spaces, but not of a line end.
    Raises: ValueError for an unknown form.
    Source: Kudo & Richardson 2018, section 3.1 to 3.3 (arXiv:1808.06226).
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_choice("form", form, FORMS)
    return Marked(form, squeeze, by_word)
