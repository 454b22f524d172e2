"""Ask: a form where widgets are available, one plain call elsewhere, a question to think about on a page."""

from collections.abc import Sequence

from IPython import get_ipython
from IPython.display import display

from glassbox.learn.predict.block import Block, folded, listed, paragraph, stacked
from glassbox.learn.predict.locked import asked, lock, locked, remember
from glassbox.learn.predict.question import Answer, Question, checked, posed
from glassbox.learn.progress import in_batch


def predict(id: str, question: str, kind: str = "choice", choices: Sequence = (), unit: str = "") -> None:
    """Ask for a prediction and for how sure the learner is, 1 to 5; the first answer is kept.

    Convention: where a machine runs the notebook (GLASSBOX_BATCH=1) only the question is shown, folded, and
        nothing is read or stored. Elsewhere a form appears below it; `answer` does the same without widgets.
    Raises: TypeError, ValueError for an empty id or question, an unknown kind, or choices that do not fit it.
    """
    asking = posed(id, question, kind, choices, unit)
    remember(asking)
    display(commit_first(asking) if in_batch() else invitation(asking))
    if not in_batch() and locked(asking) is None and _widgets():
        from glassbox.learn.predict.form import form

        display(form(asking), raw=True)


def answer(id: str, value: object, confidence: int) -> Block:
    """Commit to an answer without a form: the value, or a choice's letter, and how sure you are, 1 to 5.

    The first answer is kept. Raises: TypeError, ValueError for a question that was not asked, or a value or
    confidence that does not fit it.
    """
    asking = asked(id)
    given = checked(asking, value, confidence)
    if in_batch():
        return paragraph("Where a machine runs the notebook, no answer is stored.")
    if (first := locked(asking)) is not None:
        return paragraph(f"Already locked, and the first answer counts. {said(asking, first)}")
    lock(asking, given)
    return paragraph(f"Locked. {said(asking, given)}")


def said(asking: Question, given: Answer) -> str:
    """Return a committed answer as a sentence."""
    return f"Your answer: {asking.shown(given.value)}, confidence {given.confidence} of 5."


def commit_first(asking: Question) -> Block:
    """Return the question as a page shows it, to be answered in one's head."""
    advice = "Say your answer, and how sure you are (1 to 5), before you read on."
    return folded(f"Commit first: {asking.ask}", stacked(_options(asking), paragraph(advice)))


def invitation(asking: Question) -> Block:
    """Return the question as a running notebook shows it, with the answer if there is one already."""
    given = locked(asking)
    example = "'A'" if asking.kind == "choice" else "12.5"
    call = f"No form below? Type: answer({asking.id!r}, {example}, confidence=3)"
    last = said(asking, given) + " It is locked." if given else call
    return stacked(paragraph(f"Commit first: {asking.ask}"), _options(asking), paragraph(last))


def _options(asking: Question) -> Block:
    if asking.kind == "choice":
        return listed(list(asking.choices), letters=True)
    return paragraph(f"A number{' in ' * bool(asking.unit)}{asking.unit}.")


def _widgets() -> bool:
    """Tell whether a notebook is there to draw the form."""
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
