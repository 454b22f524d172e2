"""Remember the ids of words: a text repeats its words, so most of them are looked up, not encoded."""

from collections.abc import Callable

MOST_WORDS = 1 << 16
LONGEST = 64  # characters; a longer word is not likely to come again, and not kept


class WordCache(dict):
    """word -> ids, filled when asked.

    At most twice `most` words are kept: when the young half is full it becomes the old half, and what was old
    and not asked for since is forgotten.
    """

    def __init__(self, encode_word: Callable[[str], list[int]], most: int = MOST_WORDS):
        super().__init__()
        self.encode_word, self.most, self.old = encode_word, most, {}

    def __missing__(self, word: str) -> list[int]:
        ids = self.old.get(word) or self.encode_word(word)
        if len(word) <= LONGEST:
            if len(self) >= self.most:
                self.old = dict(self)
                self.clear()
            self[word] = ids
        return ids
