"""Compile a kernel without a GPU and read what came out: registers, spills, shared memory, SASS.

`glassbox.machine.inspect` is this package's `inspect`.
"""

from glassbox.machine.inspecting.api import inspect, inspect_many
from glassbox.machine.inspecting.baseline import faults
from glassbox.machine.inspecting.chips import ARCHITECTURES
from glassbox.machine.inspecting.compilation import CompilationError
from glassbox.machine.inspecting.inspection import Inspection
from glassbox.machine.inspecting.records import recorded

__all__ = (
    "ARCHITECTURES",
    "CompilationError",
    "Inspection",
    "faults",
    "inspect",
    "inspect_many",
    "recorded",
)
