"""Show the truth beside the answer, and the misconception behind each wrong one."""

from collections.abc import Mapping

from glassbox.arguments import bad_value, expect_positive
from glassbox.learn.predict.asking import said
from glassbox.learn.predict.block import Block, folded, listed, paragraph, stacked
from glassbox.learn.predict.locked import asked, locked
from glassbox.learn.predict.question import Answer, Question, checked
from glassbox.learn.progress import events, in_batch, log


def reveal(
    id: str, truth: object, misconceptions: Mapping[object, str], because: str = "", tolerance: float = 0.05
) -> Block:
    """Return yours, the truth and the gap, and one sentence on each wrong answer that people give.

    `misconceptions` gives a sentence for every wrong choice, or for each wrong number that a known mistake
    leads to. `because` says why the truth is true.

    Convention: a number is right, or is one of those mistakes, within the share `tolerance` of that value
        (of 1 where the value is 0). Where a machine runs the notebook the truth is shown without an answer;
        elsewhere it stays folded until an answer is locked.
    Raises: TypeError, ValueError for a question that was not asked, a truth that is no answer to it, or
        misconceptions that do not cover the wrong choices or cannot be told from the truth.
    """
    asking = asked(id)
    expect_positive("tolerance", tolerance)
    true, wrong = _checked(asking, truth, misconceptions, tolerance)
    given = locked(asking)
    common = stacked(paragraph(f"Truth: {asking.shown(true)}. {because}".rstrip()), _sentences(asking, wrong))
    if in_batch():
        return common
    if given is None:
        return _withheld(asking, common)
    right = _same(given.value, true, tolerance)
    behind = next((text for value, text in wrong.items() if _same(given.value, value, tolerance)), "")
    _record(asking, given, true, right, behind, because)
    verdict = paragraph(_verdict(asking, given, true, right, behind))
    return stacked(paragraph(said(asking, given)), common, verdict)


def _checked(asking: Question, truth: object, misconceptions: Mapping, tolerance: float) -> tuple:
    """Return the truth and the sentences with every value in the question's own terms."""
    true = checked(asking, truth, 1).value
    wrong = {checked(asking, value, 1).value: text for value, text in misconceptions.items()}
    if any(_same(value, true, tolerance) for value in wrong):
        raise bad_value("misconceptions", f"wrong answers only (the truth is {asking.shown(true)})", [*wrong])
    if missing := set(asking.choices) - {true, *wrong}:
        raise bad_value("misconceptions", f"a sentence for {', '.join(sorted(missing))}", [*wrong])
    return true, wrong


def _same(value: str | float, other: str | float, tolerance: float) -> bool:
    if isinstance(other, str):
        return value == other
    return abs(value - other) <= tolerance * (abs(other) or 1.0)


def _sentences(asking: Question, wrong: Mapping) -> Block:
    return listed([f"{asking.shown(value)}: {text}" for value, text in wrong.items()])


def _withheld(asking: Question, common: Block) -> Block:
    ask = paragraph("No answer is locked yet. Lock one above, then run this cell again.")
    hidden = folded("Show the truth without an answer", common)
    return stacked(ask, Block(hidden.html, ""))  # plain text cannot fold


def _verdict(asking: Question, given: Answer, true: str | float, right: bool, behind: str) -> str:
    if right:
        return "You were right."
    return " ".join(part for part in (_gap(asking, given.value, true), behind) if part)


def _gap(asking: Question, value: str | float, true: str | float) -> str:
    if asking.kind == "choice":
        return "You chose another answer."
    factor = f", a factor of {value / true:.3g}" if value * true > 0 else ""
    return f"Gap: {asking.shown(value - true)}{factor}."


def _record(asking: Question, given: Answer, true, right: bool, behind: str, because: str) -> None:
    """Note the outcome, once."""
    payload = {"question": asking.ask, "truth": asking.shown(true), "answer": asking.shown(given.value)}
    payload |= {"confidence": given.confidence, "right": right, "misconception": behind, "because": because}
    if payload not in [event.payload for event in events("outcome", asking.id)]:
        log("outcome", asking.id, payload)
