"""Unigram: sums over lattices equal enumeration, EM climbs, and other libraries choose the same pieces."""

import math
import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from glassbox.tiny import read_text
from glassbox.tokens import Unigram, em_start, em_step, load, marked, prune, sample, save, train_unigram
from glassbox.tokens.counting import count_words
from glassbox.tokens.lattice import best_paths, expected_counts, lattice_of, path_sums
from glassbox.tokens.marked import MARK
from glassbox.tokens.reference import unigram as reference
from glassbox.tokens.seeding import seeds, substring_counts
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.unigram_training import losses

TEXT = read_text("en", ["prose"])[:30_000]
LINES = [line for line in TEXT.splitlines() if line]


def string(draw: random.Random, least: int, most: int) -> str:
    return "".join(draw.choice("abc") for _ in range(draw.randrange(least, most)))


def random_scores(draw: random.Random) -> dict[str, float]:
    pieces = {"a", "b", "c"} | {string(draw, 2, 5) for _ in range(12)}
    return {piece: math.log(draw.uniform(0.01, 1)) for piece in sorted(pieces)}


def random_words(draw: random.Random) -> dict[str, int]:
    return {string(draw, 1, 9): draw.randrange(1, 4) for _ in range(9)}


def arrays(words: dict, scores: dict):
    lattice = lattice_of(list(words), {piece: i for i, piece in enumerate(scores)}, 4)
    return lattice, np.array(list(scores.values())), np.array(list(words.values()), dtype=float)


@pytest.fixture(scope="module")
def trained():
    return train_unigram(LINES, 500, special=["<s>"])


# ---- the lattice


@pytest.mark.parametrize("seed", range(10))
def test_sums_counts_and_best_paths_equal_enumeration(seed):
    draw = random.Random(seed)
    words, scores = random_words(draw), random_scores(draw)
    lattice, values, weights = arrays(words, scores)
    total = [reference.log_likelihood(word, scores) for word in words]
    assert path_sums(lattice, values)[lattice.last] == pytest.approx(total, rel=1e-12)
    assert path_sums(lattice, values, backwards=True)[lattice.first] == pytest.approx(total, rel=1e-12)
    found = expected_counts(lattice, values, weights)
    assert found.counts == pytest.approx(list(reference.expected_counts(words, scores).values()), abs=1e-12)
    assert found.log_likelihood == pytest.approx(np.dot(weights, total), rel=1e-12)
    paths, pieces = best_paths(lattice, values), list(scores)
    for number, word in enumerate(words):
        best = reference.best(word, scores)
        edges = paths.edges[lattice.word[paths.edges] == number]
        assert tuple(pieces[lattice.piece[edge]] for edge in edges[::-1]) == best
        assert paths.sizes[number] == len(best)
        most = max(reference.log_probability(way, scores) for way in reference.segmentations(word, scores))
        assert reference.log_probability(best, scores) == pytest.approx(most, rel=1e-12)


def test_a_word_that_no_pieces_spell_has_no_path():
    lattice, values, _ = arrays({"ad": 1, "a": 1}, {"a": -1.0})
    assert path_sums(lattice, values)[lattice.last].tolist() == [-math.inf, -1.0]
    assert best_paths(lattice, values).sizes.tolist() == [0, 1]
    assert reference.best("ad", {"a": -1.0}) is None


def test_a_lattice_may_lose_edges():
    words, scores = {"abab": 1}, {"a": -1.0, "b": -1.0, "ab": -1.5}
    lattice, values, _ = arrays(words, scores)
    less = lattice.keep(lattice.piece != 2)
    assert path_sums(less, values)[less.last[0]] == pytest.approx(-4.0)


# ---- training


def state_of(words: dict, scores: dict):
    lattice, values, weights = arrays(words, scores)
    return em_start({"a": 1})._replace(pieces=tuple(scores), scores=values, lattice=lattice, weights=weights)


@pytest.mark.parametrize("seed", range(5))
def test_a_step_makes_expected_counts_probabilities(seed):
    draw = random.Random(seed)
    words, scores = random_words(draw), random_scores(draw)
    counts = {p: n for p, n in reference.expected_counts(words, scores).items() if n > 0}
    after = em_step(state_of(words, scores), sparse=False)
    assert after.pieces == tuple(counts)
    wanted = [n / sum(counts.values()) for n in counts.values()]
    assert np.exp(after.scores) == pytest.approx(wanted, rel=1e-9)


