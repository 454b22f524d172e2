"""WordPiece: the training equals the definition, and the encoding that of the tokenizers library."""

import json
import random
import unicodedata

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import BertWords, WordPiece, load, save, train_bpe, train_wordpiece
from glassbox.tokens.reference import bpe
from glassbox.tokens.reference import wordpiece as reference
from glassbox.tokens.wordpiece import LikelihoodMerging, wordpiece_merging

TEXT = read_text("en", ["prose"])[:30_000]
WORDS = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}


@pytest.fixture(scope="module")
def trained():
    return train_wordpiece([TEXT], 800, special=["[CLS]", "[SEP]"])


def test_the_score_is_the_ratio_not_the_count():
    """hugs: ##g ##s occurs 5 times, ##u ##g 20 times; but ##s never comes without ##g before it."""
    state = reference.start(WORDS)
    scores = {
        reference.joined(*(state.tokens[i] for i in pair)): s
        for pair, s in reference.scores(state.words).items()
    }
    assert scores["##gs"] == 5 / (20 * 5) and scores["##ug"] == 20 / (36 * 20)
    assert reference.step(state).tokens[-1] == "##gs"
    assert bpe.step(state).tokens[-1] != "##gs"


@pytest.mark.parametrize(
    "letters, seed", [(letters, seed) for letters in ("ab", "abcde") for seed in range(8)]
)
def test_incremental_training_makes_the_merges_of_the_definition(letters, seed):
    draw = random.Random(seed)
    words = {
        "".join(draw.choice(letters) for _ in range(draw.randrange(1, 10))): draw.randrange(1, 5)
        for _ in range(25)
    }
    for least_count in (1, 3):
        slow, fast = reference.start(words), wordpiece_merging(words, "likelihood", least_count)
        assert tuple(fast.tokens) == slow.tokens
        while (after := reference.step(slow, least_count)) is not slow:
            slow = after
            fast.step()
            assert tuple(fast.tokens) == slow.tokens
        assert fast.step() is None and tuple(fast.merges.values()) == slow.merges


def test_a_merge_raises_the_scores_of_its_neighbours():
    class Forgetful(LikelihoodMerging):
        def raised(self, merge, grown):
            super().raised(merge, grown)
            return grown

    words = train_bpe_words()
    state = reference.start(words)
    right, wrong = (kind(state.words, state.tokens) for kind in (LikelihoodMerging, Forgetful))
    for _ in range(200):
        right.step(), wrong.step()
    assert right.tokens != wrong.tokens


def train_bpe_words() -> dict[str, int]:
    words: dict[str, int] = {}
    for word in BertWords().words(TEXT):
        words[word] = words.get(word, 0) + 1
    return words


def test_the_longest_match_is_taken_or_the_word_is_unknown():
    model = WordPiece(["[UNK]", "un", "u", "##n", "##aff", "##able", "##a", "una"])
    tokens = [
        [model.shown(i) for i in model.encode_word(word)] for word in ("unaffable", "unaable", "unn", "x", "")
    ]
    assert tokens == [["[UNK]"], ["una", "##able"], ["un", "##n"], ["[UNK]"], []]
    assert reference.encode("unaffable", model.tokens) is None
    assert WordPiece(["[UNK]", "un", "##aff", "##able"]).encode_word("unaffable") == [1, 2, 3]
    assert WordPiece(["[UNK]", "a", "##a"], longest_word=3).encode_word("aaaa") == [0]


def test_encoding_is_the_definition(trained):
    tokens = set(trained.model.tokens)
    for word in set(BertWords().words(TEXT + " zebra quixotic naive \u4e2d\u6587 xyzzy")):
        wanted = reference.encode(word, tokens) or ["[UNK]"]
        assert [trained.shown(number) for number in trained.model.encode_word(word)] == wanted


def test_what_is_decoded_has_one_space_between_words(trained):
    ids = trained.encode("[CLS] The model, the [SEP]", allowed="all")
    assert trained.decode(ids) == "[CLS] the model , the[SEP]"
    assert [trained.shown(ids[0]), trained.shown(ids[-1])] == ["[CLS]", "[SEP]"]


