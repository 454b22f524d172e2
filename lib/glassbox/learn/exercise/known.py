"""Recognise a mistake: the learner's function does, on every input, what a known-wrong one does."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from glassbox.learn.exercise.bounded import Observation
from glassbox.learn.exercise.compare import alike
from glassbox.learn.exercise.plan import Plan
from glassbox.learn.exercise.subject import Subject, local


def recognised(subject: Subject, stage: str, examine: Callable) -> Callable | None:
    """Return the known mistake whose behaviour the subject shows in all trials, or None.

    The mistake must fail at `examine`, where the subject failed: one that only costs too much does not
    explain wrong values. Gradients count once the values are right. Where they are right too, and only the
    budget is exceeded, the known mistake with right values and gradients is the one that costs too much.
    """
    for mistake in subject.plan.exercise.known_mistakes:
        pairs = zip(_shown(subject, stage), _shown(_watched(subject.plan, mistake), stage), strict=True)
        if all(alike(one, other) for one, other in pairs) and any(examine(_watched(subject.plan, mistake))):
            return mistake
    return None


@lru_cache(maxsize=256)
def _watched(plan: Plan, mistake: Callable) -> Subject:
    return local(plan, mistake)


def _shown(subject: Subject, stage: str) -> Iterator[Observation]:
    plan, exercise = subject.plan, subject.plan.exercise
    yield from map(subject.values, plan.whole + plan.cases)
    if exercise.gradient and stage in ("gradient", "budget"):
        yield from map(subject.gradients, plan.whole)