def test_without_the_prior_no_step_lowers_the_likelihood():
    state = em_start(count_words(LINES, marked()), 2_000)
    found = []
    for _ in range(6):
        state = em_step(state, sparse=False)
        found.append(state.log_likelihood)
    assert all(after >= before for before, after in pairwise(found)) and found[-1] > found[0]


def test_the_prior_makes_rare_pieces_rarer_and_drops_the_rarest():
    state = em_start(count_words(LINES, marked()), 2_000)
    plain, sparse = em_step(state, sparse=False), em_step(state)
    assert len(sparse.pieces) < len(plain.pieces)
    known = {p: n for p, n in zip(plain.pieces, plain.scores, strict=True) if len(p) > 1}
    after = dict(zip(sparse.pieces, sparse.scores, strict=True))
    change = {piece: after[piece] - known[piece] for piece in known.keys() & after.keys()}
    rare, common = (f(change, key=lambda piece: known[piece]) for f in (min, max))
    assert change[rare] < change[common]
    assert {piece for piece in plain.pieces if len(piece) == 1} <= set(sparse.pieces)


def test_the_loss_of_a_piece_is_that_of_replacing_it():
    """ab: used 4 times of 8, replaced by a b; a: no replacement."""
    scores = {"a": math.log(0.25), "b": math.log(0.25), "ab": math.log(0.5)}
    state = state_of({"ab": 4, "a": 2, "b": 2}, scores)
    after = math.log(4 / 8) - 2 * math.log((2 + 4) / (8 + 4))
    assert losses(state) == pytest.approx([math.inf, math.inf, 4 * after])
    assert prune(state, 2).pieces == ("a", "b")
    assert prune(state, 3).pieces == ("a", "b", "ab")


def test_a_piece_that_is_never_best_is_worth_nothing():
    scores = {"a": -0.1, "b": -0.1, "ab": -9.0}
    assert losses(state_of({"ab": 4}, scores))[2] == 0


def test_seeds_are_characters_then_frequent_substrings():
    words = {"abcab": 2, "abd": 1}
    assert substring_counts(words, 3) == {"ab": 5, "bc": 2, "ca": 2, "abc": 2, "bca": 2, "cab": 2}
    assert seeds(words, 3, 2) == {"a": 5, "b": 5, "c": 2, "d": 1, "ab": 10, "abc": 6}


def test_a_long_seed_goes_before_a_more_frequent_short_one():
    assert set(seeds({"abcd": 3, "xy": 5}, 4, 1)) == {*"abcdxy", "abcd"}


def test_a_substring_that_always_goes_on_is_no_seed():
    found = seeds({"abc": 3, "xbc": 2}, 3, 99)
    assert "ab" not in found and found["abc"] == 9 and found["bc"] == 10


def test_substrings_are_those_of_counting_all():
    words = count_words(LINES[:40], marked())
    every = Counter()
    for word, n in words.items():
        for start in range(len(word)):
            for end in range(start + 2, min(len(word), start + 6) + 1):
                every[word[start:end]] += n
    assert substring_counts(words, 6, 3) == {text: n for text, n in every.items() if n >= 3}


def test_a_trained_vocabulary(trained):
    tokens, scores = trained.model.tokens, np.array(trained.model.scores)
    assert len(trained) == 500 and trained.special == {"<s>": 499} and tokens[0] == "<unk>"
    assert (np.diff(scores[1:]) <= 0).all() and np.exp(scores[1:]).sum() == pytest.approx(1)
    assert {c for word in count_words(LINES, marked()) for c in word} <= set(tokens)


# ---- encoding


def test_encoding_is_viterbi(trained):
    scores = {piece: trained.model.scores[i] for piece, i in trained.model.pieces.items()}
    for word in count_words(LINES, marked()):
        assert tuple(trained.shown(i) for i in trained.model.encode_word(word)) == reference.best(
            word, scores
        )


