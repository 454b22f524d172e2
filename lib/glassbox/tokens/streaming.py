"""Decoding while tokens arrive: a token may end in the middle of a character."""

import codecs
from typing import NamedTuple


class Stream(NamedTuple):
    """What has been decoded so far, and the bytes of a character that is not complete."""

    text: str = ""  # what the last step added
    pending: bytes = b""


def stream_step(stream: Stream, piece: bytes, last: bool = False) -> Stream:
    """Add the bytes of a token; return the characters that are complete now, and what still waits.

    Convention: bytes that can no longer become a character turn into U+FFFD, exactly as decoding all bytes
        at once would have it; `last=True` gives up what is pending.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    waiting = stream.pending + piece
    text, used = codecs.utf_8_decode(waiting, "replace", last)
    return Stream(text, waiting[used:])
