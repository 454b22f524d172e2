"""How BERT prepares a text: cleaned, Chinese characters set apart, spaces and punctuation cut."""

import unicodedata
from typing import NamedTuple

from glassbox.tokens.patterns import cut

CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
# what ASCII calls a symbol and Unicode no punctuation counts as punctuation too
WORDS = r"[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+"


class _Cleaned(dict):
    """code point -> what stands for it: nothing for controls, a space for spaces, spaces round Chinese."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind == "Zs":
            value = " "
        elif kind in ("Cc", "Cf", "Co") or code == 0xFFFD:
            value = ""
        else:
            value = f" {character} " if any(a <= code <= b for a, b in CHINESE) else character
        self[code] = value
        return value


class _Bare(dict):
    """code point -> lower case, and nothing for an accent that stands by itself."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = "" if unicodedata.category(character) == "Mn" else character.lower()
        return self[code]


_CLEANED, _BARE = _Cleaned(), _Bare()


class BertWords(NamedTuple):
    """Words and punctuation marks, without the spaces between them: what was there cannot be told again.

    lowercase: also strip accents, as the uncased BERT does.
    """

    lowercase: bool = True

    def words(self, text: str) -> list[str]:
        """Return the words that are encoded one by one."""
        text = text.translate(_CLEANED)
        if self.lowercase:
            text = unicodedata.normalize("NFD", text).translate(_BARE)
        return [word for word in cut(text, WORDS) if not word.isspace()]

    def restore(self, text: str) -> str:
        """Return the words with one space between them."""
        return text.removeprefix(" ")
