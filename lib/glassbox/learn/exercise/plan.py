"""What a check will try, and what the reference gives for it: worked out once per exercise and seeds."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from glassbox.learn.exercise.bounded import Observation, observe
from glassbox.learn.exercise.compare import is_short
from glassbox.learn.exercise.inputs import Inputs


class Broken(Exception):
    """The exercise itself is wrong: its reference or solution fails on its own inputs."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One call: its arguments, the case it belongs to (None for the whole), and what is expected."""

    exercise: object
    seed: int
    case: Callable | None
    args: tuple

    @cached_property
    def want(self) -> Observation:
        """Return what the call should do: in 16 bits the solution's way, else the reference's."""
        short = any(map(is_short, tree_leaves(self.args)))
        return sound(self.exercise.solution if short else self.exercise.reference, self)

    @cached_property
    def oracle(self) -> Observation:
        """Return what the reference gives for the same arguments in float64."""
        wide = tree_map(lambda leaf: leaf.double() if is_short(leaf) else leaf, self.args)
        return sound(self.exercise.reference, Trial(self.exercise, self.seed, self.case, wide))

    @cached_property
    def cotangents(self) -> tuple[Tensor, ...]:
        """Return one random tensor for each floating tensor of the result."""
        leaves = [leaf for leaf in tree_leaves(self.want.value) if isinstance(leaf, Tensor)]
        make = Inputs(1000 + self.seed)
        return tuple(make.normal(*leaf.shape).to(leaf.dtype) for leaf in leaves if leaf.is_floating_point())

    @cached_property
    def gradients(self) -> tuple[Tensor | None, ...]:
        """Return the reference's gradients with respect to the floating arguments."""
        return sound(self.exercise.reference, self, self.cotangents).gradients


def sound(function: Callable, trial: Trial, cotangents: tuple = ()) -> Observation:
    """Return what one of the exercise's own functions does, which must not fail."""
    seen = observe(function, trial.args, cotangents)
    if seen.raised:
        case = f" in {trial.case.__name__}" if trial.case else ""
        raise Broken(f"{trial.exercise.id}: {function.__name__}{case}, seed {trial.seed}: {seen.raised}")
    return seen


@dataclass(frozen=True, eq=False)
class Plan:
    """The trials of one exercise: isolated cases first, then the whole; one of each per seed."""

    exercise: object
    cases: tuple[Trial, ...]
    whole: tuple[Trial, ...]

    @cached_property
    def budget_args(self) -> tuple:
        """Return the arguments on which the cost is counted."""
        return tuple(self.exercise.budget.inputs())


@lru_cache(maxsize=64)
def plan(exercise, seeds: tuple[int, ...]) -> Plan:
    """Return the plan of an exercise."""
    cases = [Trial(exercise, seed, case, tuple(case(seed))) for case in exercise.cases for seed in seeds]
    whole = [Trial(exercise, seed, None, tuple(exercise.inputs(seed))) for seed in seeds]
    return Plan(exercise, tuple(cases), tuple(whole))


def parameters(function: Callable) -> list[str]:
    """Return the names of a function's positional parameters."""
    found = inspect.signature(function).parameters.values()
    return [each.name for each in found if each.kind < each.VAR_POSITIONAL]


def floating_parameters(trial: Trial) -> list[str]:
    """Return the names of the arguments that a gradient is taken for."""
    names = parameters(trial.exercise.solution)
    return [name for name, arg in zip(names, trial.args, strict=False)
            if isinstance(arg, torch.Tensor) and arg.is_floating_point()]  # fmt: skip
