"""The fewest tokens that a vocabulary allows for a word, whatever the merges make of it."""

from collections.abc import Collection, Sequence

from glassbox.tokens.reference.wordpiece import INSIDE


def fewest(symbols: Sequence[str], learned: Collection[str]) -> list[str]:
    """Return the shortest way to write a word in single symbols and `learned` tokens.

    Convention: a symbol is one character, or one with WordPiece's mark, which a token has in front alone.
        Of equally short ways, that whose last token is longest, and so on from the end.
    """
    plain = "".join(symbol[-1] for symbol in symbols)
    longest = max(map(len, learned), default=1)

    def token(start: int, end: int) -> str:
        mark = INSIDE if len(symbols[start]) > 1 else ""
        return mark + plain[start:end]

    count, start_of = [0], [0]
    for end in range(1, len(symbols) + 1):
        near = range(max(0, end - longest), end)
        starts = [at for at in near if at == end - 1 or token(at, end) in learned]
        best = min(starts, key=lambda at: (count[at], at))
        count.append(count[best] + 1)
        start_of.append(best)
    found, end = [], len(symbols)
    while end:
        found.append(token(start_of[end], end))
        end = start_of[end]
    return found[::-1]