def test_what_was_saved_is_loaded(trained, tmp_path):
    save(trained, tmp_path / "t.json")
    again = load(tmp_path / "t.json")
    assert again.encode(TEXT) == trained.encode(TEXT) and again.prepare == trained.prepare


@pytest.mark.parametrize(
    "error, said, arguments",
    [
        (ValueError, "score: expected one of 'likelihood', 'count'", {"score": "frequency"}),
        (ValueError, "vocabulary_size: expected a whole number >= ", {"vocabulary_size": 10}),
        (ValueError, "least_count", {"least_count": 0}),
        (TypeError, "texts", {"texts": "one string"}),
        (TypeError, "special", {"special": "[CLS]"}),
    ],
)
def test_bad_arguments_are_named(error, said, arguments):
    with pytest.raises(error, match=said):
        train_wordpiece(**{"texts": [TEXT[:2_000]], "vocabulary_size": 300, **arguments})


def test_tokens_without_the_unknown_one_are_refused():
    with pytest.raises(ValueError, match=r"tokens: expected different strings, \[UNK\] among them"):
        WordPiece(["a", "b"])


# ---- oracles

STABLE = [
    chr(code)
    for code in range(0x110000)
    if unicodedata.ucd_3_2_0.category(chr(code)) == unicodedata.category(chr(code)) not in ("Cn", "Cs")
]


@pytest.mark.parametrize("lowercase", [True, False])
def test_words_are_those_of_the_library(lowercase):
    """It knows Unicode 8, so only characters whose category has not changed since 3.2 are compared."""
    library = pytest.importorskip("tokenizers")
    normalizer = library.normalizers.BertNormalizer(lowercase=lowercase)
    cutter, prepare, draw = library.pre_tokenizers.BertPreTokenizer(), BertWords(lowercase), random.Random(0)
    for _ in range(3_000):
        text = "".join(
            draw.choice(draw.choice((STABLE, "ab \t\u00c9,.$\u4e2d"))) for _ in range(draw.randrange(30))
        )
        wanted = [word for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text))]
        assert prepare.words(text) == wanted, ascii(text)


def library_model(library, tokens) -> object:
    vocabulary = {token: number for number, token in enumerate(tokens)}
    other = library.Tokenizer(
        library.models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    other.normalizer = library.normalizers.BertNormalizer()
    other.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    return other


def test_the_library_makes_the_same_ids(trained):
    library = pytest.importorskip("tokenizers")
    other = library_model(library, trained.model.tokens)
    for text in (
        TEXT,
        read_text("en", ["code"])[:20_000],
        read_text("zh", ["prose"])[:3_000],
        "a" * 101 + " " + "a" * 100,
    ):
        assert trained.encode(text) == other.encode(text).ids


def test_the_trainer_of_the_library_counts_as_bpe_does():
    """Its ids are not repeatable (they follow a hash table), so neither are its ties: counts without ties."""
    library = pytest.importorskip("tokenizers")
    words = {"ab" * 2: 16, "abc": 33, "cd": 70, "dcd": 141, "bd": 7}
    text = " ".join(" ".join([word] * n) for word, n in words.items())
    ours = train_wordpiece([text], 11, score="count", least_count=1)
    other = library.Tokenizer(library.models.WordPiece(unk_token="[UNK]"))
    other.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    trainer = library.trainers.WordPieceTrainer(vocab_size=11, special_tokens=["[UNK]"], show_progress=False)
    other.train_from_iterator([text], trainer)
    assert set(json.loads(other.to_str())["model"]["vocab"]) == set(ours.model.tokens)
    likely = train_wordpiece([text], 11, score="likelihood", least_count=1)
    assert set(likely.model.tokens) != set(ours.model.tokens)


def test_bpe_and_wordpiece_learn_different_tokens():
    tokens = set(train_bpe([TEXT.lower()], 600).model.tokens[256:])
    pieces = {piece.removeprefix("##").encode() for piece in train_wordpiece([TEXT], 600).model.tokens}
    assert len(tokens & pieces) < len(tokens) / 2
