"""How fast training and encoding are beside others: `python -m glassbox.tokens.experiments --only speed`.

Each candidate does the same work on the same text in the same run, in turn, several times, on one thread; the
best of its times counts, since whatever else runs on a machine only adds to a time.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise

from glassbox.arguments import expect_whole
from glassbox.measured import Shape
from glassbox.tiny.recipe import make_text
from glassbox.tiny.text import documents
from glassbox.tokens.exchange import to_tokenizer_json
from glassbox.tokens.patterns import PATTERNS, by_pattern
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import train_bpe

PARTS = {("en", "stories"): 0.37, ("en", "code"): 0.31, ("en", "sums"): 0.16, ("zh", "stories"): 0.16}
SPEED = Shape("run", 1, ("seconds",))
ONE_THREAD = {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}


@cache
def corpus(size: int = 3_200_000) -> tuple[str, ...]:
    """Return about `size` bytes of documents by the recipe of the frozen text: stories, code, sums, Chinese.

    Raises: ValueError for a size below 1000.
    """
    expect_whole("size", size, 1_000)
    texts = (make_text(*part, int(share * size)) for part, share in PARTS.items())
    return tuple(document for text in texts for document in documents(text))


def best_seconds(work: Mapping[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Run every piece of work in turn, `times` rounds, and return the least seconds of each."""
    least = dict.fromkeys(work, float("inf"))
    for _ in range(times):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - start)
    return least


def training_speed(
    size: int = 3_200_000, vocabulary_size: int = 8_000, times: int = 3, slice_size: int = 200_000
) -> list[dict]:
    """Return how long it takes to train byte-level BPE, a row for each candidate that is installed.

    A row has `candidate`, `seconds`, `bytes`, `merges`, and `measured`: False where the time is extrapolated.
    "rescan" counts every pair of the text anew for every merge, as most teaching code does. It is timed for 8
    merges on `slice_size` bytes, and its time is what that makes for all merges if the text were from the
    start as short as it is at the end: less than it really takes.

    Raises: ValueError for bad sizes.
    """
    expect_whole("vocabulary_size", vocabulary_size, 257)
    expect_whole("times", times, 1)
    expect_whole("slice_size", slice_size, 1_000)
    texts = corpus(size)
    work: dict[str, Callable] = {"glassbox": lambda: train_bpe(texts, vocabulary_size)}
    if find_spec("tokenizers"):
        work["tokenizers"] = lambda: train_with_library(texts, vocabulary_size)
    seconds = best_seconds(work, times)
    trained = train_bpe(texts, vocabulary_size)
    merges, left = len(trained.model.merges), sum(len(trained.encode(text)) for text in texts)
    seconds["rescan"] = rescan_seconds(texts, slice_size) * left * merges
    n_bytes = sum(len(text.encode("utf-8")) for text in texts)
    return [
        {
            "candidate": name,
            "seconds": spent,
            "bytes": n_bytes,
            "merges": merges,
            "measured": name != "rescan",
        }
        for name, spent in seconds.items()
    ]


def train_with_library(texts: tuple[str, ...], vocabulary_size: int):
    """Train the same with the tokenizers library."""
    os.environ.update(ONE_THREAD)
    import tokenizers

    level = tokenizers.pre_tokenizers.ByteLevel
    other = tokenizers.Tokenizer(tokenizers.models.BPE())
    other.pre_tokenizer = level(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary_size, min_frequency=2, show_progress=False, initial_alphabet=level.alphabet()
    )
    other.train_from_iterator(texts, trainer)
    return other


def rescan(words: list[list[int]], merges: int) -> list[list[int]]:
    """Make so many merges on a text cut into words, and before each count all pairs of the text anew."""
    for new in range(256, 256 + merges):
        counts: dict[tuple[int, int], int] = {}
        for word in words:
            for pair in pairwise(word):
                counts[pair] = counts.get(pair, 0) + 1
        pair = max(counts, key=counts.__getitem__)
        words = [_replaced(word, pair, new) for word in words]
    return words


