"""The question bank: interview cards and errata, English and Chinese side by side, with their evidence."""

from glassbox.learn.bank.cells import Place, find_cell
from glassbox.learn.bank.corner import corner
from glassbox.learn.bank.languages import differences
from glassbox.learn.bank.loading import BankError, cards, definitions, errata
from glassbox.learn.bank.numbers import Workings, agrees, evaluate, undeclared
from glassbox.learn.bank.schema import KINDS, SKILLS, Card, Erratum, FollowUp, Number, Words, all_words

__all__ = [
    "KINDS",
    "SKILLS",
    "BankError",
    "Card",
    "Erratum",
    "FollowUp",
    "Number",
    "Place",
    "Words",
    "Workings",
    "agrees",
    "all_words",
    "cards",
    "corner",
    "definitions",
    "differences",
    "errata",
    "evaluate",
    "find_cell",
    "undeclared",
]
