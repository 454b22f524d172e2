"""Do the two languages of a card say the same? Numbers, formulas and names must agree."""

import re

from glassbox.learn.bank.numbers import FORMULA, numbers_in
from glassbox.learn.bank.schema import Part, Words, all_words

WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*")
SENTENCE_BEGINS = re.compile(r"(?:^|[.?!:;]|\n)[\s\"'“”(]*$")


def differences(record: Part) -> list[str]:
    """Return what one language of a card or erratum says and the other does not, one line each.

    Compared are the numbers, the formulas (what stands in backticks) and the names: in Chinese every word in
    Latin letters, in English every word that is capitalised within a sentence, or holds a digit or an inner
    capital. Case, hyphens and a plural s do not count.
    """
    return [f"{field}: {line}" for field, words in all_words(record) for line in compared(words)]


def compared(words: Words) -> list[str]:
    """Return the differences between the two languages of one text."""
    found = _only("number", numbers_in(words.en), numbers_in(words.zh))
    found += _only("formula", set(FORMULA.findall(words.en)), set(FORMULA.findall(words.zh)))
    english, chinese = plain(words.en), plain(words.zh)
    found += [
        f"name only in English: {name}" for name in sorted(names(words.en)) if plain(name) not in chinese
    ]
    latin = set(WORD.findall(FORMULA.sub(" ", words.zh)))
    return found + [f"name only in Chinese: {name}" for name in sorted(latin) if plain(name) not in english]


def _only(what: str, english: set[str], chinese: set[str]) -> list[str]:
    return [f"{what} only in English: {each}" for each in sorted(english - chinese)] + [
        f"{what} only in Chinese: {each}" for each in sorted(chinese - english)
    ]


def names(text: str) -> set[str]:
    """Return the words of an English text that are names: of people, models, methods, quantities."""
    text = FORMULA.sub(" ", text)
    return {found[0] for found in WORD.finditer(text) if _is_name(found[0], text[: found.start()])}


def _is_name(word: str, before: str) -> bool:
    if any(letter.isupper() or letter.isdigit() for letter in word[1:]):
        return True
    return word[0].isupper() and not SENTENCE_BEGINS.search(before)


def plain(text: str) -> str:
    """Return the letters and digits of a text in lower case, without hyphens; words lose their plural."""
    words = re.findall(r"[a-z0-9]+|[^\x00-\x7f]+", text.lower().replace("-", ""))
    return " ".join(re.sub(r"ies$", "y", word).removesuffix("s") for word in words)
