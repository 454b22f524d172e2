"""The frozen corpus: read with its checksum, split into training and held-out text."""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from glassbox import paths
from glassbox.arguments import bad_type, bad_value, expect_choice

PARTS = {"en": ("prose", "stories", "code", "sums"), "zh": ("prose", "stories")}
BLOCK = 2_000  # characters: neighbouring documents that stay on one side of the split
HELD_OUT = 10  # one block in so many is held out


def checksums(folder: Path) -> dict[str, str]:
    """Return {file name: SHA-256} as listed in the folder's SHA256SUMS."""
    lines = (folder / "SHA256SUMS").read_bytes().decode("utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def verified(name: str) -> bytes:
    """Return the bytes of a frozen file of data/text, such as "en/prose.txt".

    Raises: ValueError if they are not the bytes that were frozen; FileNotFoundError if it is gone.
    """
    content = paths.data("text", *name.split("/")).read_bytes()
    if sha256(content).hexdigest() != checksums(paths.data("text")).get(name):
        raise ValueError(
            f"data/text/{name}: changed since it was frozen (SHA256SUMS differs); "
            "restore it from the repository"
        )
    return content


def read_text(language: str = "en", parts: Sequence[str] | None = None) -> str:
    """Return the frozen text of a language: all parts, or those named, in the order of `PARTS`.

    Convention: documents end with a blank line; line ends are "\\n".
    Raises: ValueError for an unknown language or part, or a file that was changed.
    """
    expect_choice("language", language, PARTS)
    if isinstance(parts, str):
        raise bad_type("parts", "a sequence of names, such as ['prose']", parts)
    parts = PARTS[language] if parts is None else parts
    if not parts:
        raise bad_value("parts", f"at least one of {', '.join(PARTS[language])}", parts)
    for part in parts:
        expect_choice("parts", part, PARTS[language])
    wanted = [part for part in PARTS[language] if part in parts]
    return "".join(verified(f"{language}/{part}.txt").decode("utf-8") for part in wanted)


def documents(text: str) -> list[str]:
    """Return the documents of a text: stretches that end with a blank line, the blank line included."""
    return re.findall(r".+?(?:\n\n+|\Z)", text, re.DOTALL)


def split(text: str) -> tuple[str, str]:
    """Return (training, validation) text; every document is in exactly one of them.

    Documents are gathered, in order, into blocks of at least `BLOCK` characters; every tenth block is held
    out, so that neighbours stay together and a long text yields validation text from all of its parts.

    Raises: TypeError if `text` is not a string; ValueError if it is too short to hold out a block.
    """
    if not isinstance(text, str):
        raise bad_type("text", "a string", type(text).__name__)
    blocks = [""]
    for document in documents(text):
        if len(blocks[-1]) >= BLOCK:
            blocks.append("")
        blocks[-1] += document
    held_out = blocks[HELD_OUT - 1 :: HELD_OUT]
    if not held_out:
        raise bad_value("text", f"at least {HELD_OUT} blocks of {BLOCK} characters", len(text))
    return "".join(b for i, b in enumerate(blocks) if i % HELD_OUT != HELD_OUT - 1), "".join(held_out)


@lru_cache(maxsize=1)
def stories() -> bytes:
    """Return the training part of the English stories: what the experiments read."""
    return split(read_text("en", ["stories"]))[0].encode("utf-8")
