"""The fewest tokens that a vocabulary allows for a word, whatever the merges make of it."""

from collections.abc import Collection, Sequence

from glassbox.tokens.reference.wordpiece import INSIDE


def joined(symbols: Sequence[str]) -> str:
    """Return the token that neighbouring symbols spell; the mark of WordPiece stays in front alone."""
    return symbols[0] + "".join(symbol.removeprefix(INSIDE) for symbol in symbols[1:])


def fewest(symbols: Sequence[str], learned: Collection[str]) -> list[str]:
    """Return the shortest way to write a word in single symbols and `learned` tokens.

    Convention: of equally short ones, that whose last token is longest, and so on from the end.
    """
    count, start_of = [0], [0]
    for end in range(1, len(symbols) + 1):
        starts = [at for at in range(end) if at == end - 1 or joined(symbols[at:end]) in learned]
        best = min(starts, key=lambda at: (count[at], at))
        count.append(count[best] + 1)
        start_of.append(best)
    found, end = [], len(symbols)
    while end:
        found.append(joined(symbols[start_of[end] : end]))
        end = start_of[end]
    return found[::-1]