def test_of_equal_segmentations_the_last_piece_is_longest():
    model = Unigram(["<unk>", "a", "aa"], [-9.0, -1.0, -1.0])
    assert [model.shown(i) for i in model.encode_word("aaa")] == ["a", "aa"]


def test_unknown_characters_are_one_token_or_bytes(trained):
    assert [p.shown for p in trained.pieces("\u4e2d\u6587")] == ["\u2581", "<unk>"]
    bytewise = train_unigram(LINES[:60], 500, byte_fallback=True)
    assert [p.shown for p in bytewise.pieces("\u4e2d")] == ["\u2581", "<0xE4>", "<0xB8>", "<0xAD>"]
    text = "\u4e2d\u6587 model \U0001f916 e\u0301"
    assert bytewise.decode(bytewise.encode(text)) == marked().normal(text)


def test_an_unknown_character_costs_ten_more_than_the_rarest_piece():
    """a is no piece: ab c, or <unk> bc with -18 - 1 where the rarest piece has -8."""
    tokens = ["<unk>", "ab", "c", "bc"]
    assert Unigram(tokens, [-1.0, -8.0, -8.0, -1.0]).encode_word("abc") == [1, 2]
    assert Unigram(tokens, [-1.0, -7.0, -7.0, -1.0]).unknown_score == -17.0


def test_text_that_looks_like_a_byte_token_is_text():
    tokenizer = train_unigram(["<0x41> <unk> <0x41> <unk>"] * 4, 300, byte_fallback=True)
    ids = tokenizer.encode("<0x41> <unk>")
    assert tokenizer.decode(ids) == "<0x41> <unk>" and tokenizer.model.unknown not in ids


def test_samples_follow_the_probabilities():
    """Chi-square over all segmentations; other distributions are far off, as the last line says."""
    scores = {
        "a": -2.0,
        "b": -2.5,
        "ab": -3.0,
        "ba": -3.5,
        "bab": -4.0,
        "aba": -5.0,
        MARK: -1.0,
        MARK + "a": -3.0,
    }
    tokenizer = Tokenizer(marked(), Unigram(["<unk>", *scores], [-9.0, *scores.values()]))
    text, alpha, n = "abab", 0.8, 800
    ways = list(reference.segmentations(MARK + text, scores))
    weight = np.exp([alpha * reference.log_probability(way, scores) for way in ways])
    drawn = Counter(tuple(map(tokenizer.shown, sample(tokenizer, text, seed, alpha))) for seed in range(n))
    assert set(drawn) <= set(ways) and len(ways) > 8

    def chi(weight) -> float:
        expected = n * weight / weight.sum()
        return sum((drawn[way] - e) ** 2 / e for way, e in zip(ways, expected, strict=True))

    assert chi(weight) < len(ways) + 5 * math.sqrt(2 * len(ways)) < chi(weight**0.5) < chi(weight**3)


def test_a_large_alpha_samples_the_best(trained):
    assert sample(trained, LINES[0], 1, alpha=1_000.0) == trained.encode(LINES[0])
    assert sample(trained, LINES[0], 1, alpha=0.1) == sample(trained, LINES[0], 1, alpha=0.1)
    assert sample(trained, LINES[0], 1, alpha=0.1) != sample(trained, LINES[0], 2, alpha=0.1)


def test_what_was_saved_is_loaded(trained, tmp_path):
    save(trained, tmp_path / "t.json")
    again = load(tmp_path / "t.json")
    assert again.model.scores == trained.model.scores and again.encode(TEXT) == trained.encode(TEXT)


@pytest.mark.parametrize(
    "error, said, arguments",
    [
        (TypeError, "texts", {"texts": "one string"}),
        (ValueError, "vocabulary_size: expected a whole number >= ", {"vocabulary_size": 10}),
        (ValueError, "seed_size", {"seed_size": 0}),
        (TypeError, "special", {"special": "<s>"}),
    ],
)
def test_bad_arguments_are_named(error, said, arguments):
    with pytest.raises(error, match=said):
        train_unigram(**{"texts": LINES[:20], "vocabulary_size": 300, **arguments})


