"""The substrings that Unigram training starts from."""

from collections import Counter
from collections.abc import Mapping


def substring_counts(words: Mapping[str, int], longest: int, least_count: int = 2) -> Counter:
    """Count the substrings of 2 to `longest` characters that occur `least_count` times.

    Convention: every place counts, overlapping ones too, times how often the word occurs. A substring is
        looked at only where the one shorter by its last character is frequent, so memory stays bounded.
    """
    found: Counter = Counter()
    places = [(word, n, range(len(word))) for word, n in words.items()]
    for length in range(2, longest + 1):
        counts: Counter = Counter()
        for word, n, starts in places:
            for start in starts:
                if start + length <= len(word):
                    counts[word[start : start + length]] += n
        frequent = {text: n for text, n in counts.items() if n >= least_count}
        found.update(frequent)
        places = [
            (word, n, kept)
            for word, n, starts in places
            if (kept := [start for start in starts if word[start : start + length] in frequent])
        ]
    return found


def seeds(words: Mapping[str, int], longest: int, most: int) -> dict[str, int]:
    """Return the pieces to start from, and what they start with: characters, then the best substrings.

        weight(character) = count,   weight(substring) = count * length

    Convention: a substring that is always followed by the same character is left out, as a suffix tree
        would have it. Of equal weights, the one that sorts first.
    """
    characters: Counter = Counter()
    for word, n in words.items():
        for character in word:
            characters[character] += n
    counts = substring_counts(words, longest)
    for text in sorted(counts, key=len, reverse=True):
        if counts.get(text[:-1]) == counts[text]:
            del counts[text[:-1]]
    ranked = sorted(counts, key=lambda text: (-counts[text] * len(text), text))[:most]
    return dict(sorted(characters.items())) | {text: counts[text] * len(text) for text in ranked}
