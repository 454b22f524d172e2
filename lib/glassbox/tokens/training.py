"""Training by merges: byte-level BPE, and BPE over characters."""

from collections.abc import Iterable, Mapping, Sequence

from glassbox.arguments import bad_type, bad_value, expect_whole
from glassbox.tokens.alphabet import ordered
from glassbox.tokens.bpe import BPE
from glassbox.tokens.counting import count_words, shown
from glassbox.tokens.fallback import BYTE_TOKENS, UNKNOWN
from glassbox.tokens.marked import Marked, marked
from glassbox.tokens.merging import Merging
from glassbox.tokens.patterns import ByPattern, by_pattern
from glassbox.tokens.tokenizer import Tokenizer


def byte_merging(words: Mapping[str, int], least_count: int = 2) -> Merging:
    """Return a BPE training over bytes, to be taken step by step.

    Convention: ids 0 ... 255 are the bytes in GPT-2's order; merges follow.
    """
    place = {symbol[0]: number for number, symbol in enumerate(ordered())}
    spelled = {tuple(map(place.__getitem__, word.encode("utf-8"))): n for word, n in words.items()}
    return Merging(spelled, ordered(), least_count)


def merge_until(merging: Merging, vocabulary_size: int, progress: bool = False) -> None:
    """Merge until there are so many tokens, or no pair is left."""
    missing = vocabulary_size - len(merging.tokens)
    for _ in shown(range(max(missing, 0)), "tokens made", progress):
        size = len(merging.tokens)
        while len(merging.tokens) == size:
            if merging.step() is None:
                return


def special_ids(names: Sequence[str], first: int) -> dict[str, int]:
    """Number the special tokens from `first` on."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise bad_type("special", "a sequence of strings, such as ['<|end|>']", names)
    if len(set(names)) < len(names) or "" in names:
        raise bad_value("special", "names that differ and are not empty", list(names))
    return {name: first + place for place, name in enumerate(names)}


def train_bpe(
    texts: Iterable[str],
    vocabulary_size: int,
    pattern: str = "gpt2",
    special: Sequence[str] = (),
    least_count: int = 2,
    progress: bool = False,
) -> Tokenizer:
    """Train byte-level BPE: 256 bytes, then the most frequent pair again and again, then special tokens.

        vocabulary_size = 256 + new tokens + special tokens

    Convention: of pairs that occur equally often, the one with the smaller ids; a merge that spells an older
        token makes no new one. Training ends early when no pair occurs `least_count` times. No merge crosses
        the words that `pattern` cuts.
    Raises: TypeError, ValueError for bad texts, a vocabulary below 256 + special tokens, or a bad pattern.
    Source: Gage 1994; Sennrich, Haddow, Birch 2016, algorithm 1 (arXiv:1508.07909); Radford et al. 2019,
        section 2.2, for bytes.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    special = list(special) if not isinstance(special, str) else special
    expect_whole("vocabulary_size", vocabulary_size, 256 + len(special_ids(special, 0)))
    expect_whole("least_count", least_count, 1)
    prepare: ByPattern = by_pattern(pattern)
    merging = byte_merging(count_words(texts, prepare, progress), least_count)
    merge_until(merging, vocabulary_size - len(special), progress)
    model = BPE(merging.tokens, list(merging.merges.values()))
    return Tokenizer(prepare, model, special_ids(special, len(merging.tokens)))


def character_merging(words: Mapping[str, int], first: Sequence[str], least_count: int = 2) -> Merging:
    """Return a BPE training over characters, whose ids follow those of the tokens `first`, sorted."""
    tokens = [*first, *sorted({character for word in words for character in word})]
    place = {token: number for number, token in enumerate(tokens)}
    return Merging({tuple(map(place.__getitem__, word)): n for word, n in words.items()}, tokens, least_count)


def train_marked_bpe(
    texts: Iterable[str],
    vocabulary_size: int,
    prepare: Marked | None = None,
    byte_fallback: bool = True,
    special: Sequence[str] = (),
    least_count: int = 2,
    progress: bool = False,
) -> Tokenizer:
    """Train BPE the way SentencePiece does: over characters of a normalised text in which spaces are marked.

    Convention: `prepare` is SentencePiece's (`marked()`) unless given. Ids are `<unk>`, the 256 byte tokens
        if `byte_fallback`, the characters of the texts, merges. Otherwise as `train_bpe`.
    Raises: TypeError, ValueError for bad texts, or a vocabulary too small for the characters.
    Source: Kudo & Richardson 2018 (arXiv:1808.06226); Touvron et al. 2023, section 2.1 (arXiv:2302.13971),
        for byte fallback.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    special = special if isinstance(special, str) else list(special)
    names = special_ids(special, 0)
    expect_whole("least_count", least_count, 1)
    prepare = marked() if prepare is None else prepare
    words = count_words(texts, prepare, progress)
    merging = character_merging(words, [UNKNOWN, *(BYTE_TOKENS if byte_fallback else ())], least_count)
    expect_whole("vocabulary_size", vocabulary_size, len(merging.tokens) + len(names))
    merge_until(merging, vocabulary_size - len(names), progress)
    model = BPE(merging.tokens, list(merging.merges.values()), unknown=0)
    return Tokenizer(prepare, model, special_ids(special, len(model.tokens)))
