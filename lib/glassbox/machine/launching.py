"""One launch function for every way to run a kernel, and two ways to listen to launches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from glassbox.arguments import expect_choice

BACKENDS = ("simulated", "compiled", "interpreted")
SIMULATOR_OPTIONS = ("checks", "meter", "find_nonfinite", "events")


class Launch(NamedTuple):
    """One call of `launch`, as it was made."""

    kernel: object
    grid: object
    args: tuple
    kwargs: dict


_captures: list[list[Launch]] = []
_meters: list[list] = []


def launch(kernel, grid, *args, backend: str = "simulated", **kwargs):
    """Run a `@triton.jit` kernel over a grid.

    `simulated` (CPU tensors, any machine) returns a Report and takes the options of `simulator.simulate`:
    checks, meter, find_nonfinite, events. `compiled` needs Triton and an NVIDIA GPU; `interpreted` is
    Triton's own interpreter, for tests, and needs TRITON_INTERPRET=1 set before Python starts. Both return
    None. Raises: SimulationError at the kernel's first mistake; RuntimeError with advice if the backend
    cannot run here.
    """
    expect_choice("backend", backend, BACKENDS)
    if _captures:
        _captures[-1].append(Launch(kernel, grid, args, kwargs))
        return None
    if backend == "simulated":
        return _simulated(kernel, grid, args, kwargs)
    kwargs = {k: v for k, v in kwargs.items() if k not in SIMULATOR_OPTIONS}
    if backend == "compiled":
        _check_compiled(kernel)
        _give_room_for_descriptors()
    else:
        _check_interpreted(kernel)
    grid = (grid,) if isinstance(grid, int) else grid
    kernel[grid](*args, **kwargs)
    return None


@contextmanager
def metered() -> Iterator[list]:
    """Collect the Report of every simulated launch inside the block, in order.

        with metered() as reports:
            rms_norm(x, gain, backend="simulated")
        reports[0].bytes_moved

    Convention: a launch inside two such blocks is listed in both.
    """
    reports: list = []
    _meters.append(reports)
    try:
        yield reports
    finally:
        _meters.pop()


@contextmanager
def captured() -> Iterator[list[Launch]]:
    """Collect every launch inside the block instead of running it; the arguments may be meta tensors."""
    launches: list[Launch] = []
    _captures.append(launches)
    try:
        yield launches
    finally:
        _captures.pop()


def _simulated(kernel, grid, args, kwargs):
    from .simulator import simulate

    report = simulate(kernel, grid, *args, **kwargs)
    for reports in _meters:
        reports.append(report)
    return report


def _check_compiled(kernel) -> None:
    import torch

    if _is_stand_in(kernel) or not torch.cuda.is_available():
        raise RuntimeError(
            "backend='compiled' needs Triton (Linux) and an NVIDIA GPU; use backend='simulated'"
        )
    if type(kernel).__name__ == "InterpretedFunction":
        raise RuntimeError("backend='compiled': TRITON_INTERPRET is set; start Python without it")


def _give_room_for_descriptors() -> None:
    """Give tensor descriptors that kernels make a place in GPU memory, unless the program has its own way.

    Triton keeps its allocator per thread, and PyTorch runs backward passes in another.
    """
    import torch
    import triton
    from triton.runtime import _allocation

    if isinstance(_allocation._allocator.get(), _allocation.NullAllocator):
        triton.set_allocator(
            lambda size, alignment, stream: torch.empty(size, dtype=torch.int8, device="cuda")
        )


def _check_interpreted(kernel) -> None:
    if _is_stand_in(kernel):
        raise RuntimeError("backend='interpreted' needs Triton (Linux); use backend='simulated'")
    inner = kernel
    while type(inner).__name__ != "InterpretedFunction":
        if not hasattr(inner, "fn"):
            raise RuntimeError("backend='interpreted': set TRITON_INTERPRET=1 before Python starts")
        inner = inner.fn


def _is_stand_in(kernel) -> bool:
    return type(kernel).__module__ == "glassbox.machine.triton_stub"
