"""WordPiece as defined: merge the pair that its parts' counts explain least; encode by the longest match."""

from collections import Counter
from collections.abc import Collection, Mapping

from glassbox.tokens.reference.bpe import State, merged, pair_counts

INSIDE = "##"  # begins every token that continues a word


def start(words: Mapping[str, int]) -> State:
    """Spell every word in characters, those after the first with the mark; sorted, plain ones first."""
    spelled = {tuple(word[:1]) + tuple(INSIDE + c for c in word[1:]): n for word, n in words.items() if word}
    symbols = {symbol for word in spelled for symbol in word}
    tokens = tuple(sorted(symbols, key=lambda symbol: (len(symbol), symbol)))
    place = {token: number for number, token in enumerate(tokens)}
    return State({tuple(map(place.__getitem__, word)): n for word, n in spelled.items()}, tokens)


def joined(left: str, right: str) -> str:
    return left + right.removeprefix(INSIDE)


def scores(words: Mapping[tuple[int, ...], int], least_count: int = 1) -> dict[tuple[int, int], float]:
    """Score each pair: count(pair) / (count(left) * count(right))."""
    single: Counter = Counter()
    for word, n in words.items():
        for symbol in word:
            single[symbol] += n
    counts = pair_counts(words)
    return {pair: n / (single[pair[0]] * single[pair[1]]) for pair, n in counts.items() if n >= least_count}


def choose(state: State, least_count: int = 1) -> tuple[int, int] | None:
    """Return the pair with the highest score; of equals, the one with the smaller ids."""
    found = scores(state.words, least_count)
    return min(found, key=lambda pair: (-found[pair], pair), default=None)


def step(state: State, least_count: int = 1) -> State:
    """Make one merge; return the state as it came if no pair occurs `least_count` times."""
    pair = choose(state, least_count)
    return state if pair is None else merged(state, pair, joined(*(state.tokens[symbol] for symbol in pair)))


def encode(word: str, tokens: Collection[str]) -> list[str] | None:
    """Take the longest token that fits, again and again; None if at some place none fits."""
    out, at = [], 0
    while at < len(word):
        mark = INSIDE if at else ""
        fits = [end for end in range(at + 1, len(word) + 1) if mark + word[at:end] in tokens]
        if not fits:
            return None
        out.append(mark + word[at : fits[-1]])
        at = fits[-1]
    return out
