"""What the merges make of a word, what the longest match makes of it, and the fewest tokens that spell it."""

from collections import Counter
from collections.abc import Sequence

from glassbox.arguments import bad_type, expect_whole
from glassbox.attention.experiments.training import held_out_stories
from glassbox.tokens.experiments.language_models import story_tokenizer
from glassbox.tokens.tokenizer import Tokenizer

WAYS = ("merges", "longest_match", "fewest")


def fewest(tokenizer: Tokenizer, word: str) -> list[int]:
    """Return the fewest tokens that spell a word, by dynamic programming.

        best(0) = 0,   best(end) = 1 + min over tokens word[start:end] of best(start)

    Convention: of equally short ones, the one whose last token is longest.
    Raises: TypeError for a tokenizer that is not byte-level BPE.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    place, spelled = _bytewise(tokenizer), word.encode("utf-8")
    longest = max(map(len, place))
    best: list[tuple[int, int]] = [(0, 0)]
    for end in range(1, len(spelled) + 1):
        starts = (at for at in range(max(0, end - longest), end) if spelled[at:end] in place)
        best.append(min((best[at][0] + 1, at) for at in starts))
    found, end = [], len(spelled)
    while end:
        start = best[end][1]
        found.append(place[spelled[start:end]])
        end = start
    return found[::-1]


def longest_match(tokenizer: Tokenizer, word: str) -> list[int]:
    """Return the tokens of a word if at each place the longest that fits is taken, whatever the merges say.

    Raises: TypeError for a tokenizer that is not byte-level BPE.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    place, spelled = _bytewise(tokenizer), word.encode("utf-8")
    longest = max(map(len, place))
    found, at = [], 0
    while at < len(spelled):
        end = next(end for end in range(at + longest, at, -1) if spelled[at:end] in place)
        found.append(place[spelled[at:end]])
        at = min(end, len(spelled))
    return found


def _bytewise(tokenizer: Tokenizer) -> dict[bytes, int]:
    if not getattr(tokenizer.model, "bytewise", False):
        raise bad_type("tokenizer", "one with a byte-level BPE", tokenizer.model.kind)
    return tokenizer.model.place


def cut(tokenizer: Tokenizer, word: str) -> dict[str, list[int]]:
    """Return the ids of one word: by the `merges`, by `longest_match`, and the `fewest` that spell it."""
    found = {"merges": tokenizer.model.encode_word(word)}
    return found | {"longest_match": longest_match(tokenizer, word), "fewest": fewest(tokenizer, word)}


def _words(tokenizer: Tokenizer) -> Counter:
    return Counter(tokenizer.prepare.words(held_out_stories().decode("utf-8")))


def not_optimal(vocabulary: int = 512, n: int = 10) -> list[dict]:
    """Return held-out words whose merges give more tokens than the vocabulary needs.

    A row has `word` (with its space), `occurs`, `saved` (tokens that the fewest spare), and for "merges",
    "longest_match" and "fewest" the pieces, joined by spaces. The `n` words that lose most, the most frequent
    first among equals.

    Convention: a vocabulary of the training stories; a word is what its pattern cuts.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("n", n, 1)
    tokenizer, rows = story_tokenizer(vocabulary), []
    for word, occurs in _words(tokenizer).items():
        ways = cut(tokenizer, word)
        if saved := len(ways["merges"]) - len(ways["fewest"]):
            pieces = {way: " ".join(map(tokenizer.shown, ids)) for way, ids in ways.items()}
            rows.append({"word": word, "occurs": occurs, "saved": saved} | pieces)
    return sorted(rows, key=lambda row: (-row["saved"], -row["occurs"], row["word"]))[:n]


def three_ways(vocabularies: Sequence[int] = (512, 1024, 2048)) -> list[dict]:
    """Count the tokens of the held-out stories three ways, under vocabularies of the training stories.

    A row has `vocabulary`, `words` (different ones), the total tokens by `merges`, `longest_match` and
    `fewest`, and how many different words each of the first two cuts into more than the fewest
    (`merges_longer`, `longest_match_longer`), and `differ`: words that these two cut differently.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [_compared(size) for size in vocabularies]


def _compared(vocabulary: int) -> dict:
    tokenizer = story_tokenizer(vocabulary)
    words = _words(tokenizer)
    ways = {word: cut(tokenizer, word) for word in words}
    totals = {way: sum(n * len(ways[word][way]) for word, n in words.items()) for way in WAYS}
    longer = {
        f"{way}_longer": sum(len(found[way]) > len(found["fewest"]) for found in ways.values())
        for way in WAYS[:2]
    }
    differ = sum(found["merges"] != found["longest_match"] for found in ways.values())
    return {"vocabulary": vocabulary, "words": len(words)} | totals | longer | {"differ": differ}


def counts_by_prefix(word: str, vocabulary: int = 512) -> list[dict]:
    """Return the tokens of a word as it grows by one character: {"prefix", "tokens", "pieces"}.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    tokenizer = story_tokenizer(vocabulary)
    rows = []
    for end in range(1, len(word) + 1):
        ids = tokenizer.encode(word[:end])
        pieces = " ".join(map(tokenizer.shown, ids))
        rows.append({"prefix": word[:end], "tokens": len(ids), "pieces": pieces})
    return rows


def counts_not_monotone(vocabulary: int = 512, n: int = 10) -> list[dict]:
    """Return held-out words that take fewer tokens than they did one character earlier.

    A row has `word` (with its space), `occurs`, `tokens`, `before` (tokens without its last character) and
    `fall`. The `n` largest falls, the most frequent words first among equals. So a text cannot be cut to a
    number of tokens by counting its beginning, and a limit may be met by adding a character.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("n", n, 1)
    tokenizer, rows = story_tokenizer(vocabulary), []
    for word, occurs in _words(tokenizer).items():
        tokens, before = (len(tokenizer.model.encode_word(part)) for part in (word, word[:-1]))
        if tokens < before:
            rows.append(
                {"word": word, "occurs": occurs, "tokens": tokens, "before": before, "fall": before - tokens}
            )
    return sorted(rows, key=lambda row: (-row["fall"], -row["occurs"], row["word"]))[:n]
