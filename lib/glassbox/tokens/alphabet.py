"""The 256 bytes as 256 visible characters, so that a vocabulary of bytes can be read, and saved as text."""

from functools import cache

from glassbox.arguments import bad_value


@cache
def visible() -> tuple[str, ...]:
    """Return the visible character of each byte.

    Convention: GPT-2's. A byte that Latin-1 prints stands for itself; the others, in order, are U+0100 on:
        a space is U+0120, a line end U+010A.
    Source: openai/gpt-2, src/encoder.py, bytes_to_unicode.
    """
    printed = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (chr(0x100 + place) for place in range(256))
    return tuple(chr(byte) if byte in printed else next(others) for byte in range(256))


@cache
def ordered() -> tuple[bytes, ...]:
    """Return the 256 single bytes in the order of their visible characters: the first 256 ids.

    Convention: GPT-2's order, where "!" is 0, so that ids equal those of the Hugging Face trainer.
    """
    return tuple(bytes([byte]) for byte in sorted(range(256), key=visible().__getitem__))


@cache
def _hidden() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(visible())}


def show(token: bytes) -> str:
    """Return bytes as visible characters."""
    return "".join(visible()[byte] for byte in token)


def unshow(text: str) -> bytes:
    """Undo `show`.

    Raises: ValueError for a character that stands for no byte.
    """
    try:
        return bytes(_hidden()[character] for character in text)
    except KeyError as error:
        raise bad_value("text", "characters of the byte alphabet", error.args[0]) from None
