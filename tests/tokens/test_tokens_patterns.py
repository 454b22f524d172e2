"""Words are cut where Unicode's classes say, over every code point, as other libraries cut them."""

import random
import unicodedata

import pytest
from glassbox.tokens import by_pattern
from glassbox.tokens.characters import is_white, lowered, stand_in, translate
from glassbox.tokens.patterns import PATTERNS, compiled, cut

EVERY = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
KIND = [unicodedata.category(character) for character in EVERY]
# libraries know later versions of Unicode: what `unicodedata` does not know yet may have a class there
ASSIGNED = [character for character, kind in zip(EVERY, KIND, strict=True) if kind != "Cn"]
MARKS = (
    "aZé中ß१٣½²Ⅷ\u0301\u200d _-'.,!?\t\n\r\v\x1c\x85\xa0\u2003\u3000\ud7ff\ufeff𝔸𝟙🤖𠀀\U000e0001\U0010ffff"
)


def random_text(draw: random.Random, length: int) -> str:
    kinds = (MARKS, "abcdefg '", " \n\t", ASSIGNED)
    return "".join(draw.choice(draw.choice(kinds)) for _ in range(draw.randrange(length)))


@pytest.fixture(scope="module")
def texts():
    draw = random.Random(5)
    return [random_text(draw, 40) for _ in range(3000)] + [
        "it's WE'LL 'Re 'ſ",
        "12345 1234",
        "a" * 3 + "\n\n b",
    ]


@pytest.mark.parametrize(
    "said, belongs",
    {
        r"\p{L}": lambda kind, c: kind[0] == "L",
        r"\p{Nd}": lambda kind, c: kind == "Nd",
        r"\S": lambda kind, c: not (kind[0] == "Z" or c in "\t\n\v\f\r\x85"),
        r"[^\s\p{L}\p{N}]": lambda kind, c: kind[0] not in "LNZ" and c not in "\t\n\v\f\r\x85",
    }.items(),
)
def test_a_class_holds_exactly_the_code_points_that_unicodedata_names(said, belongs):
    found = {match.start() for match in compiled(said).finditer(lowered("".join(EVERY)))}
    assert found == {i for i, (kind, c) in enumerate(zip(KIND, EVERY, strict=True)) if belongs(kind, c)}


def test_white_space_is_the_unicode_property_not_that_of_python():
    candidates = [c for c, kind in zip(EVERY, KIND, strict=True) if c.isspace() or kind[0] == "Z"]
    assert [c for c in candidates if not is_white(c)] == list("\x1c\x1d\x1e\x1f")
    assert all(c.isspace() for c in candidates)


def test_a_stand_in_has_the_category_and_a_place_in_the_table():
    kinds = set(KIND[0xF800:])
    assert len(kinds) > 15
    assert all(
        unicodedata.category(stand_in(kind)) == kind and stand_in(kind) < "\U00010000" for kind in kinds
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_words_join_to_the_text(pattern, texts):
    assert all("".join(cut(text, pattern)) == text for text in texts)


def test_a_pattern_that_leaves_gaps_still_loses_nothing():
    assert cut("ab, cd  12𝟙", r"\p{L}+|\p{N}+") == ["ab", ", ", "cd", "  ", "12𝟙"]
    assert cut("𝟙x", r"(\p{N})") == ["𝟙", "x"]


def test_the_examples_that_everyone_quotes():
    assert cut("Hello  world's 123456!", "gpt2") == ["Hello", " ", " world", "'s", " 123456", "!"]
    assert cut("Hello  world'S 123456!", "gpt4") == ["Hello", " ", " world", "'S", " ", "123", "456", "!"]
    assert cut("Don'T", "gpt2") == ["Don", "'", "T"]
    assert cut("a b\n", "none") == ["a b\n"]


@pytest.mark.parametrize("name", ["gpt2", "gpt4"])
def test_words_are_those_of_another_engine(name, texts):
    regex = pytest.importorskip("regex")
    other = regex.compile(PATTERNS[name])
    assert [cut(text, name) for text in texts] == [other.findall(text) for text in texts]


@pytest.mark.parametrize("name", ["gpt2", "gpt4"])
def test_words_are_those_of_the_tokenizers_library(name, texts):
    library = pytest.importorskip("tokenizers")
    split = library.pre_tokenizers.Split(library.Regex(PATTERNS[name]), "isolated")
    assert [cut(text, name) for text in texts] == [[w for w, _ in split.pre_tokenize_str(t)] for t in texts]


@pytest.mark.parametrize(
    "pattern, said",
    [("(", "regular expression"), (r"\p{Xx}", "general category"), (r"a*", "empty"), (r"\P{L}", "inside")],
)
def test_a_bad_pattern_is_refused(pattern, said):
    with pytest.raises(ValueError, match=f"pattern: expected .*{said}"):
        by_pattern(pattern)
    with pytest.raises(TypeError, match="pattern: expected a string"):
        by_pattern(3)


def test_translation_keeps_what_it_need_not_change():
    assert translate(r"(?i:[ab(])\r(x)$") == r"(?i:[ab(])\r(?:x)\Z"
