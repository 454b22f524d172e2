"""Text to ids and back: every string survives, special tokens only where allowed, streams in characters."""

import random
import unicodedata
from itertools import product

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import Piece, Stream, Tokenizer, stream_step, train_bpe
from glassbox.tokens.cache import WordCache

PLANES = [range(plane << 16, (plane << 16) + 0x10000) for plane in range(17)]
COMBINING = [chr(code) for code in range(0x110000) if unicodedata.combining(chr(code))]
CONTROL = [chr(c) for c in (*range(32), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x200D, 0x202E, 0xFEFF, 0xFFFF)]


def random_character(draw: random.Random) -> str:
    kind = draw.randrange(5)
    if kind == 0:
        return chr(draw.choice(draw.choice(PLANES)))
    return draw.choice((COMBINING, CONTROL, "etaoin shrdlu", "中文的一 12\n")[kind - 1])


def random_string(draw: random.Random) -> str:
    text = "".join(random_character(draw) for _ in range(draw.randrange(24)))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


@pytest.fixture(scope="module")
def tokenizers():
    text = read_text("en", ["prose"])[:20_000] + read_text("zh", ["prose"])[:5_000]
    return {name: train_bpe([text], 600, name, ["<|end|>", "<|end"]) for name in ("gpt2", "gpt4", "none")}


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["gpt2"]


def test_ten_thousand_random_strings_come_back(tokenizers):
    draw = random.Random(0)
    for number in range(10_000):
        text = random_string(draw)
        some = tokenizers[("gpt2", "gpt4", "none")[number % 3]]
        ids = some.encode(text)
        assert some.decode(ids) == text and len(ids) <= len(text.encode("utf-8"))


def test_a_lone_surrogate_is_refused_by_place(tokenizer):
    with pytest.raises(ValueError, match=r"text: expected no lone surrogate.*ud83e' at character 3"):
        tokenizer.encode("ab \ud83e\udd16")
    with pytest.raises(TypeError, match="text: expected a string; came b'ab'"):
        tokenizer.encode(b"ab")


def test_the_empty_text_has_no_ids(tokenizer):
    assert tokenizer.encode("") == [] and tokenizer.decode([]) == "" and tokenizer.decode_bytes([]) == b""


def test_a_special_token_is_text_unless_allowed(tokenizer):
    end = tokenizer.special["<|end|>"]
    text = "a<|end|>b"
    assert end not in tokenizer.encode(text)
    assert tokenizer.encode(text, allowed={"<|end|>"}) == [
        *tokenizer.encode("a"),
        end,
        *tokenizer.encode("b"),
    ]
    assert tokenizer.encode(text, allowed="all") == tokenizer.encode(text, allowed=["<|end|>"])
    assert tokenizer.decode(tokenizer.encode(text)) == tokenizer.decode(tokenizer.encode(text, "all")) == text


def test_the_longer_of_two_special_tokens_is_taken(tokenizer):
    both = tokenizer.special
    assert tokenizer.encode("<|end|><|end", "all") == [both["<|end|>"], both["<|end"]]


def test_a_special_token_may_be_refused(tokenizer):
    with pytest.raises(ValueError, match=r"text: expected none of .*<\|end\|>; came '<\|end"):
        tokenizer.encode("a<|end|>", refused="all")
    with pytest.raises(ValueError, match="text: expected none of"):
        tokenizer.encode("a<|end|>", allowed=["<|end"], refused=["<|end|>"])
    assert tokenizer.encode("a<|end|>", allowed="all", refused="all")
    assert tokenizer.encode("a", refused="all") == tokenizer.encode("a")


@pytest.mark.parametrize("names, error", [(["<|nope|>"], ValueError), ("<|end|>", TypeError)])
def test_an_unknown_special_token_is_named(names, error, tokenizer):
    with pytest.raises(error, match="allowed: expected"):
        tokenizer.encode("a", allowed=names)


def test_special_ids_follow_the_model(tokenizer):
    for wrong in ({"x": 601}, {"x": -1}, {"": 598}, {"x": 598, "y": 598}):
        with pytest.raises(ValueError, match="special: expected"):
            Tokenizer(tokenizer.prepare, tokenizer.model, wrong)


@pytest.mark.parametrize("ids", [[600], [-1], [0, 10**9]])
def test_an_id_outside_the_vocabulary_is_named(ids, tokenizer):
    with pytest.raises(ValueError, match=rf"ids: expected ids in \[0, 600\); came {ids[-1]}"):
        tokenizer.decode(ids)


def test_pieces_are_ids_with_their_printed_form(tokenizer):
    assert [piece.shown for piece in tokenizer.pieces("é a<|end|>", "all")] == ["Ã", "©", "Ġa", "<|end|>"]
    assert tokenizer.pieces("!") == [Piece(0, "!")]


# ---- streaming


def test_a_stream_waits_for_a_whole_character():
    steps = [stream_step(Stream(), b"a\xe4")]
    for piece in (b"\xb8", b"\xad", b"!"):
        steps.append(stream_step(steps[-1], piece))
    assert [(step.text, step.pending) for step in steps] == [
        ("a", b"\xe4"), ("", b"\xe4\xb8"), ("中", b""), ("!", b""),
    ]  # fmt: skip


def streamed(pieces) -> str:
    stream, text = Stream(), ""
    for piece in pieces:
        stream = stream_step(stream, piece)
        text += stream.text
    return text + stream_step(stream, b"", last=True).text


def test_a_stream_of_any_bytes_is_the_decoding_of_all_of_them():
    alphabet = [bytes([byte]) for byte in (0x61, 0x80, 0xBF, 0xC3, 0xE4, 0xB8, 0xED, 0xA0, 0xF0, 0x9F, 0xFF)]
    for pieces in product(alphabet, repeat=4):
        assert streamed(pieces) == b"".join(pieces).decode("utf-8", "replace")


def test_decoding_each_token_alone_is_not_a_stream(tokenizer):
    ids = tokenizer.encode("🤖")
    assert len(ids) == 4
    assert "".join(tokenizer.decode_stream(ids)) == "🤖"
    assert "".join(tokenizer.decode([number]) for number in ids) == "\ufffd" * 4


def test_a_stream_of_ids_is_decode(tokenizer):
    draw = random.Random(1)
    for _ in range(200):
        ids = [draw.randrange(len(tokenizer)) for _ in range(20)]
        assert "".join(tokenizer.decode_stream(ids)) == tokenizer.decode(ids)


def test_invalid_bytes_are_replaced_or_refused(tokenizer):
    half = tokenizer.encode("é")[:1]
    assert tokenizer.decode(half) == "\ufffd"
    with pytest.raises(UnicodeDecodeError):
        tokenizer.decode(half, errors="strict")


# ---- the cache


def test_the_cache_is_bounded_and_answers_as_the_model_does():
    asked = []

    def encode_word(word):
        asked.append(word)
        return [len(word)]

    cache = WordCache(encode_word, most=3)
    for number in range(100):
        assert cache["x" * (number % 7)] == [number % 7]
        assert len(cache) <= 3 and len(cache.old) <= 3
    assert 7 < len(asked) <= 100
    again = len(asked)
    assert cache["x" * 1000] == [1000] and "x" * 1000 not in cache
    assert len(asked) == again + 1


def test_a_word_in_use_stays_in_the_cache():
    asked = []
    cache = WordCache(lambda word: asked.append(word) or [0], most=2)
    for word in "abacadaeaf":
        cache[word]
    assert asked.count("a") == 1
