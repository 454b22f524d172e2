"""Check a stored notebook against the house rules, without running it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from nbformat.validator import iter_validate

from glassbox.publish import output_rules, structure_rules, text_rules
from glassbox.publish.page import Page, read
from glassbox.publish.problem import Problem

Rule = Callable[[Page], Iterator[tuple[int | None, str]]]

RULES: tuple[Rule, ...] = (*structure_rules.RULES, *text_rules.RULES, *output_rules.RULES)
ADVICE: tuple[Rule, ...] = structure_rules.ADVICE


def lint(page: Page | Path) -> list[Problem]:
    """Return every breach of a rule, then every piece of advice (marked as a warning, never refused).

    A rule is a function of the page that yields the position of the cell to blame, or None for the whole
    notebook, and what to do. Its name, with spaces, is the rule's name.
    """
    page = read(page) if isinstance(page, Path) else page
    if broken := malformed(page):
        return broken
    broken = [_problem(page, rule, at, advice, False) for rule in RULES for at, advice in rule(page)]
    return broken + [_problem(page, rule, at, advice, True) for rule in ADVICE for at, advice in rule(page)]


def malformed(page: Page) -> list[Problem]:
    """Return where the file breaks the notebook format, on which every other rule relies."""
    errors = iter_validate(page.notebook)
    return [Problem(page.path.name, "valid", str(error).splitlines()[0]) for error in errors]


def _problem(page: Page, rule: Rule, at: int | None, advice: str, warning: bool) -> Problem:
    name = rule.__name__.replace("_", " ")
    if at is None:
        return Problem(page.path.name, name, advice, warning=warning)
    return Problem(page.path.name, name, advice, page.notebook.cells[at].get("id", ""), at + 1, warning)
