"""The trained BPE: which symbols a word starts from, and the merges by rank."""

from collections.abc import Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import pairwise

from glassbox.arguments import bad_type, bad_value
from glassbox.tokens.alphabet import show
from glassbox.tokens.fallback import BYTE_TOKENS, byte_of
from glassbox.tokens.reference.bpe import Merge

SHORT = 40  # symbols; above, the heap is faster than looking for the least rank again and again


class BPE:
    """Tokens and merges. Tokens are all bytes (byte-level), or all strings (characters).

    whole_words: a word that is a token is that token, whatever the merges would make of it.

    Convention: the merge of the lowest rank goes first, the leftmost of these first, and only listed pairs
        merge (as in the Hugging Face library; tiktoken merges any pair that spells a token). A character that
        is no token becomes its bytes where the 256 byte tokens are there, otherwise the token `unknown`.
    """

    kind = "bpe"

    def __init__(
        self,
        tokens: Sequence,
        merges: Sequence[Merge],
        unknown: int | None = None,
        whole_words: bool = False,
    ):
        self.tokens, self.merges = tuple(tokens), tuple(merges)
        self.unknown, self.whole_words = unknown, whole_words
        self.bytewise = bool(tokens) and isinstance(tokens[0], bytes)
        if any(isinstance(token, bytes) != self.bytewise for token in tokens):
            raise bad_type("tokens", "all bytes or all strings", "a mixture")
        self.place = {token: number for number, token in reversed(list(enumerate(self.tokens)))}
        if self.bytewise and (missing := [byte for byte in range(256) if bytes([byte]) not in self.place]):
            raise bad_value("tokens", "all 256 single bytes", f"none for byte {missing[0]}")
        self.rank = {merge[:2]: number for number, merge in reversed(list(enumerate(self.merges)))}
        for merge in self.merges:
            if not all(0 <= number < len(self.tokens) for number in merge):
                raise bad_value("merges", f"ids below {len(self.tokens)}", merge)

    @cached_property
    def spelled(self) -> tuple[bytes, ...]:
        """Return the bytes of each token: what decoding joins."""
        return self.tokens if self.bytewise else tuple(map(byte_of, self.tokens))

    def shown(self, token: int) -> str:
        """Return a token as it is printed."""
        return show(self.tokens[token]) if self.bytewise else self.tokens[token]

    def symbols(self, word: str) -> list[int]:
        """Return the ids that a word starts from, before any merge."""
        if self.bytewise:
            return [self.place[byte] for byte in map(_ONE.__getitem__, word.encode("utf-8"))]
        found = []
        for character in word:
            found += [self.place[character]] if character in self.place else self._fallback(character)
        return found

    def _fallback(self, character: str) -> list[int]:
        if BYTE_TOKENS[0] in self.place:
            return [self.place[BYTE_TOKENS[byte]] for byte in character.encode("utf-8")]
        if self.unknown is None:
            raise bad_value("text", "known characters: there is neither byte fallback nor <unk>", character)
        return [self.unknown]

    def encode_word(self, word: str) -> list[int]:
        """Return the ids of one word."""
        if self.whole_words:
            whole = self.place.get(word.encode("utf-8") if self.bytewise else word)
            if whole is not None:
                return [whole]
        symbols = self.symbols(word)
        return self._merge_short(symbols) if len(symbols) <= SHORT else self._merge_long(symbols)

    def _merge_short(self, word: list[int]) -> list[int]:
        rank, none = self.rank, len(self.merges)
        while len(word) > 1:
            ranks = [rank.get(pair, none) for pair in pairwise(word)]
            if (least := min(ranks)) == none:
                break
            at = ranks.index(least)
            word[at : at + 2] = [self.merges[least].new]
        return word

    def _merge_long(self, word: list[int]) -> list[int]:
        """The same with a heap of (rank, place) and a chain of what is left: n log n, not n squared."""
        rank, merges, gone, n = self.rank, self.merges, -1, len(word)
        before, after = list(range(-1, n)), list(range(1, n + 1))
        word.append(gone)
        heap = [(rank[pair], at) for at, pair in enumerate(pairwise(word)) if pair in rank]
        heapify(heap)
        while heap:
            number, at = heappop(heap)
            follow, merge = after[at], merges[number]
            if word[at] != merge.left or word[follow] != merge.right:
                continue
            word[at], word[follow] = merge.new, gone
            end = after[at] = after[follow]
            before[end] = at
            if (found := rank.get((merge.new, word[end]))) is not None:
                heappush(heap, (found, at))
            if at and (found := rank.get((word[before[at]], merge.new))) is not None:
                heappush(heap, (found, before[at]))
        return [token for token in word if token != gone]


_ONE = tuple(bytes([byte]) for byte in range(256))
