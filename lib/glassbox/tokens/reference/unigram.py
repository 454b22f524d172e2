"""Unigram as defined: a text is a sequence of pieces drawn independently; all of its segmentations count."""

from collections.abc import Iterator, Mapping
from math import exp, inf, log

Scores = Mapping[str, float]  # piece -> log-probability


def segmentations(word: str, scores: Scores) -> Iterator[tuple[str, ...]]:
    """Yield every way to write a word as pieces; the longest first piece comes first."""
    if not word:
        yield ()
    for end in range(len(word), 0, -1):
        if word[:end] in scores:
            for rest in segmentations(word[end:], scores):
                yield (word[:end], *rest)


def log_probability(pieces: tuple[str, ...], scores: Scores) -> float:
    return sum(scores[piece] for piece in pieces)


def log_likelihood(word: str, scores: Scores) -> float:
    """Return log P(word), the sum over all of its segmentations."""
    return log(sum(exp(log_probability(found, scores)) for found in segmentations(word, scores)))


def best(word: str, scores: Scores) -> tuple[str, ...] | None:
    """Return the most probable segmentation by Viterbi: the best way to reach each place, from the left.

    best(0) = 0,   best(end) = max over start of best(start) + score(word[start:end])
    """
    reached: list[float] = [0.0] + [-inf] * len(word)
    start_of = [0] * (len(word) + 1)
    for end in range(1, len(word) + 1):
        for start in range(end):
            score = reached[start] + scores.get(word[start:end], -inf)
            if score > reached[end]:
                reached[end], start_of[end] = score, start
    if reached[-1] == -inf:
        return None
    pieces, end = [], len(word)
    while end:
        pieces.append(word[start_of[end] : end])
        end = start_of[end]
    return tuple(reversed(pieces))


def expected_counts(words: Mapping[str, int], scores: Scores) -> dict[str, float]:
    """Return how often each piece is used, every segmentation weighted by its probability: the E step."""
    counts = dict.fromkeys(scores, 0.0)
    for word, n in words.items():
        total = log_likelihood(word, scores)
        for found in segmentations(word, scores):
            weight = n * exp(log_probability(found, scores) - total)
            for piece in found:
                counts[piece] += weight
    return counts
