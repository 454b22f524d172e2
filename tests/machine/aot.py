"""What the tests of every topic hold its kernels to, ahead of time: `assert_ready("norms", variants)`."""

from importlib.util import find_spec

import pytest
from glassbox.machine.inspecting import faults

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed (Linux only)")


def assert_ready(topic, variants, archs=("sm_80", "sm_90"), **options):
    """Compile every (name, Launch) that `variants(arch)` yields; fail with one line per fault.

    Options are those of `glassbox.machine.inspecting.faults`: may_spill, streaming.
    """
    found = faults(topic, variants, archs, **options)
    assert not found, "\n".join(["", *found])
