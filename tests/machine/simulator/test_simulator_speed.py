"""The simulator is much faster than Triton's interpreter, measured in one run."""

from importlib.util import find_spec

import pytest
from glassbox.machine.simulator import speed


@pytest.mark.slow
@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here (Linux only)")
def test_the_simulator_is_twenty_times_faster_and_eight_times_with_every_check():
    found = speed.ratios(rounds=2)
    assert found["metered ratio"] >= 20, found
    assert found["all checks ratio"] >= 8, found
