"""The corpus as training sees it: how often each word occurs. The corpus is streamed; its words are kept."""

from collections import Counter
from collections.abc import Iterable

from glassbox.arguments import bad_type
from glassbox.tokens.tokenizer import expect_text


def count_words(texts: Iterable[str], prepare, progress: bool = False) -> Counter:
    """Return how often each word occurs in the texts.

    Convention: a text is prepared alone, so no word crosses from one to the next. Memory grows with the
        number of different words, not with the corpus.
    Raises: TypeError if `texts` is one string, or holds what is no string; ValueError for lone surrogates.
    """
    if isinstance(texts, str):
        raise bad_type("texts", "an iterable of strings, such as [text]", "one string")
    counts: Counter = Counter()
    for number, text in enumerate(shown(texts, "texts read", progress)):
        expect_text(f"texts[{number}]", text)
        counts.update(prepare.words(text))
    return counts


def shown(steps: Iterable, what: str, progress: bool, total: int | None = None) -> Iterable:
    """Return the steps, with a bar in the terminal or the notebook if `progress`."""
    if not progress:
        return steps
    from rich.progress import track

    return track(steps, description=what, total=total)
