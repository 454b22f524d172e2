"""One launch function for every way to run a kernel."""

from glassbox.arguments import expect_choice

BACKENDS = ("simulated", "compiled", "interpreted")


def launch(kernel, grid, *args, backend: str = "simulated", **kwargs):
    """Run a `@triton.jit` kernel over a grid.

    `simulated` (CPU tensors, any machine) returns a Report and takes the options of `simulator.simulate`:
    checks, meter, find_nonfinite, events. `compiled` needs Triton and an NVIDIA GPU; `interpreted` is
    Triton's own interpreter, for tests, and needs TRITON_INTERPRET=1 set before Python starts. Both return
    None. Raises: SimulationError at the kernel's first mistake; RuntimeError with advice if the backend
    cannot run here.
    """
    expect_choice("backend", backend, BACKENDS)
    if backend == "simulated":
        from .simulator import simulate

        return simulate(kernel, grid, *args, **kwargs)
    kwargs = {k: v for k, v in kwargs.items() if k not in ("checks", "meter", "find_nonfinite", "events")}
    (_check_compiled if backend == "compiled" else _check_interpreted)(kernel)
    grid = (grid,) if isinstance(grid, int) else grid
    kernel[grid](*args, **kwargs)
    return None


def _check_compiled(kernel) -> None:
    import torch

    if _is_stand_in(kernel) or not torch.cuda.is_available():
        raise RuntimeError(
            "backend='compiled' needs Triton (Linux) and an NVIDIA GPU; use backend='simulated'"
        )
    if type(kernel).__name__ == "InterpretedFunction":
        raise RuntimeError("backend='compiled': TRITON_INTERPRET is set; start Python without it")


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
