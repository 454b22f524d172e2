"""A tokenizer as one JSON file that can be read by eye: one token, one merge to a line."""

import json
from pathlib import Path

from glassbox.arguments import bad_value
from glassbox.tokens.alphabet import unshow
from glassbox.tokens.bert import BertWords
from glassbox.tokens.bpe import BPE
from glassbox.tokens.marked import Marked
from glassbox.tokens.patterns import ByPattern
from glassbox.tokens.reference.bpe import Merge
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.unigram import Unigram
from glassbox.tokens.wordpiece import WordPiece

FORMAT = "glassbox tokenizer 1"
PREPARATIONS = {"pattern": ByPattern, "marked": Marked, "bert": BertWords}


def _bpe_record(model: BPE) -> dict:
    tokens = [model.shown(number) for number in range(len(model.tokens))]
    return {
        "bytewise": model.bytewise,
        "unknown": model.unknown,
        "whole_words": model.whole_words,
        "tokens": tokens,
        "merges": [[tokens[merge.left], tokens[merge.right]] for merge in model.merges],
    }


def _bpe_model(record: dict) -> BPE:
    tokens = [unshow(token) if record["bytewise"] else token for token in record["tokens"]]
    merges = merges_of(tokens, record["merges"], unshow if record["bytewise"] else str)
    return BPE(tokens, merges, record["unknown"], record["whole_words"])


def merges_of(tokens: list, pairs: list, spell) -> list[Merge]:
    """Return merges from pairs of printed tokens; each becomes the token that both spell together."""
    place = {token: number for number, token in reversed(list(enumerate(tokens)))}
    spelled = [(spell(left), spell(right)) for left, right in pairs]
    for left, right in spelled:
        for token in (left, right, left + right):
            if token not in place:
                raise bad_value("merges", "tokens of the vocabulary", token)
    return [Merge(place[left], place[right], place[left + right]) for left, right in spelled]


def _wordpiece_record(model: WordPiece) -> dict:
    return {"longest_word": model.longest_word, "tokens": list(model.tokens)}


def _wordpiece_model(record: dict) -> WordPiece:
    return WordPiece(record["tokens"], record["longest_word"])


def _unigram_record(model: Unigram) -> dict:
    return {"pieces": [list(piece) for piece in zip(model.tokens, model.scores, strict=True)]}


def _unigram_model(record: dict) -> Unigram:
    return Unigram(*zip(*record["pieces"], strict=True))


# kind -> how it is written, how it is read
MODELS = {
    "bpe": (_bpe_record, _bpe_model),
    "wordpiece": (_wordpiece_record, _wordpiece_model),
    "unigram": (_unigram_record, _unigram_model),
}


def save(tokenizer: Tokenizer, path: str | Path) -> None:
    """Write a tokenizer as one JSON file.

    Convention: bytes are written as their visible characters (`alphabet.show`).
    Taught in: notebooks/05_tokenizers.ipynb
    """
    prepare = next(name for name, kind in PREPARATIONS.items() if isinstance(tokenizer.prepare, kind))
    write = MODELS[tokenizer.model.kind][0]
    record = {
        "format": FORMAT,
        "prepare": {"kind": prepare, **tokenizer.prepare._asdict()},
        "special": tokenizer.special,
        "model": {"kind": tokenizer.model.kind, **write(tokenizer.model)},
    }
    Path(path).write_text(_lines(record) + "\n", encoding="utf-8", newline="\n")


def _lines(value, depth: int = 0) -> str:
    """Return JSON with one member to a line, and lists inside lists on one line."""
    if not isinstance(value, (dict, list)) or not value or (isinstance(value, list) and depth > 2):
        return json.dumps(value, ensure_ascii=False)
    inner, brackets = "\n" + " " * (depth + 1), "{}" if isinstance(value, dict) else "[]"
    members = (
        [f"{json.dumps(key, ensure_ascii=False)}: {_lines(item, depth + 1)}" for key, item in value.items()]
        if isinstance(value, dict)
        else [_lines(item, depth + 1) for item in value]
    )
    return f"{brackets[0]}{inner}{f',{inner}'.join(members)}\n{' ' * depth}{brackets[1]}"


def load(path: str | Path) -> Tokenizer:
    """Return a tokenizer from the file that `save` wrote.

    Raises: ValueError for a file in another form; what reading a file raises.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise bad_value("path", f"a JSON file ({error})", str(path)) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        came = record.get("format") if isinstance(record, dict) else type(record).__name__
        raise bad_value("path", f'a file whose "format" is {FORMAT!r}', came)
    try:
        prepare = dict(record["prepare"])
        prepare = PREPARATIONS[prepare.pop("kind")](**prepare)
        return Tokenizer(prepare, MODELS[record["model"]["kind"]][1](record["model"]), record["special"])
    except (KeyError, TypeError, AttributeError) as error:
        raise bad_value("path", f"a complete tokenizer ({error!r} is missing or wrong)", str(path)) from error
