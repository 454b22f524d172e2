"""BPE: the fast training and encoding equal the definition, the library's and the paper's own example."""

import json
import random
import time
import tracemalloc
from itertools import pairwise

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import BPE, Merge, train_bpe
from glassbox.tokens.alphabet import ordered, show, unshow, visible
from glassbox.tokens.counting import count_words
from glassbox.tokens.merging import Merging
from glassbox.tokens.patterns import by_pattern
from glassbox.tokens.reference import bpe as reference


def random_words(draw: random.Random, letters: str, n: int) -> dict:
    """Words over a small alphabet: many ties, many overlaps, tokens spelled in two ways."""
    size = len(letters)
    words = [tuple(draw.randrange(size) for _ in range(draw.randrange(1, 12))) for _ in range(n)]
    return {word: draw.randrange(1, 4) for word in words}


@pytest.fixture(scope="module")
def english():
    return read_text("en", ["prose"])[:30_000]


@pytest.fixture(scope="module")
def trained(english):
    return train_bpe([english], 700, special=["<|end|>"])


def test_the_example_of_the_paper():
    """Sennrich et al. 2016, algorithm 1: low 5, lower 2, newest 6, widest 3.

    e s, s t and t _ occur 9 times each, and es t and t _ again: the smaller ids go first, so t _ is merged
    before es t; the paper's code takes es t.
    """
    words = {b"low_": 5, b"lower_": 2, b"newest_": 6, b"widest_": 3}
    state = reference.start(words, sorted({bytes([c]) for word in words for c in word}))
    state = reference.train(state, len(state.tokens) + 4)
    assert state.tokens[-4:] == (b"es", b"t_", b"est_", b"lo")


def test_overlapping_pairs_are_counted_and_merged_from_the_left():
    state = reference.start({b"aaaaa": 1}, [b"a"])
    assert reference.pair_counts(state.words) == {(0, 0): 4}
    assert reference.step(state).words == {(1, 1, 0): 1}


@pytest.mark.parametrize("letters", ["a", "ab", "abc", "abcdefgh"])
@pytest.mark.parametrize("seed", range(8))
def test_incremental_training_makes_the_merges_of_the_definition(letters, seed):
    words = random_words(random.Random(seed), letters, 30)
    slow = reference.train(reference.State(words, tuple(letters)), 10**6)
    fast = Merging(words, tuple(letters))
    while fast.step():
        pass
    assert tuple(fast.tokens) == slow.tokens
    assert tuple(fast.merges.values()) == slow.merges


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_after_every_merge_are_those_of_counting_anew(seed):
    words = random_words(random.Random(seed), "ab", 20)
    state, fast = reference.State(words, ("a", "b")), Merging(words, ("a", "b"))
    while fast.step():
        state = reference.step(state)
        assert {pair: n for pair, n in fast.count.items() if n} == reference.pair_counts(state.words)


def test_two_spellings_of_a_token_share_one_id():
    words = {(0, 1): 9, (0, 1, 2): 5, (1, 2): 8, (3, 0, 1, 2): 1, (2, 0): 1}
    state = reference.train(reference.State(words, tuple("abcd")), 99)
    assert len(set(state.tokens)) == len(state.tokens)
    fast = Merging(words, tuple("abcd"))
    while fast.step():
        pass
    assert tuple(fast.merges.values()) == state.merges


def test_of_pairs_that_tie_the_smaller_ids_go_first():
    tied = Merging({(2, 1): 3, (0, 2): 3, (0, 1): 3}, ("a", "b", "c"))
    assert [tied.step() for _ in range(3)] == [Merge(0, 1, 3), Merge(0, 2, 4), Merge(2, 1, 5)]


def test_training_stops_where_pairs_are_too_rare():
    assert Merging({(0, 1): 3}, "ab", least_count=4).step() is None
    assert len(train_bpe(["ab ab"], 1000, least_count=2)) == 256 + 1  # " ab" comes once
    assert len(train_bpe(["ab ab"], 1000, least_count=1)) == 256 + 2


