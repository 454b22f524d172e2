"""Run the stages on a function and say what came of it."""

from collections.abc import Callable

from glassbox.learn.exercise.bounded import Cells, Code, Session, Stopped
from glassbox.learn.exercise.explained import stopped
from glassbox.learn.exercise.form import form, interface, loading
from glassbox.learn.exercise.known import recognised
from glassbox.learn.exercise.message import message
from glassbox.learn.exercise.plan import plan
from glassbox.learn.exercise.subject import Subject, remote
from glassbox.learn.exercise.values import budget, gradient, invariants, isolation
from glassbox.learn.exercise.verdict import Finding, State, Verdict

STAGES = (interface, form, invariants, isolation, gradient, budget)
STUB = "NotImplementedError"


def judge(exercise, code: Code | Cells, seeds: tuple[int, ...]) -> Verdict:
    """Check a function in a process of its own; the comparison happens here, on plain data.

    The stages: interface, form, invariants, isolation, gradient, budget. At the first failure, a known
    mistake is looked for, and if the function does exactly the same, that mistake's message is given.
    """
    try:
        with Session(code, exercise.limits, exercise.forbidden) as session:
            for finding in loading(session.loaded, exercise):
                return _failed(exercise, finding)
            subject = remote(plan(exercise, seeds), session)
            for examine in STAGES:
                for finding in examine(subject):
                    return _failed(exercise, _named(subject, finding, examine))
    except Stopped as why:
        return _failed(exercise, stopped(why, exercise.limits))
    return Verdict(exercise.id, State.PASSED, notes=_passed(exercise, seeds))


def _failed(exercise, finding: Finding) -> Verdict:
    if finding.message.saw == STUB:  # torch raises it too, and says why
        return Verdict(exercise.id, State.NOT_ATTEMPTED)
    return Verdict(exercise.id, State.FAILED, finding)


def _named(subject: Subject, finding: Finding, examine: Callable) -> Finding:
    """Return the finding with a known mistake's message, if it is one."""
    try:
        mistake = recognised(subject, finding.stage, examine)
    except Stopped:  # it fails on one input and does not end on another
        return finding
    if mistake is None:
        return finding
    return Finding(
        finding.stage, message(mistake), finding.seed, finding.numbers, finding.table, mistake.__name__
    )


def _passed(exercise, seeds: tuple[int, ...]) -> tuple[str, ...]:
    counts = {
        "invariants": len(exercise.invariants),
        "isolated cases": len(exercise.cases),
        "known mistakes ruled out": len(exercise.known_mistakes),
    }
    said = [f"{name} {count}" for name, count in counts.items() if count]
    said += ["gradient"] * exercise.gradient + ["budget"] * bool(exercise.budget)
    return (f"{len(seeds)} seeds: {', '.join(['form', *said])}",)
