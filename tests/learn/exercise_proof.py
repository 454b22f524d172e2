"""What every exercise must prove about itself; a topic's exercises join by existing."""

import pkgutil
from importlib import import_module, util

import glassbox
import pytest
import torch
from glassbox.learn.exercise import Cells, Compute, Debug, Exercise, Explain, Implement, State, message

PROOFS = []


def proof(check):
    """Add a check to those that every exercise must pass."""
    PROOFS.append(check)
    return check


def declared(module) -> list[Exercise]:
    """Return the exercises that a module declares."""
    return [each for each in vars(module).values() if isinstance(each, Exercise)]


def of_every_topic() -> list[Exercise]:
    """Return the exercises of every topic of the course."""
    topics = [info.name for info in pkgutil.iter_modules(glassbox.__path__) if info.ispkg]
    names = [f"glassbox.{topic}.exercises" for topic in topics]
    return [each for name in names if util.find_spec(name) for each in declared(import_module(name))]


def submit(exercise: Exercise, answer):
    """Check an answer as a learner does."""
    if isinstance(exercise, Debug):
        return exercise.check(answer, exercise.letter.upper())
    return exercise.check(answer() if isinstance(exercise, Compute) else answer)


def right_answers(exercise: Exercise) -> list:
    """Return the solution and the alternatives."""
    return [exercise.solution, *exercise.alternatives]


def wrong_answers(exercise: Exercise) -> list:
    """Return the known mistakes."""
    return list(getattr(exercise, "known_mistakes", getattr(exercise, "mistakes", ())))


@proof
def the_starter_is_met_politely(exercise):
    cells = Cells(exercise.starter(), exercise.answer_names)
    assert exercise.check_cells(cells).state is State.NOT_ATTEMPTED


@proof
def every_right_answer_passes(exercise):
    if isinstance(exercise, Explain):
        verdict = exercise.check(exercise.model)
        count = len(exercise.rubric)
        assert verdict.state is State.COMPARE and verdict.finding.message.look == ""
        assert verdict.finding.message.saw.startswith(f"{count} of {count} points found by their words;")
        return
    for answer in right_answers(exercise):
        verdict = submit(exercise, answer)
        assert verdict.passed, f"{getattr(answer, '__name__', 'model')}: {verdict}"


@proof
def words_are_never_judged(exercise):
    if not isinstance(exercise, Explain):
        return
    for answer in ("nonsense", " ".join(word for point in exercise.rubric for word in point.words)):
        verdict = exercise.check(answer)
        assert verdict.state is State.COMPARE and not set("✓✗") & set(str(verdict))
    assert exercise.check("nonsense").finding.message.saw.startswith("0 of ")


@proof
def a_cause_is_asked_for_once_the_function_is_right(exercise):
    if not isinstance(exercise, Debug):
        return
    wrong = next(letter for letter in exercise.letters if letter != exercise.letter)
    for cause in (None, "", 3, "eps", "z", wrong):
        verdict = exercise.check(exercise.solution, cause)
        assert verdict.finding.stage == "cause"
        assert all(cause in str(verdict) for cause in exercise.causes)
    assert not any(cause in exercise.show().markdown for cause in exercise.causes)
    for mistake in exercise.mistakes:
        assert not any(cause in str(exercise.check(mistake)) for cause in exercise.causes)


@proof
def every_mistake_fails_with_its_own_message(exercise):
    answers = wrong_answers(exercise)
    if isinstance(exercise, Debug):
        answers.remove(exercise.broken)  # as it was given, it is not attempted
    for mistake in answers:
        verdict = submit(exercise, mistake)
        assert verdict.state is State.FAILED, f"{mistake.__name__} passes"
        assert verdict.mistake == mistake.__name__, f"{mistake.__name__} is taken for: {verdict}"
        assert verdict.finding.message == message(mistake)


@proof
def no_two_mistakes_say_the_same(exercise):
    said = [message(mistake).saw for mistake in wrong_answers(exercise)]
    assert len(set(said)) == len(said)


@proof
def there_are_enough_mistakes_and_another_correct_way(exercise):
    if not isinstance(exercise, Explain):
        assert len(exercise.mistakes) >= 3
    if isinstance(exercise, Implement):
        assert exercise.alternatives and exercise.reference is not exercise.solution


@proof
def the_gradient_of_the_reference_is_the_finite_difference(exercise):
    if not getattr(exercise, "gradient", False):
        return
    args = [arg.requires_grad_() if is_floating(arg) else arg for arg in exercise.inputs(0)]
    assert torch.autograd.gradcheck(exercise.reference, args)


def is_floating(value) -> bool:
    """Tell whether a value is a tensor that a gradient is taken for."""
    return isinstance(value, torch.Tensor) and value.is_floating_point()


@proof
def what_is_shown_is_complete(exercise):
    assert exercise.title and exercise.statement and exercise.minutes > 0 and all(exercise.hints)
    assert exercise.statement in exercise.show().markdown
    assert len(set(exercise.hints)) == 3
    for level in (1, 2, 3):
        assert exercise.hints[level - 1] in exercise.hint().markdown
    assert exercise.answer() not in exercise.reveal().markdown
    assert exercise.answer() in exercise.reveal().markdown


def proved(exercises: list[Exercise]):
    """Parametrise a test over every exercise and every proof."""
    cases = [
        pytest.param(each, check, id=f"{each.id}-{check.__name__}") for each in exercises for check in PROOFS
    ]
    return pytest.mark.parametrize("exercise, check", cases)