@pytest.mark.parametrize(
    "said, tokens, scores",
    [
        ("scores: expected one for each", ["<unk>"], []),
        ("tokens: expected different strings, <unk>", ["a"], [-1.0]),
        ("scores: expected log-probabilities", ["<unk>", "a"], [-1.0, 0.5]),
        ("scores: expected log-probabilities", ["<unk>", "a"], [-1.0, math.nan]),
    ],
)
def test_a_model_that_does_not_fit_together_is_refused(said, tokens, scores):
    with pytest.raises(ValueError, match=said):
        Unigram(tokens, scores)


def test_sampling_needs_a_unigram_model_and_a_positive_alpha(trained):
    from glassbox.tokens import train_bpe

    with pytest.raises(TypeError, match="tokenizer: expected one with a Unigram model; came 'BPE'"):
        sample(train_bpe(["text"], 256), "text", 0)
    with pytest.raises(ValueError, match="alpha"):
        sample(trained, "text", 0, alpha=-1.0)


# ---- oracles

OTHER = read_text("en", ["prose"])[30_000:45_000] + "na\u00efve \u4e2d\u6587 x\ufb01x"
HELD_OUT = [line for line in OTHER.splitlines() if line]


@pytest.mark.parametrize("byte_fallback", [False, True])
def test_the_tokenizers_library_chooses_the_same_pieces(byte_fallback):
    library = pytest.importorskip("tokenizers")
    ours = train_unigram(LINES, 700, byte_fallback=byte_fallback)
    pieces = list(zip(ours.model.tokens, ours.model.scores, strict=True))
    other = library.Tokenizer(library.models.Unigram(pieces, 0, byte_fallback))
    other.normalizer = library.normalizers.NFKC()
    other.pre_tokenizer = library.pre_tokenizers.Metaspace()
    assert [ours.encode(line) for line in HELD_OUT] == [
        other.encode(" ".join(line.split())).ids for line in HELD_OUT
    ]


@pytest.fixture(scope="module")
def pieces_of_sentencepiece():
    library = pytest.importorskip("sentencepiece")
    import io

    model = io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=model, vocab_size=500, model_type="unigram",
        normalization_rule_name="nfkc", character_coverage=1.0, bos_id=-1, eos_id=-1, minloglevel=2,
        split_by_unicode_script=False, split_by_number=False,
    )  # fmt: skip
    return library.SentencePieceProcessor(model_proto=model.getvalue())


def test_sentencepiece_chooses_the_same_pieces(pieces_of_sentencepiece):
    """Its scores are 32-bit floats, and so are its sums: segmentations whose totals tie may differ."""
    other = pieces_of_sentencepiece
    tokens = [other.id_to_piece(i) for i in range(500)]
    model = Unigram(tokens, [other.get_score(i) for i in range(500)])
    model.unknown_score = min(model.scores[1:]) - 10
    ours = Tokenizer(marked(), model)
    assert [ours.encode(line) for line in HELD_OUT] == [other.encode(line) for line in HELD_OUT]


def bits_per_character(pieces: dict[str, float]) -> float:
    known = {c for word in count_words(LINES, marked()) for c in word}
    counts = count_words(HELD_OUT, marked())
    words = {word: n for word, n in counts.items() if set(word) <= known}
    assert len(words) > 0.99 * len(counts)
    lattice = lattice_of(list(words), {piece: i for i, piece in enumerate(pieces)}, 16)
    scores, weights = (np.array(list(column), dtype=float) for column in (pieces.values(), words.values()))
    found = expected_counts(lattice, scores, weights)
    return -found.log_likelihood / math.log(2) / sum(len(word) * n for word, n in words.items())


def test_the_vocabulary_is_as_good_as_that_of_sentencepiece(pieces_of_sentencepiece):
    """Not the same (it starts from other seeds), but as good on other text."""
    other = pieces_of_sentencepiece
    theirs = {other.id_to_piece(i): other.get_score(i) for i in range(1, 500)}
    model = train_unigram(LINES, 500).model
    ours = dict(list(zip(model.tokens, model.scores, strict=True))[1:])
    shared = len(set(ours) & set(theirs)) / len(theirs)
    assert shared > 0.6
    characters = {piece: score for piece, score in ours.items() if len(piece) == 1}
    assert bits_per_character(ours) < 1.02 * bits_per_character(theirs) < bits_per_character(characters)
