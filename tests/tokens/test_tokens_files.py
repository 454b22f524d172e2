"""A tokenizer is saved, read by eye, loaded; and goes to the tokenizers library and back."""

import json

import pytest
from glassbox.tiny import read_text
from glassbox.tokens import (
    BPE,
    Merge,
    Tokenizer,
    by_pattern,
    from_tokenizer_json,
    load,
    save,
    to_tokenizer_json,
    train_bpe,
)
from glassbox.tokens.alphabet import ordered

TEXT = read_text("en", ["prose"])[:20_000] + read_text("zh", ["prose"])[:3_000]
OTHER = read_text("en", ["code"])[:5_000] + "\U0001f916 \u00e9\u0301 WE'LL 12345 <|end|>"


@pytest.fixture(scope="module", params=["gpt2", "gpt4", "none", r"\p{L}+|\p{N}"])
def trained(request):
    return train_bpe([TEXT], 500, request.param, ["<|end|>"])


def equal(one: Tokenizer, other: Tokenizer) -> bool:
    return (one.prepare, one.special, one.model.tokens, one.model.merges) == (
        other.prepare, other.special, other.model.tokens, other.model.merges
    )  # fmt: skip


def test_what_was_saved_is_loaded(trained, tmp_path):
    save(trained, tmp_path / "t.json")
    again = load(tmp_path / "t.json")
    assert equal(trained, again) and again.encode(OTHER, "all") == trained.encode(OTHER, "all")
    save(again, tmp_path / "u.json")
    assert (tmp_path / "t.json").read_bytes() == (tmp_path / "u.json").read_bytes()


def test_the_file_has_one_token_to_a_line(trained, tmp_path):
    save(trained, tmp_path / "t.json")
    lines = (tmp_path / "t.json").read_text(encoding="utf-8").splitlines()
    assert len(trained) < len(lines) - len(trained.model.merges) < len(trained) + 20
    assert any("\u0120" in line for line in lines) and max(map(len, lines)) < 200


@pytest.mark.parametrize(
    "content, said",
    [
        ("no json", "a JSON file"),
        ("[]", "format"),
        ('{"format": "other"}', "came 'other'"),
        ('{"format": "glassbox tokenizer 1"}', "complete tokenizer"),
        ('{"format": "glassbox tokenizer 1", "prepare": {"kind": "x"}, "model": {}}', "complete tokenizer"),
    ],
)
def test_another_file_is_refused(content, said, tmp_path):
    (tmp_path / "t.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=f"path: expected .*{said}"):
        load(tmp_path / "t.json")


def test_the_library_reads_what_is_exported(trained):
    library = pytest.importorskip("tokenizers")
    other = library.Tokenizer.from_str(to_tokenizer_json(trained))
    assert other.get_vocab_size() == len(trained)
    assert other.encode(OTHER).ids == trained.encode(OTHER, "all")
    plain = OTHER.replace("<|end|>", "")
    assert other.encode(plain).ids == trained.encode(plain)
    assert other.decode(other.encode(plain).ids) == plain


def test_the_library_finds_special_tokens_that_nobody_allowed(trained):
    library = pytest.importorskip("tokenizers")
    other = library.Tokenizer.from_str(to_tokenizer_json(trained))
    assert other.encode("<|end|>").ids == [trained.special["<|end|>"]] != trained.encode("<|end|>")


def test_what_the_library_trained_is_imported(tmp_path):
    library = pytest.importorskip("tokenizers")
    level = library.pre_tokenizers.ByteLevel
    other = library.Tokenizer(library.models.BPE())
    other.pre_tokenizer = level(add_prefix_space=False)
    trainer = library.trainers.BpeTrainer(
        vocab_size=500,
        show_progress=False,
        initial_alphabet=level.alphabet(),
        special_tokens=["<|end|>", "<|pad|>"],
    )
    other.train_from_iterator([TEXT], trainer)
    other.save(str(tmp_path / "tokenizer.json"))
    for source in (tmp_path / "tokenizer.json", str(tmp_path / "tokenizer.json"), other.to_str()):
        ours = from_tokenizer_json(source)
        assert ours.special == {"<|end|>": 0, "<|pad|>": 1} and len(ours) == 500
        assert ours.encode(OTHER, "all") == other.encode(OTHER).ids
        assert ours.decode(ours.encode(OTHER)) == OTHER


def test_import_undoes_export(trained):
    assert equal(from_tokenizer_json(to_tokenizer_json(trained)), trained)


def test_whole_words_go_both_ways():
    library = pytest.importorskip("tokenizers")
    tokens = [*ordered(), b"ab", b"bc", b"abc"]
    a, b, c = (tokens.index(x) for x in (b"a", b"b", b"c"))
    model = BPE(tokens, [Merge(b, c, 257), Merge(a, b, 256), Merge(256, c, 258)], None, whole_words=True)
    there = to_tokenizer_json(Tokenizer(by_pattern("gpt2"), model))
    assert (
        from_tokenizer_json(there).encode("abc")
        == [258]
        == library.Tokenizer.from_str(there).encode("abc").ids
    )


def changed(record: dict, path: str, value) -> str:
    *parents, last = path.split(".")
    inner = record
    for name in parents:
        inner = inner[int(name) if name.isdigit() else name]
    inner[last] = value
    return json.dumps(record)


@pytest.mark.parametrize(
    "path, value, said",
    [
        ("model.type", "WordPiece", "model.type: expected one of 'BPE'"),
        ("model.dropout", 0.1, "model.dropout"),
        ("model.byte_fallback", True, "model.byte_fallback"),
        ("model.vocab", {"a": 1}, "model.vocab: expected the ids 0 to 0"),
        ("model.merges", ["\u0120 zzzz"], "merges: expected tokens of the vocabulary; came b'zzzz'"),
        ("normalizer", {"type": "NFC"}, "normalizer"),
        ("pre_tokenizer", None, "pre_tokenizer"),
        ("pre_tokenizer", {"type": "Metaspace"}, "pre_tokenizer"),
        ("pre_tokenizer.add_prefix_space", True, "add_prefix_space"),
        ("added_tokens.0.lstrip", True, "lstrip"),
        ("model", {}, "a tokenizer.json"),
    ],
)
def test_what_this_course_does_not_have_is_refused(path, value, said):
    record = json.loads(to_tokenizer_json(train_bpe([TEXT], 300, special=["<|end|>"])))
    with pytest.raises(ValueError, match=said):
        from_tokenizer_json(changed(record, path, value))


def test_only_byte_level_bpe_is_exported():
    tokenizer = Tokenizer(by_pattern("gpt2"), BPE(["a", "b"], []))
    with pytest.raises(TypeError, match="tokenizer: expected byte-level BPE"):
        to_tokenizer_json(tokenizer)