@pytest.mark.parametrize("seed", range(6))
def test_encoding_by_rank_is_the_definition_short_or_long(seed):
    draw = random.Random(seed)
    tokens = [*ordered()]
    merging = Merging({tuple(draw.choice((64, 65, 66)) for _ in range(30)): 1 for _ in range(20)}, tokens)
    for _ in range(60):
        merging.step()
    model = BPE(merging.tokens, list(merging.merges.values()))
    for length in (1, 2, 5, 30, 60):
        word = "".join(draw.choice("abc") for _ in range(length))
        wanted = reference.encode(model.symbols(word), model.merges)
        assert model._merge_short(model.symbols(word)) == wanted
        assert model._merge_long(model.symbols(word)) == wanted
        assert model.encode_word(word) == wanted


def test_greedy_merging_is_not_the_shortest_segmentation():
    tokens = [*ordered(), b"ab", b"bcd"]
    place = {token: number for number, token in enumerate(tokens)}
    merges = [Merge(place[b"a"], place[b"b"], 256)]
    assert [tokens[i] for i in BPE(tokens, merges).encode_word("abcd")] == [b"ab", b"c", b"d"]


def test_a_word_that_is_a_token_may_skip_the_merges():
    tokens = [*ordered(), b"ab", b"bc", b"abc"]
    a, b, c = (tokens.index(x) for x in (b"a", b"b", b"c"))
    merges = [Merge(b, c, 257), Merge(a, b, 256), Merge(256, c, 258)]
    assert BPE(tokens, merges).encode_word("abc") == [a, 257]
    assert BPE(tokens, merges, whole_words=True).encode_word("abc") == [258]


