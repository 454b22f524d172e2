"""What training by merges does: the corpus that shrinks, and the pairs that BPE and WordPiece choose."""

from collections.abc import Sequence
from functools import lru_cache

from glassbox.arguments import expect_choice, expect_whole
from glassbox.tiny.text import stories
from glassbox.tokens.alphabet import show
from glassbox.tokens.bert import BertWords
from glassbox.tokens.counting import count_words
from glassbox.tokens.patterns import by_pattern
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import byte_merging
from glassbox.tokens.wordpiece import SCORES, train_wordpiece, wordpiece_merging


def merge_curve(
    merges: int = 2000, every: int = 100, text: str | None = None, pattern: str = "gpt2"
) -> list[dict]:
    """Train byte-level BPE; return how long the text is, in tokens, after every so many merges.

    A row has `pattern`, `merges`, `vocabulary`, `tokens`, `bytes_per_token`, `made` (how often the last merge
    was made; None in the first row), `pair` (its two tokens, printed), and `longest` (bytes of the longest
    token so far). The text is the training stories unless given.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("merges", merges, 1)
    expect_whole("every", every, 1)
    text = stories().decode("utf-8") if text is None else text
    merging = byte_merging(count_words([text], by_pattern(pattern)))
    size = tokens = len(text.encode("utf-8"))
    rows, made, pair = [], None, None
    for number in range(merges + 1):
        if number % every == 0:
            run = {"pattern": pattern, "merges": number, "vocabulary": len(merging.tokens), "tokens": tokens}
            run |= {"bytes_per_token": round(size / tokens, 4), "made": made, "pair": pair}
            rows.append(run | {"longest": max(map(len, merging.tokens))})
        if (merge := merging.step()) is None:
            break
        made, tokens = merging.merged, tokens - merging.merged
        pair = " + ".join(show(merging.tokens[part]) for part in merge[:2])
    return rows


def first_merges(n: int = 10, text: str | None = None, least_count: int = 2) -> list[dict]:
    """Return the first merges by count and by likelihood ratio, from the same words and characters.

        count: n(ab);   likelihood: n(ab) / (n(a) n(b))

    A row has `step`; `by_count` and `by_ratio` (the pair, printed), and for each how often it was made
    (`count`, `ratio_count`). Characters after the first of a word begin with "##". The text is the
    training stories unless given.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("n", n, 1)
    words = count_words([stories().decode("utf-8") if text is None else text], BertWords())
    columns = [_pairs(wordpiece_merging(words, score, least_count), n) for score in ("count", "likelihood")]
    return [
        {"step": step, "by_count": a[0], "count": a[1], "by_ratio": b[0], "ratio_count": b[1]}
        for step, (a, b) in enumerate(zip(*columns, strict=False), 1)
    ]


def _pairs(merging, n: int) -> list[tuple[str, int]]:
    found = []
    while len(found) < n and (merge := merging.step()) is not None:
        found.append((" + ".join(merging.tokens[part] for part in merge[:2]), merging.merged))
    return found


@lru_cache(maxsize=8)
def story_wordpiece(vocabulary: int, score: str) -> Tokenizer:
    """Return the WordPiece of the training stories whose merges are chosen by "count" or "likelihood"."""
    expect_choice("score", score, SCORES)
    return train_wordpiece([stories().decode("utf-8")], vocabulary, score=score)


def segmented_differently(vocabulary: int = 512, n: int = 10, words: Sequence[str] = ()) -> list[dict]:
    """Return words that the two scores cut differently, at the same size; both encode by longest match.

    A row has `word`, `occurs` (in the training stories), `by_count` and `by_ratio` (the pieces, joined
    by spaces), and their numbers `count_tokens`, `ratio_tokens`. The `n` most frequent such words,
    unless `words` are given.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("n", n, 1)
    counts = count_words([stories().decode("utf-8")], BertWords())
    ranked = list(words) or [word for word, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    rows = []
    for word in ranked:
        pieces = [
            [piece.shown for piece in story_wordpiece(vocabulary, score).pieces(word)]
            for score in ("count", "likelihood")
        ]
        if pieces[0] != pieces[1] or words:
            row = {"word": word, "occurs": counts[word]}
            row |= {"by_count": " ".join(pieces[0]), "by_ratio": " ".join(pieces[1])}
            rows.append(row | {"count_tokens": len(pieces[0]), "ratio_tokens": len(pieces[1])})
        if len(rows) == n and not words:
            break
    return rows
