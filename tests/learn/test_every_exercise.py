"""Every exercise of every topic diagnoses as it promises."""

import example_exercises
import pytest
from exercise_proof import declared, of_every_topic, proved


@pytest.fixture(autouse=True)
def _no_record(monkeypatch, request):
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    exercise = request.node.callspec.params["exercise"]
    exercise.reset()


@proved(declared(example_exercises) + of_every_topic())
def test_every_exercise(exercise, check):
    check(exercise)
