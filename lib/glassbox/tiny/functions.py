"""Small Python functions, each with an example that holds because the function was run to write it."""

from functools import cache
from string import Template

import yaml

from glassbox import paths
from glassbox.tiny.splitmix import SplitMix64

_NUMBERS = {"n": (2, 9), "m": (2, 6), "small": (2, 4), "big": (12, 99)}
_LISTS = {"ints": (4, 7), "sorted": (4, 6), "pair": (2, 2), "triple": (3, 3)}


@cache
def _recipe() -> tuple[list[Template], dict]:
    folder = paths.data("text", "recipe")
    text = (folder / "code_templates.txt").read_bytes().decode("utf-8")
    words = yaml.safe_load((folder / "code_words.yaml").read_bytes())
    return [Template(part.strip("\n")) for part in text.split("\n\n")[1:]], words


class _Slots(dict):
    """Slots of one function, drawn when first used; `ints2` is drawn anew by the rule of `ints`."""

    def __init__(self, draw: SplitMix64):
        super().__init__()
        self.draw, self.words = draw, _recipe()[1]

    def __missing__(self, slot: str) -> str:
        name = slot.rstrip("0123456789")
        if name in ("thing", "things", "Thing"):
            thing = self.draw.pick(self.words["noun"])
            self.update(thing=thing, things=_plural(thing), Thing=thing.capitalize())
        else:
            self[slot] = self._value(name) or self._words(name)
        return self[slot]

    def _value(self, name: str) -> str | None:
        draw = self.draw
        if name in ("items", "x", "text", "join"):
            return draw.pick(self.words[name])
        if name in _NUMBERS:
            return str(draw.between(*_NUMBERS[name]))
        if name in _LISTS:
            drawn = [draw.between(1, 40) for _ in range(draw.between(*_LISTS[name]))]
            return str(sorted(drawn) if name == "sorted" else drawn)
        return None

    def _words(self, name: str) -> str:
        draw, nouns = self.draw, self.words["noun"]
        if name == "words":
            known = draw.sample(nouns, 3)
            return "[" + ", ".join(f'"{draw.pick(known)}"' for _ in range(draw.between(3, 5))) + "]"
        if name == "sentence":
            return '"' + " ".join(draw.sample(nouns, draw.between(3, 5))) + '"'
        return '"' + draw.pick({"word": nouns, "palindrome": self.words["palindrome"]}[name]) + '"'


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("f"):
        return noun[:-1] + "ves"
    return noun[:-1] + "ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else noun + "s"


def function(draw: SplitMix64) -> str:
    """Return the source of one function and, below it, an assertion that was found by calling it."""
    source, call = draw.pick(_recipe()[0]).substitute(_Slots(draw)).rsplit("\n", 1)
    names: dict = {}
    exec(source, names)
    shown = repr(eval(call, names)).replace("'", '"')
    return f"{source}\nassert {call} == {shown}"
