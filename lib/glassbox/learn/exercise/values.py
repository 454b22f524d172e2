"""The later stages: invariants, one mechanism at a time, gradients, cost."""

import torch
from torch import Tensor

from glassbox.learn.exercise import difference
from glassbox.learn.exercise.bounded import Observation
from glassbox.learn.exercise.compare import agrees, as_good_as, is_short, parts
from glassbox.learn.exercise.explained import explained
from glassbox.learn.exercise.form import Found, misformed
from glassbox.learn.exercise.message import Message, message, title
from glassbox.learn.exercise.plan import Trial, floating_parameters, parameters
from glassbox.learn.exercise.subject import Subject
from glassbox.learn.exercise.verdict import Finding
from glassbox.learn.exercise.where import number, pairs, where

MOST_CHARACTERS = 100  # of a value that is shown
ABSOLUTE = 1e-6  # what may be left of a quantity that should be zero, relative to the result or to 1


# ---- invariants


class _Failed(Exception):
    pass


def invariants(subject: Subject) -> Found:
    """Properties hold that need no reference."""
    for holds in subject.plan.exercise.invariants:
        for trial in subject.plan.whole:
            yield from _broken(holds, subject, trial)


def _broken(holds, subject: Subject, trial: Trial) -> Found:
    largest = 1.0

    def call(*args):
        nonlocal largest
        seen = subject.run(args)
        if seen.raised:
            raise _Failed(seen.raised)
        sizes = [float(leaf.abs().max()) for leaf in parts(seen.value).values() if _has_numbers(leaf)]
        largest = max(largest, *sizes, 1.0)
        return seen.value

    try:
        left = torch.as_tensor(holds(call, *trial.args))
    except _Failed as failed:
        yield explained(failed.args[0], "invariants", trial.seed)
        return
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError):  # a result of the wrong form
        left = torch.tensor(False)
    off = ~left if left.dtype == torch.bool else ~(left.abs() <= ABSOLUTE * largest)
    if bool(off.any()):
        worst = () if left.dtype == torch.bool else (f"off by {number(left[off].abs().max())}",)
        yield Finding("invariants", message(holds), trial.seed, worst)


def _has_numbers(leaf) -> bool:
    return (
        isinstance(leaf, Tensor)
        and leaf.is_floating_point()
        and leaf.numel() > 0
        and bool(leaf.isfinite().all())
    )


# ---- isolation


def isolation(subject: Subject) -> Found:
    """One mechanism at a time, then all together, against an independent reference.

    The first case that fails is named, unless nothing at all is right.
    """
    cases, failed = subject.plan.exercise.cases, {}
    for trial in subject.plan.cases + subject.plan.whole:
        if trial.case not in failed and any(_problems(trial, subject.values(trial), ())):
            failed[trial.case] = trial
    if failed:
        trial = failed[None] if len(failed) > len(cases) else next(iter(failed.values()))
        right = tuple(title(case) for case in cases if case not in failed)
        yield from _problems(trial, subject.values(trial), right)


def _problems(trial: Trial, got: Observation, right_cases: tuple[str, ...]) -> Found:
    if got.raised:
        yield explained(got.raised, "isolation", trial.seed)
        return
    if bad := next(misformed(trial, got, "isolation"), None):
        yield _in_case(bad, trial)
        return
    have, want = parts(got.value, trial.exercise.returns), _expected(trial)
    wrong = [name for name in want if not _right(have[name], name, trial)]
    if wrong:
        yield _wrong_values(trial, wrong, have[wrong[0]], want, right_cases)


def _expected(trial: Trial) -> dict:
    return parts(trial.want.value, trial.exercise.returns)


def _right(got, name: str, trial: Trial) -> bool:
    want = _expected(trial)[name]
    if is_short(want):
        return as_good_as(got, want, parts(trial.oracle.value, trial.exercise.returns)[name])
    return bool(agrees(got, want).all())


def _in_case(bad: Finding, trial: Trial) -> Finding:
    if trial.case is None:
        return bad
    saw = f"{bad.message.saw} (case: {title(trial.case)})"
    return Finding(bad.stage, bad.message._replace(saw=saw), bad.seed)


