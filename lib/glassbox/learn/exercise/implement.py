"""Write a function; or mend one and name the cause."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from glassbox.arguments import bad_value, expect_choice
from glassbox.learn.exercise.bounded import UNITS, Cells, Limits, Observation, Unsendable, shipped
from glassbox.learn.exercise.checking import judge
from glassbox.learn.exercise.exercise import Exercise
from glassbox.learn.exercise.listing import is_stub, listing, same_code
from glassbox.learn.exercise.message import Message, message
from glassbox.learn.exercise.note import code, table
from glassbox.learn.exercise.plan import parameters
from glassbox.learn.exercise.verdict import Finding, State, Verdict
from glassbox.learn.exercise.where import number

SEEDS = (0, 1, 2, 3, 4)
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Budget:
    """What a function may cost on `inputs()`, counted: at most `most` in one of the units of UNITS.

    largest tensor (bytes), bytes (of all new tensors), operators (tensor operations), flops (in matrix
    products), lines (of Python, outside libraries).
    """

    unit: str
    most: float
    inputs: Callable[[], tuple]
    means: str
    look: str

    def __post_init__(self):
        expect_choice("unit", self.unit, UNITS)

    def exceeded(self, seen: Observation) -> Message:
        """Return what is said of a function that costs too much."""
        largest = f" ({seen.largest})" if self.unit == "largest tensor" else ""
        cost = f"{seen.cost:,} {UNITS[self.unit]}{largest}"
        return Message(
            f"the result is right, but it takes {cost}; the budget is {self.most:,}", self.means, self.look
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Implement(Exercise):
    """Write a function that does what `solution` does.

    `reference` is coded independently of the solution. `inputs(seed)` gives arguments on which every mistake
    shows. `cases`: functions of a seed, each isolating one mechanism. `invariants`: functions of (the
    learner's function, *arguments) that return what must be zero, or what must be true. `mistakes`: known
    wrong versions. The docstrings of cases, invariants and mistakes are their messages: saw, means, look.
    `sizes` explains the letters of the shapes; `example` is the arguments of a worked instance; `returns`
    names the parts of a result. `forbidden` names what may not be called, as in torch.nn.functional.rms_norm.
    """

    solution: Callable
    inputs: Callable[[int], tuple]
    mistakes: tuple[Callable, ...]
    reference: Callable | None = None
    alternatives: tuple[Callable, ...] = ()
    invariants: tuple[Callable, ...] = ()
    cases: tuple[Callable, ...] = ()
    gradient: bool = False
    budget: Budget | None = None
    sizes: dict[str, str] = field(default_factory=dict)
    example: tuple = ()
    returns: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    limits: Limits = DEFAULT_LIMITS
    kind: ClassVar[str] = "implement"

    def __post_init__(self):
        super().__post_init__()
        if self.reference is None:
            object.__setattr__(self, "reference", self.solution)
        for function in (*self.known_mistakes, *self.invariants, *self.cases):
            message(function)

    @property
    def known_mistakes(self) -> tuple[Callable, ...]:
        """Return every wrong version that has a message."""
        return self.mistakes

    def check(self, function, seeds=SEEDS) -> Verdict:
        """Say whether a function is right, and if not, what was seen, what it means and where to look.

        The function runs in a process of its own, bounded in time and memory. `seeds` lets a class use
        inputs that nobody has seen.
        """
        return self.kept(self._judged(function, tuple(seeds)))

    def _judged(self, function, seeds: tuple[int, ...]) -> Verdict:
        if is_stub(function):
            return Verdict(self.id, State.NOT_ATTEMPTED)
        try:
            return judge(self, shipped(function), seeds)
        except Unsendable as error:
            return Verdict(self.id, State.FAILED, Finding("interface", _unsendable(error)))

    def check_cells(self, cells: Cells) -> Verdict:
        return judge(self, cells, SEEDS)

    # ---- what is shown

    def signature(self) -> str:
        """Return the first line of the function."""
        return f"def {self.name}({', '.join(parameters(self.solution))}):"

    def starter(self) -> str:
        return f"{self.signature()}\n    raise NotImplementedError"

    def body(self) -> str:
        sizes = table(("size", "meaning"), [(f"`{size}`", says) for size, says in self.sizes.items()])
        return "\n\n".join(
            part for part in (self.statement, sizes * bool(self.sizes), self._worked()) if part
        )

    def _worked(self) -> str:
        if not self.example:
            return ""
        call = f"{self.name}({', '.join(map(shown, self.example))})"
        return f"Example: `{call}` gives `{shown(self.solution(*self.example))}`."

    def answer(self) -> str:
        others = [f"Another correct way:\n\n{code(listing(each, self.name))}" for each in self.alternatives]
        return "\n\n".join([code(listing(self.solution, self.name)), *others])


def _unsendable(error: Unsendable) -> Message:
    saw = f"the function cannot be copied into the process that checks it ({error})"
    return Message(saw, "it refers to something that cannot be copied", "what it uses from other cells")


def shown(value) -> str:
    """Return a value with at most four digits per number, tensors as lists."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        left, right = "[]" if isinstance(value, list) else "()"
        return f"{left}{', '.join(map(shown, value))}{right}"
    return number(value) if isinstance(value, float) else repr(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Debug(Implement):
    """Mend the function `broken`, whose docstring is the message for leaving its behaviour as it is.

    `causes` maps each cause that one may suspect to the reason why it is not the one; the right cause has
    no reason. They are shown once the function is right; the learner names one by its letter.
    """

    broken: Callable
    causes: dict[str, str]
    kind: ClassVar[str] = "debug"

    def __post_init__(self):
        super().__post_init__()
        if list(self.causes.values()).count("") != 1:
            raise bad_value(f"{self.id}: causes", "one cause without a reason against it", self.causes)

    @property
    def known_mistakes(self) -> tuple[Callable, ...]:
        return (self.broken, *self.mistakes)

    @property
    def letters(self) -> dict[str, str]:
        """Return the causes by letter."""
        return dict(zip("abcdefgh", self.causes, strict=False))

    @property
    def letter(self) -> str:
        """Return the letter of the right cause."""
        return next(letter for letter, cause in self.letters.items() if not self.causes[cause])

    @property
    def answer_names(self) -> tuple[str, ...]:
        return (self.name, "cause")

    def check(self, function, cause=None, seeds=SEEDS) -> Verdict:
        """Say whether the function is mended and the cause is the right one."""
        if self._unchanged(_source(function)):
            return self.kept(Verdict(self.id, State.NOT_ATTEMPTED))
        return self.kept(self._with_cause(self._judged(function, tuple(seeds)), cause))

    def check_cells(self, cells: Cells) -> Verdict:
        if self._unchanged(cells.source):
            return Verdict(self.id, State.NOT_ATTEMPTED)
        found, problem = self.loaded(cells)
        return problem or self._with_cause(super().check_cells(cells), found.values[1])

    def _unchanged(self, source: str) -> bool:
        return same_code(source, listing(self.broken, self.name))

    def _with_cause(self, verdict: Verdict, cause) -> Verdict:
        named = cause.strip().lower() if isinstance(cause, str) else cause
        if not verdict.passed or named == self.letter:
            return verdict
        choices = tuple(f"{letter}: {says}" for letter, says in self.letters.items())
        return Verdict(self.id, State.FAILED, Finding("cause", self._about(cause, named)), choices)

    def _about(self, cause, named) -> Message:
        """Return what is said of a cause that is missing, or is none of the letters, or is the wrong one."""
        if cause is None or cause is ... or named == "":
            return Message(
                "the function is right now", "one question is left: what was wrong?", 'cause = "a letter"'
            )
        if not (isinstance(named, str) and named in self.letters):
            letters = ", ".join(self.letters)
            return Message(
                f"the function is right; the cause {cause!r} is not one of {letters}",
                "the cause is named by its letter",
                "quotation marks around one letter",
            )
        chosen = self.letters[named]
        return Message(
            f"the function is right, the cause is not: {chosen}", self.causes[chosen], "the other causes"
        )

    def starter(self) -> str:
        return f"{listing(self.broken, self.name)}\n\ncause = None"

    def body(self) -> str:
        return f"{super().body()}\n\nOnce the function is right, the check asks for the cause."

    def answer(self) -> str:
        return f"The cause is `{self.letter}`: {self.letters[self.letter]}.\n\n{super().answer()}"


def _source(function) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""
