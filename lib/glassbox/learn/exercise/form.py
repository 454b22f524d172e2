"""The first stages: does it load, run, return the right sort of thing, and leave its arguments alone?"""

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from glassbox.learn.exercise.bounded import Loaded, Observation
from glassbox.learn.exercise.compare import kind, parts, same
from glassbox.learn.exercise.explained import explained
from glassbox.learn.exercise.message import Message
from glassbox.learn.exercise.plan import Trial, parameters
from glassbox.learn.exercise.subject import Subject
from glassbox.learn.exercise.verdict import Finding

Found = Iterator[Finding]


# ---- interface


def loading(loaded: Loaded, exercise) -> Found:
    """The code loads and defines a function that takes the arguments."""
    if loaded.raised:
        yield explained(loaded.raised, "interface", None)
    elif not loaded.callable:
        said = Message(f"{exercise.name} is not a function", "the check calls it on inputs of its own",
                       "pass the function itself, not its result")  # fmt: skip
        yield Finding("interface", said)
    elif loaded.parameters is not None:
        yield from _signature(loaded.parameters, parameters(exercise.solution))


def _signature(has: list, needs: list[str]) -> Found:
    required = sum(not default for _, default in has)
    if not required <= len(needs) <= len(has):
        names = ", ".join(name for name, _ in has)
        said = Message(
            f"your function takes ({names})", f"it is called with ({', '.join(needs)})", "the first line"
        )
        yield Finding("interface", said)


def interface(subject: Subject) -> Found:
    """The function runs and returns the right sort of thing."""
    for trial in subject.plan.whole:
        got, say = subject.values(trial), partial(Finding, "interface", seed=trial.seed)
        if got.raised:
            yield explained(got.raised, "interface", trial.seed)
        elif said := _wrong_kind(got.value, trial.want.value):
            yield say(said)


def _wrong_kind(got, want) -> Message | None:
    has, needs = kind(got), kind(want)
    if has == needs:
        return None
    if got is None:
        return Message("your function returned None", f"it should return {needs}", "is there a `return`?")
    if isinstance(got, tuple) and isinstance(want, Tensor):
        return Message(
            f"returned {has}", "only the output is wanted", "the `return` line: one value, no comma"
        )
    return Message(f"returned {has}", f"{needs} is wanted", "the `return` line")


# ---- form


def form(subject: Subject) -> Found:
    """Shapes and types are right, nothing is NaN, no argument was changed."""
    for trial in subject.plan.whole:
        yield from misformed(trial, subject.values(trial), "form")


def misformed(trial: Trial, got: Observation, stage: str) -> Found:
    """Yield what is wrong with a result before its values are looked at."""
    have, want = parts(got.value, trial.exercise.returns), parts(trial.want.value, trial.exercise.returns)
    say = partial(Finding, stage, seed=trial.seed)
    for name in want:
        if said := _ill_shaped(name, have.get(name), want[name]):
            yield say(said)
    for name, now, due in zip(parameters(trial.exercise.solution), got.after, trial.want.after, strict=False):
        if not same(now, due):
            yield say(_changed(name, trial))
    for name in want:
        if said := _not_finite(name, have.get(name), want[name]):
            yield say(said)


def _ill_shaped(name: str, got, want) -> Message | None:
    if kind(got) != kind(want):
        return Message(f"{name} is {kind(got)}", f"{kind(want)} is wanted", "the `return` line")
    if not isinstance(want, Tensor):
        return None
    if got.shape != want.shape:
        has, needs = tuple(got.shape), tuple(want.shape)
        return Message(
            f"{name} has shape {has}", f"it should have {needs}", "the dimension of each reduction, keepdim"
        )
    if got.dtype != want.dtype:
        has, needs = (str(each.dtype).removeprefix("torch.") for each in (got, want))
        return Message(
            f"{name} is {has}", f"it should be {needs}, like its input", "conversions, and new tensors"
        )
    return None


def _changed(name: str, trial: Trial) -> Message:
    if all(map(same, trial.args, trial.want.after)):
        look = "operators like += and *=, methods that end in _, assignments to parts"
        return Message(f"your function changed its argument {name}", "an operation works in place", look)
    return Message(
        f"{name} is not left as it should be", "this function updates it in place", f"where {name} is set"
    )


def _not_finite(name: str, got, want) -> Message | None:
    if not (isinstance(got, Tensor) and got.is_floating_point()) or not bool(want.isfinite().all()):
        return None
    bad = int((~got.isfinite()).sum())
    if not bad:
        return None
    saw, means = (
        f"{bad} of {got.numel()} values of {name} are NaN or infinite",
        "an overflow, or 0 divided by 0",
    )
    return Message(saw, means, "exponentials, logarithms, roots and divisions")
