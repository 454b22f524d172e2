"""Byte-level BPE in the form of the Hugging Face file tokenizer.json: read it, write it."""

import json
from pathlib import Path

from glassbox.arguments import bad_type, bad_value
from glassbox.tokens.alphabet import show, unshow
from glassbox.tokens.bpe import BPE
from glassbox.tokens.files import merges_of
from glassbox.tokens.patterns import PATTERNS, ByPattern, by_pattern
from glassbox.tokens.tokenizer import Tokenizer

ABSENT = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
PLAIN = {"single_word": False, "lstrip": False, "rstrip": False}


def to_tokenizer_json(tokenizer: Tokenizer) -> str:
    """Return a byte-level BPE as the text of a tokenizer.json.

    Convention: special tokens become `added_tokens`. The library finds those in every text; here a text must
        be allowed to hold them.
    Raises: TypeError for another model than byte-level BPE.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    model = tokenizer.model
    if not isinstance(model, BPE) or not model.bytewise or not isinstance(tokenizer.prepare, ByPattern):
        raise bad_type("tokenizer", "byte-level BPE", type(model).__name__)
    tokens = [show(token) for token in model.tokens]
    record = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": name, **PLAIN, "normalized": False, "special": True}
            for name, number in sorted(tokenizer.special.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": _cutting(tokenizer.prepare.pattern),
        "post_processor": None,
        "decoder": _byte_level(False),
        "model": {
            "type": "BPE",
            **dict.fromkeys(ABSENT[:3]),
            "unk_token": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": model.whole_words,
            "vocab": {token: number for number, token in reversed(list(enumerate(tokens)))},
            "merges": [f"{tokens[merge.left]} {tokens[merge.right]}" for merge in model.merges],
        },
    }
    return json.dumps(record, ensure_ascii=False, indent=1)


def _byte_level(cuts: bool) -> dict:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": cuts}


def _cutting(pattern: str) -> dict:
    if pattern in ("gpt2", "none"):
        return _byte_level(pattern == "gpt2")
    rule = {"Regex": PATTERNS.get(pattern, pattern)}
    split = {"type": "Split", "pattern": rule, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, _byte_level(False)]}


def from_tokenizer_json(source: str | Path) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json, given as its path or as its text (which begins with "{").

    Convention: ids equal `encode(text, add_special_tokens=False)` of the library for texts without special
        tokens. The template that adds a first or last token is not read.
    Raises: ValueError for anything but byte-level BPE, and for what this course does not have: a normaliser,
        a prefix space, special tokens that swallow spaces.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    text = source if isinstance(source, str) and source.lstrip().startswith("{") else None
    try:
        record = json.loads(text or Path(source).read_text(encoding="utf-8"))
        return _read(record)
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise bad_value("source", "a tokenizer.json", repr(error)) from error


def _read(record: dict) -> Tokenizer:
    model = record["model"]
    _expect("model.type", model["type"], ("BPE",))
    for name in ABSENT:
        _expect(f"model.{name}", model.get(name), (None, "", False))
    _expect("normalizer", record.get("normalizer"), (None,))
    special = {}
    for token in record.get("added_tokens", []):
        special[token["content"]] = token["id"]
        for name in PLAIN:
            _expect(f"added_tokens: {token['content']}: {name}", token.get(name, False), (False,))
    tokens = _tokens(model["vocab"], special)
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    merges = merges_of(tokens, pairs, unshow)
    prepare = by_pattern(_pattern(record.get("pre_tokenizer")))
    return Tokenizer(prepare, BPE(tokens, merges, None, bool(model.get("ignore_merges"))), special)


def _expect(name: str, value, choices: tuple) -> None:
    if value not in choices:
        raise bad_value(f"source: {name}", f"one of {', '.join(map(repr, choices))}", value)


def _tokens(vocabulary: dict[str, int], special: dict[str, int]) -> list[bytes]:
    """Return the tokens by id, the ids of special tokens among them included."""
    names = {number: token for token, number in vocabulary.items()}
    if sorted(names) != list(range(len(vocabulary))):
        raise bad_value("source: model.vocab", f"the ids 0 to {len(vocabulary) - 1}, each once", len(names))
    own = {number: name for name, number in special.items()}
    return [own[i].encode("utf-8") if i in own else unshow(names[i]) for i in range(len(names))]


def _pattern(cutting: dict | None) -> str:
    """Return the pattern of a `pre_tokenizer`."""
    steps = cutting["pretokenizers"] if cutting and cutting["type"] == "Sequence" else [cutting]
    *splits, last = steps
    _expect("pre_tokenizer", (last or {}).get("type"), ("ByteLevel",))
    _expect("pre_tokenizer: add_prefix_space", last["add_prefix_space"], (False,))
    cuts = last.get("use_regex", True)
    if not splits:
        return "gpt2" if cuts else "none"
    _expect("pre_tokenizer: number of splits", len(splits) + cuts, (1,))
    _expect("pre_tokenizer: behavior", splits[0]["behavior"], ("Isolated",))
    _expect("pre_tokenizer: invert", splits[0]["invert"], (False,))
    rule = splits[0]["pattern"]["Regex"]
    return next((name for name, known in PATTERNS.items() if known == rule), rule)
