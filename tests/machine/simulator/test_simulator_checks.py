"""Which checks run, and what an error leaves behind."""

import pickle

import kernels_under_test as kernels
import pytest
import torch
from glassbox.machine import empty, empty_like, launch
from glassbox.machine import simulator as sim
from test_simulator_memory import atomic_too_far, forgot_the_mask, half_written, sums_undefined_lanes
from test_simulator_races import everybody_writes_here


def test_checks_can_be_chosen():
    launch(everybody_writes_here, (3,), empty(1), checks=False)
    launch(everybody_writes_here, (3,), empty(1), checks=["uninitialized", "undefined"])
    launch(half_written, (1,), empty(8), empty(8), 5, BLOCK=8, checks=["races"])
    launch(sums_undefined_lanes, (1,), torch.ones(12), empty(1), 12, BLOCK=16, checks=["races"])
    with pytest.raises(sim.OutOfBounds):
        launch(forgot_the_mask, (2,), torch.ones(100), empty(100), 100, BLOCK=64, checks=False)
    with pytest.raises(ValueError, match="checks: expected"):
        launch(everybody_writes_here, (3,), empty(1), checks=["race"])


def test_an_error_survives_pickling():
    with pytest.raises(sim.OutOfBounds) as info:
        launch(atomic_too_far, (1,), torch.zeros(6), BLOCK=8)
    again = pickle.loads(pickle.dumps(info.value))
    assert str(again) == str(info.value) and again.line == info.value.line


def test_the_machine_is_free_again_after_an_error():
    with pytest.raises(sim.OutOfBounds):
        launch(atomic_too_far, (1,), torch.zeros(6), BLOCK=8)
    out, _ = kernels.add(torch.ones(5), torch.ones(5))
    assert torch.equal(out, torch.full((5,), 2.0))
    assert empty_like(out).shape == out.shape
