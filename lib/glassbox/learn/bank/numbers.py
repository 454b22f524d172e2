"""The numbers that a card prints are computed from their expressions, not believed."""

import ast
import builtins
import math
import re
from collections.abc import Mapping

from glassbox.learn.bank.schema import Card, Erratum, all_words

FORMULA = re.compile(r"`([^`]+)`")
# A number on its own: not part of a name (GPT-3, QK2), a power or an index.
NUMBER = re.compile(r"(?<![A-Za-z0-9_.^/-])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?%?(?![A-Za-z0-9_])")
COUNTED_IN_WORDS = frozenset("0123")  # as in "2 terms", "Gemma 2"
BUILTINS = ("abs", "all", "any", "len", "max", "min", "range", "round", "sorted", "sum", "zip")
WHITELIST: dict[str, object] = {name: getattr(builtins, name) for name in BUILTINS} | {"math": math}


def numbers_in(text: str) -> set[str]:
    """Return the numbers printed in a text, as printed, without those inside formulas."""
    return set(NUMBER.findall(FORMULA.sub(" ", text)))


def undeclared(record: Card | Erratum) -> list[str]:
    """Return the numbers that a record prints without computing them or calling them given, and the reverse.

    The integers 0 to 3 are free.
    """
    printed = set().union(*(numbers_in(words.en) for _, words in all_words(record)))
    declared = {number.says for number in record.numbers} | set(record.given)
    unknown = sorted(printed - declared - COUNTED_IN_WORDS)
    return [f"{number} is neither computed nor given" for number in unknown] + [
        f"{number} is declared and not printed" for number in sorted(declared - printed)
    ]


def evaluate(expression: str, names: Mapping[str, object]) -> object:
    """Return the value of an expression over `names`, math, and a few plain functions.

    This keeps the bank's authors to arithmetic and the library; it is no wall against an attacker.
    Raises: ValueError for an expression that is none, or that reaches for a private name.
    """
    tree = _tree(expression)
    for node in ast.walk(tree):
        private = getattr(node, "attr", getattr(node, "id", ""))
        if isinstance(private, str) and private.startswith("_"):
            raise ValueError(f"by: expected public names; came {private!r} in {expression!r}")
    return eval(compile(tree, "<bank>", "eval"), {"__builtins__": {}} | WHITELIST | dict(names))


def _tree(expression: str) -> ast.Expression:
    try:
        return ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"by: expected a Python expression; came {expression!r}") from error


class Workings(dict):
    """Names for `evaluate` that a file defines by expressions, each worked out when it is first needed."""

    def __init__(self, names: Mapping[str, object], definitions: Mapping[str, str]):
        super().__init__(names)
        self.definitions = dict(definitions)

    def value(self, expression: str) -> object:
        """Return the value of an expression, after those of the definitions that it needs."""
        used = {node.id for node in ast.walk(_tree(expression)) if isinstance(node, ast.Name)}
        for name in used & self.definitions.keys():
            if name not in self:  # an earlier one may have needed it
                self[name] = self.value(self.definitions[name])
        return evaluate(expression, self)


def agrees(says: str, value: float) -> bool:
    """Tell whether a number as printed is `value` rounded to the digits that are shown; 44% is 0.44."""
    digits, _, exponent = says.replace(",", "").rstrip("%").partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    shown = float(digits) * 10.0 ** int(exponent or 0)
    scaled = float(value) * (100 if says.endswith("%") else 1)
    return abs(scaled - shown) <= unit / 2 * (1 + 1e-9)