def _replaced(word: list[int], pair: tuple[int, int], new: int) -> list[int]:
    out, at, last = [], 0, len(word) - 1
    while at <= last:
        if at < last and word[at] == pair[0] and word[at + 1] == pair[1]:
            out.append(new)
            at += 2
        else:
            out.append(word[at])
            at += 1
    return out


def rescan_seconds(texts: Sequence[str], slice_size: int, merges: int = 8) -> float:
    """Return the seconds that counting anew takes for each id of the text and each merge."""
    words: list[list[int]] = []
    for text in texts[:: max(sum(map(len, texts)) // slice_size, 1)]:
        words += [list(word.encode("utf-8")) for word in by_pattern("gpt2").words(text)]
    n = sum(map(len, words))
    return best_seconds({"rescan": lambda: rescan(words, merges)}, 1)["rescan"] / (n * merges)


def encoding_speed(size: int = 3_200_000, vocabulary_size: int = 8_000, times: int = 5) -> list[dict]:
    """Return how long it takes to encode the corpus, a row for each candidate that is installed.

    A row has `candidate`, `seconds`, `bytes`, `megabytes_per_second`, and `same_ids`: whether the ids are
    those of "glassbox". All have the same vocabulary and take the documents one by one, on one thread.
    "glassbox, cold" begins each time with an empty word cache; the libraries' own caches stay as they are.

    Raises: ValueError for bad sizes.
    """
    texts = corpus(size)
    n_bytes = sum(len(text.encode("utf-8")) for text in texts)
    trained = train_bpe(texts, vocabulary_size)
    work = _encoders(trained, texts)
    ids = {name: run() for name, run in work.items()}
    return [
        {
            "candidate": name,
            "seconds": spent,
            "bytes": n_bytes,
            "megabytes_per_second": n_bytes / spent / 1e6,
            "same_ids": ids[name] == ids["glassbox"],
        }
        for name, spent in best_seconds(work, times).items()
    ]


def _encoders(trained: Tokenizer, texts: tuple[str, ...]) -> dict[str, Callable[[], list]]:
    def cold() -> list:
        fresh = Tokenizer(trained.prepare, trained.model)
        return [fresh.encode(text) for text in texts]

    work = {"glassbox": lambda: [trained.encode(text) for text in texts], "glassbox, cold": cold}
    if find_spec("tokenizers"):
        os.environ.update(ONE_THREAD)
        import tokenizers

        library = tokenizers.Tokenizer.from_str(to_tokenizer_json(trained))
        work["tokenizers"] = lambda: [library.encode(text).ids for text in texts]
        work["tokenizers, batch"] = lambda: [one.ids for one in library.encode_batch_fast(list(texts))]
    if find_spec("tiktoken"):
        import tiktoken

        ranks = {token: number for number, token in enumerate(trained.model.tokens)}
        other = tiktoken.Encoding("ours", pat_str=PATTERNS["gpt2"], mergeable_ranks=ranks, special_tokens={})
        work["tiktoken"] = lambda: [other.encode_ordinary(text) for text in texts]
    return work


def ratios(rows: list[dict]) -> dict[str, float]:
    """Return the seconds of each candidate, divided by those of "glassbox"."""
    own = next(row["seconds"] for row in rows if row["candidate"] == "glassbox")
    return {row["candidate"]: row["seconds"] / own for row in rows}


def speed(times: int = 5, size: int = 3_200_000) -> list[dict]:
    """Return both measurements as rows that can be shipped.

    A row has `work` ("train", "encode"), `candidate`, `bytes`, `measured` (0 where extrapolated), `run` and
    `seconds`: the best of so many.
    """
    rows = [row | {"work": "train"} for row in training_speed(size, times=times)]
    rows += [row | {"work": "encode", "measured": True} for row in encoding_speed(size, times=times)]
    names = ("work", "candidate", "bytes")
    return [
        {name: row[name] for name in names}
        | {"measured": int(row["measured"]), "run": 1, "seconds": row["seconds"]}
        for row in rows
    ]
