"""SentencePiece's preparation, shared by two algorithms: one text normalised, two vocabularies, no loss."""

import io
import random
import unicodedata

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import load, marked, save, train_marked_bpe, train_unigram
from glassbox.tokens.marked import MARK

TEXT = read_text("en", ["prose"])[:30_000]
LINES = [line for line in TEXT.splitlines() if line]
STABLE = [
    chr(code)
    for code in range(0x20, 0x110000)
    if unicodedata.ucd_3_2_0.category(chr(code))
    == unicodedata.category(chr(code))
    not in ("Cn", "Cs", "Cc", "Co")
]


@pytest.fixture(scope="module", params=[train_marked_bpe, train_unigram])
def trained(request):
    return request.param(LINES, 800, byte_fallback=True)


def random_text(draw: random.Random) -> str:
    return "".join(draw.choice(draw.choice((STABLE, "ab  "))) for _ in range(draw.randrange(30))).replace(
        MARK, ""
    )


def test_a_space_is_a_character_and_every_word_begins_with_one():
    assert marked().words("  Hello   world ") == [f"{MARK}Hello", f"{MARK}world"]
    assert marked(squeeze=False).words(" a  b") == [MARK, f"{MARK}a", MARK, f"{MARK}b"]
    assert marked(by_word=False).words("a b") == [f"{MARK}a{MARK}b"]
    assert marked().words("") == marked().words("  ") == []


def test_normal_forms():
    text = "\ufb01ne \u2460 e\u0301\u3000x"
    assert marked().normal(text) == "fine 1 \u00e9 x"
    assert marked("NFC").normal(text) == "\ufb01ne \u2460 \u00e9\u3000x"
    assert marked("none").normal(text) == text
    with pytest.raises(ValueError, match="form: expected one of 'NFKC', 'NFC', 'none'; came 'NFD'"):
        marked("NFD")


def test_the_mark_itself_becomes_a_space():
    assert marked().restore("".join(marked().words(f"a{MARK}b"))) == "a b"


@pytest.mark.parametrize("squeeze", [True, False])
def test_only_normalisation_loses_anything(squeeze):
    draw, prepare = random.Random(0), marked(squeeze=squeeze)
    for _ in range(2_000):
        text = random_text(draw)
        assert prepare.restore("".join(prepare.words(text))) == prepare.normal(text)


def test_both_algorithms_decode_to_the_normalised_text(trained):
    draw = random.Random(1)
    for _ in range(300):
        text = random_text(draw)
        assert trained.decode(trained.encode(text)) == marked().normal(text)


def test_the_two_algorithms_learn_different_pieces():
    bpe, unigram = train_marked_bpe(LINES, 800, byte_fallback=False), train_unigram(LINES, 800)
    assert bpe.prepare == unigram.prepare
    shared = set(bpe.model.tokens) & set(unigram.model.tokens)
    assert 0.3 * 800 < len(shared) < 0.9 * 800
    assert bpe.encode(TEXT) != unigram.encode(TEXT)


def test_tokens_may_hold_spaces_when_words_are_not_cut():
    text = "of the people by the people for the people"
    tokens = train_marked_bpe([text] * 3, 60, marked(by_word=False), byte_fallback=False).model.tokens
    assert any(MARK in token[1:] for token in tokens)


def test_without_fallback_a_character_is_unknown():
    tokenizer = train_marked_bpe(LINES, 200, byte_fallback=False)
    assert [piece.shown for piece in tokenizer.pieces("\u4e2d")] == [MARK, "<unk>"]


def test_what_was_saved_is_loaded(trained, tmp_path):
    save(trained, tmp_path / "t.json")
    again = load(tmp_path / "t.json")
    assert again.prepare == trained.prepare and again.encode(TEXT) == trained.encode(TEXT)


def test_a_vocabulary_too_small_for_the_characters_is_refused():
    with pytest.raises(ValueError, match="vocabulary_size: expected a whole number >= "):
        train_marked_bpe(LINES, 257)


# ---- oracles


@pytest.fixture(scope="module")
def other():
    library = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=model, vocab_size=600, model_type="bpe", minloglevel=2,
        normalization_rule_name="nfkc", character_coverage=1.0, bos_id=-1, eos_id=-1,
        split_by_unicode_script=False, split_by_number=False,
    )  # fmt: skip
    return library.SentencePieceProcessor(model_proto=model.getvalue())


def test_words_are_those_of_sentencepiece(other):
    """Where both know the characters: those whose category has not changed since Unicode 3.2."""
    draw = random.Random(2)
    for _ in range(2_000):
        text = random_text(draw)
        assert other.normalize(text) == "".join(marked().words(text)), ascii(text)


def test_sentencepiece_learns_nearly_the_same_bpe(other):
    """Ties differ: it takes the shorter, then the smaller spelling, so ▁mod + el is od + el first there.

    Unless told otherwise it also refuses pieces that mix letters with digits or punctuation.
    """
    theirs = {other.id_to_piece(i) for i in range(600)}
    ours = train_marked_bpe(LINES, 600, byte_fallback=False, least_count=1)
    assert len(theirs & set(ours.model.tokens)) > 0.94 * 600
    held_out = read_text("en", ["prose"])[30_000:45_000]
    ids = len(ours.encode(held_out.replace("\n", " "))), len(other.encode(held_out.replace("\n", " ")))
    assert abs(ids[0] / ids[1] - 1) < 0.01


def test_the_tokenizers_library_makes_the_same_merges_and_ids():
    library = pytest.importorskip("tokenizers")
    import json

    ours = train_marked_bpe(LINES, 600, byte_fallback=False)
    other = library.Tokenizer(library.models.BPE(unk_token="<unk>"))
    other.normalizer = library.normalizers.NFKC()
    other.pre_tokenizer = library.pre_tokenizers.Metaspace()
    trainer = library.trainers.BpeTrainer(
        vocab_size=600, min_frequency=2, special_tokens=["<unk>"], show_progress=False
    )
    other.train_from_iterator([" ".join(line.split()) for line in LINES], trainer)
    vocabulary = json.loads(other.to_str())["model"]["vocab"]
    assert vocabulary == {token: number for number, token in enumerate(ours.model.tokens)}
    text = "the model \u4e2d\u6587 unbelievable naive tokens"
    assert ours.encode(text) == other.encode(text).ids