def _wrong_values(
    trial: Trial, wrong: list[str], got, expected: dict, right_cases: tuple[str, ...]
) -> Finding:
    want = expected[wrong[0]]
    numeric = isinstance(want, Tensor)
    numbers, table = (pairs(got, want), difference.table(got, want)) if numeric else (_plain(got, want), None)
    right = [name for name in expected if name not in wrong]
    if len(expected) > 1:
        numbers = tuple(f"{wrong[0]} {pair}" for pair in numbers)
    if not numeric:
        numbers += _given(trial)
    if trial.case:
        return Finding("isolation", _of_parts(message(trial.case), wrong, right), trial.seed, numbers, table)
    saw = f"{wrong[0]}: {where(got, want)}" if numeric else f"{wrong[0]} is not as expected"
    means = f"right: {', '.join(right)}; wrong: {', '.join(wrong)}. " if right else ""
    means += f"These cases are right: {', '.join(right_cases)}" if right_cases else "Not a mistake known here"
    look = "a small example by hand, step by step, beside your code; or the next hint"
    return Finding("isolation", Message(saw, means, look), trial.seed, numbers, table)


def _of_parts(said: Message, wrong: list[str], right: list[str]) -> Message:
    """Return a case's message with the names of the parts that it is about, where there are several."""
    if len(wrong) + len(right) == 1:
        return said
    parts_right = f"; right: {', '.join(right)}" if right else ""
    return said._replace(saw=f"{said.saw}. Wrong: {', '.join(wrong)}{parts_right}")


def _plain(got, want) -> tuple[str, ...]:
    return (f"{_cut(got)}, expected {_cut(want)}",)


def _given(trial: Trial) -> tuple[str, ...]:
    """Return the arguments of a trial that can be read in a line."""
    named = zip(parameters(trial.exercise.solution), trial.args, strict=False)
    short = [f"{name} = {value!r}" for name, value in named if not isinstance(value, Tensor)]
    return tuple(f"with {text}" for text in short if len(text) <= MOST_CHARACTERS)


def _cut(value) -> str:
    shown = number(value) if isinstance(value, float) else repr(value)
    return shown if len(shown) <= MOST_CHARACTERS else f"{shown[: MOST_CHARACTERS - 3]}..."


# ---- gradient


def gradient(subject: Subject) -> Found:
    """Gradients in float64 are those of the reference."""
    if not subject.plan.exercise.gradient:
        return
    for trial in subject.plan.whole:
        got = subject.gradients(trial)
        if got.raised:
            yield explained(got.raised, "gradient", trial.seed)
            continue
        wrong = [row for row in zip(floating_parameters(trial), got.gradients, trial.gradients, strict=True)
                 if not _same_gradient(*row[1:])]  # fmt: skip
        if wrong:
            yield _wrong_gradient(trial, *wrong[0])


def _same_gradient(got: Tensor | None, want: Tensor | None) -> bool:
    if got is None or want is None:
        return not any(bool(each.any()) for each in (got, want) if each is not None)
    return bool(agrees(got, want).all())


def _wrong_gradient(trial: Trial, name: str, got: Tensor | None, want: Tensor | None) -> Finding:
    if got is None:
        saw, means = (
            f"the values are right, but no gradient reaches {name}",
            f"{name} is cut off from the result",
        )
        look = ".detach(), .data, .item(), no_grad, or a new tensor made from numbers"
        return Finding("gradient", Message(saw, means, look), trial.seed)
    want = torch.zeros_like(got) if want is None else want
    said = Message(f"the values are right, but the gradient for {name} is not: {where(got, want)}",
                   "a part of the computation is cut off, or counted twice",
                   f"every way from {name} to the result")  # fmt: skip
    return Finding("gradient", said, trial.seed, pairs(got, want), difference.table(got, want))


# ---- budget


def budget(subject: Subject) -> Found:
    """The function costs no more than it may, counted and not timed."""
    allowed = subject.plan.exercise.budget
    if not allowed:
        return
    seen = subject.cost()
    if seen.raised:
        yield explained(seen.raised, "budget", None)
    elif seen.cost > allowed.most:
        yield Finding("budget", allowed.exceeded(seen))