def least_seconds(work, times: int = 3) -> float:
    """Processor time, so that what else runs on the machine does not count."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def test_a_long_word_is_not_quadratic(trained):
    model = trained.model
    few, many = (
        least_seconds(lambda n=n: model._merge_long(model.symbols("ab" * n))) for n in (2_000, 16_000)
    )
    assert many < 30 * few  # n log n: about 9; n squared: 64
    few, many = (least_seconds(lambda n=n: model._merge_short(model.symbols("ab" * n))) for n in (150, 1_200))
    assert many > 30 * few


def test_a_training_on_one_long_word_is_not_quadratic():
    def work(n: int):
        draw = random.Random(0)
        train_bpe(["".join(draw.choice("abcdefgh") for _ in range(n))], 400, pattern="none")

    assert least_seconds(lambda: work(16_000), 1) < 30 * least_seconds(lambda: work(2_000), 1)


def test_ids_are_bytes_then_merges_then_special_tokens(trained):
    assert trained.model.tokens[:256] == ordered()
    assert [trained.encode(character) for character in '!"a'] == [[0], [1], [64]]
    assert len(trained) == 700 and trained.special == {"<|end|>": 699}
    assert 256 + 50_000 + 1 == 50_257


def test_the_byte_alphabet_is_the_one_of_gpt2():
    assert show(b" a\n") == "ĠaĊ" and unshow("ĠaĊ") == b" a\n"
    assert len(set(visible())) == 256 and all(sign.isprintable() for sign in visible())
    assert sorted(visible()) == [show(byte) for byte in ordered()]
    with pytest.raises(ValueError, match="text: expected characters of the byte alphabet; came '中'"):
        unshow("中")


def test_the_corpus_is_streamed(english):
    lines = english.splitlines(keepends=True)
    counts = count_words((line for line in lines), by_pattern("gpt2"))
    assert counts == sum((count_words([line], by_pattern("gpt2")) for line in lines), type(counts)())
    assert train_bpe(iter(lines), 300).model.tokens == train_bpe(lines, 300).model.tokens


def test_memory_does_not_grow_with_a_corpus_that_repeats_its_words(english):
    def peak(times: int) -> int:
        tracemalloc.start()
        count_words((english[:10_000] for _ in range(times)), by_pattern("gpt2"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(60) < 1.2 * peak(3) < 2_000_000


def test_a_bar_changes_nothing(english, capsys):
    assert train_bpe([english], 280, progress=True).model.tokens == train_bpe([english], 280).model.tokens
    assert "tokens made" in capsys.readouterr().out


@pytest.mark.parametrize(
    "error, said, arguments",
    [
        (TypeError, "texts: expected an iterable of strings", {"texts": "one string"}),
        (TypeError, r"texts\[1\]: expected a string", {"texts": ["a", 3]}),
        (ValueError, r"texts\[0\]: expected no lone surrogate.*at character 1", {"texts": ["a\ud800"]}),
        (
            ValueError,
            "vocabulary_size: expected a whole number >= 257",
            {"vocabulary_size": 256, "special": ["x"]},
        ),
        (ValueError, "least_count: expected a whole number >= 1", {"least_count": 0}),
        (TypeError, "special: expected a sequence of strings", {"special": "<|end|>"}),
        (ValueError, "special: expected names that differ", {"special": ["x", "x"]}),
        (ValueError, "pattern: expected", {"pattern": "a*"}),
    ],
)
def test_bad_arguments_are_named(error, said, arguments):
    with pytest.raises(error, match=said):
        train_bpe(**{"texts": ["text"], "vocabulary_size": 300, **arguments})


@pytest.mark.parametrize(
    "error, said, arguments",
    [
        (TypeError, "tokens: expected all bytes or all strings", ([b"a", "b"], [])),
        (ValueError, "tokens: expected all 256 single bytes; came 'none for byte 0'", ([b"a"], [])),
        (ValueError, "merges: expected ids below 256", (ordered(), [Merge(0, 1, 256)])),
    ],
)
def test_a_model_that_does_not_fit_together_is_refused(error, said, arguments):
    with pytest.raises(error, match=said):
        BPE(*arguments)


# ---- oracles


def library_training(texts: list[str], size: int):
    library = pytest.importorskip("tokenizers")
    level = library.pre_tokenizers.ByteLevel
    trainer = library.trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, show_progress=False, initial_alphabet=level.alphabet()
    )
    other = library.Tokenizer(library.models.BPE())
    other.pre_tokenizer = level(add_prefix_space=False)
    other.train_from_iterator(texts, trainer)
    return other


@pytest.mark.parametrize("language, part", [("en", "prose"), ("en", "code"), ("zh", "stories")])
def test_the_library_makes_the_same_merges_and_ids(language, part):
    texts = read_text(language, [part])[:40_000].splitlines(keepends=True)
    ours, other = train_bpe(texts, 900), library_training(texts, 900)
    model = json.loads(other.to_str())["model"]
    tokens = [show(token) for token in ours.model.tokens]
    assert dict(zip(tokens, range(900), strict=True)) == model["vocab"]
    assert [[tokens[merge.left], tokens[merge.right]] for merge in ours.model.merges] == model["merges"]
    held_out = read_text("en", ["code"])[-5_000:] + read_text("zh", ["prose"])[:3_000]
    assert ours.encode(held_out) == other.encode(held_out).ids


def test_tiktoken_makes_the_same_ids(trained):
    """It merges any pair that spells a token, not only listed pairs: on trained merges the ids agree."""
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {token: number for number, token in enumerate(trained.model.tokens)}
    rule = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    other = tiktoken.Encoding("ours", pat_str=rule, mergeable_ranks=ranks, special_tokens={"<|end|>": 699})
    text = read_text("en", ["code"])[:20_000] + read_text("zh", ["prose"])[:3_000] + "🤖 𝔸 a" * 9 + "a" * 500
    assert trained.encode(text) == other.encode_ordinary(text)
    assert trained.encode("<|end|>x", allowed="all") == other.encode("<|end|>x", allowed_special="all")


def test_tiktoken_merges_pairs_that_were_never_learned():
    tiktoken = pytest.importorskip("tiktoken")
    tokens = [*ordered(), b"bc", b"ab", b"abc"]
    a, b, c = (tokens.index(x) for x in (b"a", b"b", b"c"))
    ours = BPE(tokens, [Merge(b, c, 256), Merge(a, b, 257), Merge(257, c, 258)])
    ranks = {token: number for number, token in enumerate(tokens)}
    other = tiktoken.Encoding("ours", pat_str=r"\w+", mergeable_ranks=ranks, special_tokens={})
    assert ours.encode_word("abc") == [a, 256] and other.encode_ordinary("abc") == [258]


def test_words_keep_apart_what_the_pattern_cuts(trained):
    for token in trained.model.tokens[256:]:
        text = token.decode("utf-8", "ignore")
        assert all(not (left.isalpha() and right.isspace()) for left, right in pairwise(text))
