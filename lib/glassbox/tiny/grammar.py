"""Stories from plots with slots: facts are drawn once, so that a later sentence can call an earlier one back.

A plot is text with two marks:

    [a|b|c]    one of the alternatives, which may be nested or empty
    {slot}     a fact; drawn from the word list `slot` when first used, the same ever after

`{thing2}` is another entry of the list `thing`. `{Thing}` is `{thing}` with a capital. An entry that is a
mapping sets all of its keys at once, so that a cause keeps its effect.
"""

import re
from functools import cache

import yaml

from glassbox import paths
from glassbox.tiny.splitmix import SplitMix64

_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")


class Facts(dict):
    """What is true in one story."""

    def __init__(self, words: dict, draw: SplitMix64, known: dict):
        super().__init__(known)
        self.words, self.draw, self.used = words, draw, []
        self.list_of = {
            key: name
            for name, entries in words.items()
            for entry in entries
            if isinstance(entry, dict)
            for key in entry
        }

    def __missing__(self, slot: str) -> str:
        lower = slot[0].lower() + slot[1:]
        if lower != slot:
            return self[lower][0].upper() + self[lower][1:]
        number = slot[len(slot.rstrip("0123456789")) :]
        name = slot.removesuffix(number)
        entry = self._draw_unused(self.list_of.get(name, name))
        for key, value in entry.items() if isinstance(entry, dict) else [(name, entry)]:
            self[key + number] = expand(str(value), self, self.draw)
        return self[slot]

    def _draw_unused(self, name: str):
        entry = self.draw.pick([entry for entry in self.words[name] if entry not in self.used])
        self.used.append(entry)
        return entry


def expand(template: str, facts: Facts, draw: SplitMix64) -> str:
    """Return `template` with every alternative chosen and every slot filled."""
    while found := _ALTERNATIVES.search(template):
        chosen = draw.pick(found[1].split("|"))
        template = template[: found.start()] + chosen + template[found.end() :]
    return template.format_map(facts)


@cache
def _recipe(language: str) -> tuple[list[str], dict]:
    folder = paths.data("text", "recipe")
    plots = (folder / f"{language}_plots.txt").read_bytes().decode("utf-8")
    words = yaml.safe_load((folder / f"{language}_words.yaml").read_bytes())
    return [plot for plot in plots.split("\n\n") if not plot.startswith("#")], words


def _people(words: dict, draw: SplitMix64) -> dict:
    """Return the names and pronouns of three people, under the slots that the plots use."""
    slots = {
        "hero": ("she", "her", "hers", "herself"),
        "friend": ("he", "him", "his", "himself"),
        "elder": ("ee", "em", "eir", "emself"),
    }
    known: dict = {}
    for person, pronouns in slots.items():
        kind = draw.pick(words["people"])
        names = kind["elder" if person == "elder" else "names"]
        known[person] = draw.pick([name for name in names if name not in known.values()])
        known |= dict(zip(pronouns, kind["pronouns"], strict=True))
    return known


def _numbers(draw: SplitMix64) -> dict:
    many, few = draw.between(11, 60), draw.between(2, 9)
    guesses = {"near": draw.between(1, 3), "far": draw.between(5, 25), "low": -draw.between(4, 9)}
    return {"many": many, "few": few, "rest": many - few} | {k: many + off for k, off in guesses.items()}


def story(language: str, draw: SplitMix64) -> str:
    """Return one story; `language` is "en" or "zh"."""
    plots, words = _recipe(language)
    known = {key: str(value) for key, value in (_people(words, draw) | _numbers(draw)).items()}
    lists = {name: entries for name, entries in words.items() if name != "people"}
    text = expand(draw.pick(plots), Facts(lists, draw, known), draw)
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", text)
    lines = (re.sub(r" {2,}", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
