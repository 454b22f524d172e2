"""The machine: write a kernel once, run it simulated, interpreted or compiled.

`from glassbox.machine import triton, tl` is the only place where the choice is made between Triton and its
stand-in.
"""

from importlib import import_module

_HOME = {
    "launch": "glassbox.machine.launching",
    "metered": "glassbox.machine.launching",
    "captured": "glassbox.machine.launching",
    "inspect": "glassbox.machine.inspecting",
    "predict": "glassbox.machine.roofline",
    "GPUS": "glassbox.machine.roofline",
    "simulate": "glassbox.machine.simulator",
    "Report": "glassbox.machine.simulator",
    "SimulationError": "glassbox.machine.simulator",
    "empty": "glassbox.machine.simulator.memory",
    "empty_like": "glassbox.machine.simulator.memory",
}
__all__ = (
    "GPUS",
    "Report",
    "SimulationError",
    "TensorDescriptor",
    "captured",
    "empty",
    "empty_like",
    "inspect",
    "launch",
    "metered",
    "predict",
    "simulate",
    "tl",
    "triton",
)


def __getattr__(name: str):
    if name == "triton":
        return _triton()
    if name == "tl":
        return _triton().language
    if name == "TensorDescriptor":
        stand_in = _triton().__name__ != "triton"
        home = "glassbox.machine.triton_stub" if stand_in else "triton.tools.tensor_descriptor"
        return import_module(home).TensorDescriptor
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _triton():
    """Return Triton where it is installed, otherwise the stand-in; kernels can be written for both."""
    try:
        import triton
        import triton.language
    except ImportError:
        from . import triton_stub as triton
    return triton
