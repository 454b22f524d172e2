"""Inspect one launch or many."""

from collections.abc import Sequence

from glassbox.arguments import expect_choice
from glassbox.machine.inspecting.chips import ARCHITECTURES
from glassbox.machine.inspecting.compilation import CompilationError, compile_all, expect_triton
from glassbox.machine.inspecting.inspection import Inspection
from glassbox.machine.inspecting.shipping import request_of
from glassbox.machine.launching import Launch

SECONDS = 120.0


def inspect(kernel, *args, arch: str = "sm_90", **kwargs) -> Inspection:
    """Compile a kernel as a launch with these arguments would, without a GPU, and return what came out.

        inspect(add, x, y, out, n, BLOCK=1024)
        inspect(launch_of_a_captured_call)

    Takes what `launch` takes, without the grid; tensors may be meta tensors; options of the simulator are
    ignored. The kernel is specialised by Triton's own rules: 16-byte alignment, integers divisible by 16 or
    equal to 1, None.
    Convention: a tensor that is not on a GPU counts as aligned if its offset into its storage is.
    Raises: CompilationError with the kernel's line; ValueError for an unknown architecture; TypeError for
        arguments that do not fit the kernel; RuntimeError with advice where Triton is not installed.
    Taught in: notebooks/01_norms.ipynb
    """
    launch = kernel if isinstance(kernel, Launch) else Launch(kernel, None, args, kwargs)
    (result,) = inspect_many([launch], arch)
    if isinstance(result, CompilationError):
        raise result
    return result


def inspect_many(
    launches: Sequence[Launch], arch: str = "sm_90", *, seconds: float = SECONDS, disassemble: bool = True
) -> list[Inspection | CompilationError]:
    """Compile captured launches, several at a time; a kernel that fails gives its error in its place.

    `seconds` is the time limit of each kernel. `disassemble=False` leaves out the SASS of kernels without
    matrix instructions, which takes longer to print than the kernel to compile.
    Raises: ValueError for an unknown architecture; TypeError for arguments that do not fit their kernel;
        RuntimeError with advice where Triton is not installed.
    """
    expect_choice("arch", arch, ARCHITECTURES)
    expect_triton()
    requests = [request_of(launch, arch, disassemble) for launch in launches]
    return compile_all(requests, seconds)
