"""How the generated parts of the corpus are made: `make_text("en", "stories", size)` at any size."""

from collections.abc import Callable

from glassbox.arguments import expect_choice, expect_whole
from glassbox.tiny import functions, grammar, sums
from glassbox.tiny.splitmix import SplitMix64

# (language, part): what draws one document, the seed, and the size of the frozen file in bytes
GENERATED: dict[tuple[str, str], tuple[Callable[[SplitMix64], str], int, int]] = {
    ("en", "stories"): (lambda draw: grammar.story("en", draw), 101, 270_000),
    ("en", "code"): (functions.function, 102, 90_000),
    ("en", "sums"): (sums.sums, 103, 50_000),
    ("zh", "stories"): (lambda draw: grammar.story("zh", draw), 104, 60_000),
}


def make_text(language: str, part: str, size: int | None = None) -> str:
    """Return generated text of at least `size` bytes (default: the frozen file's size).

    A longer text begins with the shorter one. No two documents are equal; a blank line ends each.

    Raises: ValueError for a part that is not generated or a size below 1.
    """
    expect_choice("(language, part)", (language, part), GENERATED)
    document, seed, frozen_size = GENERATED[language, part]
    size = frozen_size if size is None else size
    expect_whole("size", size, 1)
    return "".join(_documents(document, SplitMix64(seed), size))


def _documents(document: Callable[[SplitMix64], str], draw: SplitMix64, size: int):
    seen, written = set(), 0
    while written < size:
        text = document(draw)
        if text not in seen:
            seen.add(text)
            yield f"{text}\n\n"
            written += len(text.encode("utf-8")) + 2
