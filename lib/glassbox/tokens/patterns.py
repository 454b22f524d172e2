r"""Pre-tokenisation by a pattern: a text is cut into words, and no token ever crosses their edges."""

import re
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from glassbox.arguments import bad_type, bad_value
from glassbox.tokens.characters import HIGH, lowered, translate

PATTERNS = {
    "none": r"(?s:.+)",
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "gpt4": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}


@cache
def compiled(pattern: str) -> re.Pattern:
    """Return the compiled form of a named pattern, or of one in the notation of `PATTERNS`.

    Raises: ValueError if it is no pattern, or one that `translate` cannot say.
    """
    try:
        return re.compile(translate(PATTERNS.get(pattern, pattern)))
    except re.error as error:
        raise bad_value("pattern", f"a regular expression ({error})", pattern) from error


def cut(text: str, pattern: str) -> list[str]:
    """Return the words of a text; joined, they are the text.

    Convention: what the pattern leaves out is a word too, up to the next match.
    """
    found = compiled(pattern)
    if pattern not in PATTERNS:
        return _with_gaps(text, found)
    if text.isascii() or not HIGH.search(text):
        return found.findall(text)
    words, at = [], 0
    for word in found.findall(lowered(text)):
        words.append(text[at : at + len(word)])
        at += len(word)
    return words


def _with_gaps(text: str, found: re.Pattern) -> list[str]:
    edges = {0, len(text)}
    for match in found.finditer(lowered(text)):
        edges |= {match.start(), match.end()}
    ordered = sorted(edges)
    return [text[start:end] for start, end in pairwise(ordered)]


class ByPattern(NamedTuple):
    """Cut the text by a pattern and change nothing: what byte-level BPE does."""

    pattern: str = "gpt2"

    def words(self, text: str) -> list[str]:
        """Return the words that are encoded one by one."""
        return cut(text, self.pattern)

    def restore(self, text: str) -> str:
        """Return the text that the words came from."""
        return text


def by_pattern(pattern: str) -> ByPattern:
    r"""Return the preparation that cuts by "gpt2", "gpt4", "none", or a pattern of one's own.

    Convention: \p{L}, \p{N} and \s are Unicode's, in the version that `unicodedata` knows; "gpt4" is the
        pattern of cl100k_base; "none" leaves the text whole.
    Raises: TypeError, ValueError for what is no pattern, or one that matches the empty text.
    Source: Radford et al. 2019, section 2.2; openai/tiktoken, tiktoken_ext/openai_public.py.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    if not isinstance(pattern, str):
        raise bad_type("pattern", "a string", pattern)
    if compiled(pattern).match(""):
        raise bad_value("pattern", "a pattern that does not match the empty text", pattern)
    return ByPattern(pattern)
