"""Which of the ways to run an operation a call gets."""

from importlib.util import find_spec

import torch
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_choice

WAYS = ("auto", "reference", "simulated", "compiled")
KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def uses_kernel(backend: str, name: str, x: Tensor) -> bool:
    """Tell whether a call takes the kernel (True) or the definition (False), and refuse what cannot run.

    Convention: `auto` takes the kernel for CUDA tensors of 32 or 16 bits where Triton is installed, and the
        definition for all others. `simulated` wants CPU tensors, `compiled` CUDA tensors; meta tensors suit
        both.
    Raises: ValueError, TypeError naming `name`, the argument that `x` came as; RuntimeError where Triton or
        the GPU is missing.
    """
    expect_choice("backend", backend, WAYS)
    if backend == "auto":
        return x.is_cuda and x.dtype in KERNEL_DTYPES and find_spec("triton") is not None
    if backend == "reference":
        return False
    if x.dtype not in KERNEL_DTYPES:
        raise bad_type(name, f"float32, float16 or bfloat16 for backend={backend!r}", x)
    wanted = "cpu" if backend == "simulated" else "cuda"
    if x.device.type not in (wanted, "meta"):
        raise bad_value(name, f"a {wanted.upper()} tensor for backend={backend!r}", f"one on {x.device}")
    if backend == "compiled" and find_spec("triton") is None:
        raise RuntimeError("backend='compiled' needs Triton, which is for Linux; use backend='reference'")
    return True
