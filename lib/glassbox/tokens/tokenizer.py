"""A tokenizer: how a text is prepared, the model that splits a word, and special tokens."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from glassbox.arguments import bad_type, bad_value
from glassbox.tokens.cache import WordCache
from glassbox.tokens.characters import SURROGATE
from glassbox.tokens.streaming import Stream, stream_step


class Piece(NamedTuple):
    """One token of an encoded text."""

    id: int
    shown: str


class Tokenizer:
    """Text to ids and back.

        ids = concatenation of model.encode_word(word) for word in prepare.words(text)

    Convention: a special token in a text is plain text unless it is in `allowed`: whoever writes the text
        cannot end it. `len` counts special tokens too.
    Raises: TypeError, ValueError for ids of special tokens that do not follow the model's, or empty names.
    Taught in: notebooks/05_tokenizers.ipynb
    """

    def __init__(self, prepare, model, special: Mapping[str, int] | None = None):
        self.prepare, self.model, self.special = prepare, model, dict(special or {})
        if "" in self.special:
            raise bad_value("special", "names that are not empty", "")
        if len(set(self.special.values())) < len(self.special):
            raise bad_value("special", "a different id for each name", self.special)
        size = len(model.tokens) + sum(number >= len(model.tokens) for number in self.special.values())
        if any(not 0 <= number < size for number in self.special.values()):
            raise bad_value("special", f"ids from {len(model.tokens)} on, without a gap", self.special)
        self.size, self.cache = size, WordCache(model.encode_word)

    def __len__(self) -> int:
        return self.size

    @cached_property
    def spelled(self) -> tuple[bytes, ...]:
        """Return the bytes of each id."""
        table = list(self.model.spelled) + [b""] * (self.size - len(self.model.spelled))
        for name, number in self.special.items():
            table[number] = name.encode("utf-8")
        return tuple(table)

    def encode(self, text: str, allowed: Collection[str] = (), refused: Collection[str] = ()) -> list[int]:
        """Return the ids of a text.

        allowed: the special tokens that the text may contain as such; "all" for all of them.
        refused: the special tokens at which to stop with an error; "all" for all that are not allowed.
        Raises: TypeError for what is not a string; ValueError for a lone surrogate, an unknown special token,
            or a refused one in the text.
        """
        expect_text("text", text)
        allowed = self._names("allowed", allowed)
        refused = self._names("refused", refused) - (allowed if refused == "all" else set())
        for name in sorted(refused):
            if name in text:
                raise bad_value("text", f"none of {', '.join(sorted(refused))}", name)
        if not allowed:
            return self._plain(text)
        longest_first = sorted(allowed, key=len, reverse=True)
        parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
        return [
            number
            for place, part in enumerate(parts)
            if part
            for number in ([self.special[part]] if place % 2 else self._plain(part))
        ]

    def _plain(self, text: str) -> list[int]:
        return list(chain.from_iterable(map(self.cache.__getitem__, self.prepare.words(text))))

    def _names(self, argument: str, names: Collection[str]) -> set[str]:
        if names == "all":
            return set(self.special)
        if isinstance(names, str):
            raise bad_type(argument, 'a collection of special tokens, or "all"', names)
        if unknown := sorted(set(names) - set(self.special)):
            raise bad_value(argument, f"special tokens out of {sorted(self.special)}", unknown[0])
        return set(names)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes that the ids spell, before the preparation is undone.

        Raises: ValueError for an id outside the vocabulary.
        """
        ids = list(ids)
        if wrong := [number for number in ids if not 0 <= number < self.size]:
            raise bad_value("ids", f"ids in [0, {self.size})", wrong[0])
        return b"".join(map(self.spelled.__getitem__, ids))

    def decode(self, ids: Iterable[int], errors: str = "replace") -> str:
        """Return the text of the ids.

        Convention: bytes that are no UTF-8 become U+FFFD; `errors="strict"` raises instead.
        Raises: ValueError for an id outside the vocabulary; UnicodeDecodeError if strict.
        """
        return self.prepare.restore(self.decode_bytes(ids).decode("utf-8", errors))

    def decode_stream(self, ids: Iterable[int]) -> Iterator[str]:
        """Yield the text that each id completes, which may be empty; at last, what is left over.

        Convention: joined, it is `decode(ids)` before the preparation is undone.
        """
        stream = Stream()
        for number in ids:
            stream = stream_step(stream, self.decode_bytes([number]))
            yield stream.text
        yield stream_step(stream, b"", last=True).text

    def pieces(self, text: str, allowed: Collection[str] = ()) -> list[Piece]:
        """Return id and printed form of each token of a text."""
        return [Piece(number, self.shown(number)) for number in self.encode(text, allowed)]

    def shown(self, number: int) -> str:
        """Return the printed form of an id."""
        names = {value: name for name, value in self.special.items()}
        return names[number] if number in names else self.model.shown(number)


def expect_text(name: str, text) -> None:
    """Refuse what is no string, or holds a lone surrogate: it has no UTF-8 form."""
    if not isinstance(text, str):
        raise bad_type(name, "a string", text)
    if not text.isascii() and (found := SURROGATE.search(text)):
        shown = f"{found[0]!r} at character {found.start()}"
        raise bad_value(name, "no lone surrogate, which has no UTF-8 form", shown)
