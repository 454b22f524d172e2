"""The simulator is much faster than Triton's interpreter, measured in one run."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest


@pytest.mark.slow
@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here (Linux only)")
def test_the_simulator_is_twenty_times_faster_and_eight_times_with_every_check():
    """In a process of its own: the check of annotations, on in these tests, would be measured as well."""
    command = [sys.executable, "-m", "glassbox.machine.simulator.speed", "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["metered ratio"] >= 20, found
    assert found["all checks ratio"] >= 8, found
