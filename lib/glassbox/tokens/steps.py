"""What a figure or a table shows of an algorithm at work, as plain rows."""

from collections.abc import Iterable
from math import exp

from glassbox.arguments import bad_type, expect_choice, expect_whole
from glassbox.tokens.alphabet import ordered, show
from glassbox.tokens.bert import BertWords
from glassbox.tokens.patterns import by_pattern
from glassbox.tokens.reference import bpe, wordpiece
from glassbox.tokens.tokenizer import Tokenizer, expect_text
from glassbox.tokens.unigram import Unigram, forward, sample


def merge_rows(
    text: str, steps: int, algorithm: str = "bpe", pattern: str = "gpt2", least_count: int = 1, top: int = 6
) -> list[dict]:
    """Train on one text by the definition; return a row before the first merge and one after each.

    A row has `step`, `left`, `right`, `new` (the merge just made, printed; None in the first row), `count`
    (how often it was made), `vocabulary` and `tokens` (sizes of the vocabulary and of the text),
    `pieces` (the text, token by token: {"token", "id"}), and `table`: the `top` pairs that come next, best
    first, each {"left", "right", "count", "score"}.

    Convention: "bpe" works on bytes and words of `pattern`, its score is the count; "wordpiece" on the words
        of BERT, its score the likelihood ratio. Fewer rows if no pair occurs `least_count` times.
    Raises: TypeError, ValueError for a bad text, algorithm, pattern or number.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_text("text", text)
    expect_whole("steps", steps, 0)
    expect_whole("least_count", least_count, 1)
    expect_whole("top", top, 0)
    expect_choice("algorithm", algorithm, ("bpe", "wordpiece"))
    prepare = by_pattern(pattern) if algorithm == "bpe" else BertWords()
    words = prepare.words(text)
    state, spelled = _start(words, algorithm)
    rows = [_row(0, state, None, 0, [spelled[word] for word in words], algorithm, least_count, top)]
    for number in range(1, steps + 1):
        chooser = bpe if algorithm == "bpe" else wordpiece
        if (pair := chooser.choose(state, least_count)) is None:
            break
        before = sum(len(spelled[word]) for word in words)
        state = chooser.step(state, least_count)
        merge = next(merge for merge in state.merges if merge[:2] == pair)
        spelled = {word: bpe.replaced(symbols, merge) for word, symbols in spelled.items()}
        made = before - sum(len(spelled[word]) for word in words)
        in_order = [spelled[word] for word in words]
        rows.append(_row(number, state, merge, made, in_order, algorithm, least_count, top))
    return rows


def _start(words: Iterable[str], algorithm: str) -> tuple[bpe.State, dict[str, tuple[int, ...]]]:
    """Return the state before the first merge, and each word in its symbols."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    if algorithm == "bpe":
        state = bpe.start({word.encode("utf-8"): n for word, n in counts.items()}, ordered())
    else:
        state = wordpiece.start(counts)
    return state, dict(zip(counts, state.words, strict=True))


def _row(number, state, merge, made, words, algorithm, least_count, top) -> dict:
    printed = [show(token) if isinstance(token, bytes) else token for token in state.tokens]
    left, right, new = (None, None, None) if merge is None else (printed[symbol] for symbol in merge)
    counts = {pair: n for pair, n in bpe.pair_counts(state.words).items() if n >= least_count}
    scores = counts if algorithm == "bpe" else wordpiece.scores(state.words, least_count)
    ranked = sorted(scores, key=lambda pair: (-scores[pair], pair))[:top]
    return {
        "step": number,
        "left": left,
        "right": right,
        "new": new,
        "count": made,
        "vocabulary": len(state.tokens),
        "tokens": sum(map(len, words)),
        "pieces": [{"token": printed[symbol], "id": symbol} for word in words for symbol in word],
        "table": [
            {"left": printed[a], "right": printed[b], "count": counts[a, b], "score": scores[a, b]}
            for a, b in ranked
        ],
    }


def lattice_rows(tokenizer: Tokenizer, word: str) -> list[dict]:
    """Return every piece that fits somewhere in a prepared word: the edges of its Unigram lattice.

    A row has `start` and `end` (places in the word), `token`, `id`, `log_probability`, `best` (on the Viterbi
    path), and `share`: the probability that a segmentation of this word, drawn at random, uses it.

    Raises: TypeError for another model than Unigram; ValueError for a bad word.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    model = _unigram(tokenizer)
    expect_text("word", word)
    ending, best = model.edges(word), set(model.best_path(word))
    beginning = [[edge for edges in ending for edge in edges if edge.start == at] for at in range(len(word))]
    alphas, betas = forward(ending), _backward(beginning)
    return [
        {
            "start": edge.start,
            "end": edge.end,
            "token": word[edge.start : edge.end],
            "id": edge.token,
            "log_probability": edge.score,
            "best": edge in best,
            "share": exp(alphas[edge.start] + edge.score + betas[edge.end] - alphas[-1]),
        }
        for edges in beginning
        for edge in edges
    ]


def _backward(beginning: list) -> list[float]:
    """Return for each place the log of the summed probability of all ways from there to the end."""
    n = len(beginning)
    turned = [
        [edge._replace(start=n - edge.end, end=n - edge.start) for edge in edges] for edges in beginning
    ]
    return forward([[], *reversed(turned)])[::-1]


def viterbi_rows(tokenizer: Tokenizer, word: str) -> list[dict]:
    """Return the table that Viterbi fills, one row for each place of a prepared word but the first.

    A row has `end`, `tried`: every piece that ends there with the best total through it ({"token", "start",
    "total"}), best first, and `total` and `token` of the winner.

    Raises: TypeError for another model than Unigram; ValueError for a bad word.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    model = _unigram(tokenizer)
    expect_text("word", word)
    reached, rows = [0.0], []
    for end, edges in enumerate(model.edges(word)[1:], start=1):
        tried = [
            {"token": word[edge.start : end], "start": edge.start, "total": reached[edge.start] + edge.score}
            for edge in edges
        ]
        tried.sort(key=lambda one: -one["total"])
        reached.append(tried[0]["total"])
        rows.append({"end": end, "tried": tried, "total": tried[0]["total"], "token": tried[0]["token"]})
    return rows


def sample_rows(tokenizer: Tokenizer, text: str, n: int, alpha: float = 1.0, seed: int = 0) -> list[dict]:
    """Return the segmentations among `n` draws, the most frequent first: {"pieces", "ids", "count"}.

    Raises: as `sample`; ValueError for n below 1.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("n", n, 1)
    counts: dict[tuple[int, ...], int] = {}
    for number in range(n):
        ids = tuple(sample(tokenizer, text, seed * n + number, alpha))
        counts[ids] = counts.get(ids, 0) + 1
    ranked = sorted(counts, key=lambda ids: (-counts[ids], ids))
    return [
        {"pieces": [*map(tokenizer.shown, ids)], "ids": list(ids), "count": counts[ids]} for ids in ranked
    ]


def _unigram(tokenizer: Tokenizer) -> Unigram:
    if not isinstance(tokenizer.model, Unigram):
        raise bad_type("tokenizer", "one with a Unigram model", type(tokenizer.model).__name__)
    return tokenizer.model
