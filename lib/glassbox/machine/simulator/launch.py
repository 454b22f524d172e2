"""Run a kernel, program by program."""

import inspect
from collections.abc import Collection

import numpy as np
import torch

from . import errors
from .block import constant
from .dtypes import OF_TORCH, int32, int64, uint64
from .index import scalar
from .language.constants import is_constexpr
from .language.descriptors import Descriptor
from .memory import Buffer
from .meter import Meter
from .pointer import Pointer
from .rebind import Adoption, raw_function
from .report import Report
from .shadow import Shadow
from .state import one_launch, run

CHECKS = ("uninitialized", "races", "undefined")
COMPILER_OPTIONS = frozenset(
    (
        "num_warps",
        "num_stages",
        "num_ctas",
        "maxnreg",
        "warp_size",
        "debug",
        "sanitize_overflow",
        "enable_fp_fusion",
    )
)


def simulate(
    kernel,
    grid,
    *args,
    checks: bool | Collection[str] = True,
    meter: bool = True,
    find_nonfinite: bool = False,
    events: int = 100_000,
    **kwargs,
) -> Report:
    """Run a `@triton.jit` kernel on CPU tensors and return what it moved and computed.

    Arguments: `checks` is True, False or a choice of "uninitialized", "races", "undefined" (bounds are always
    checked); `meter=False` counts nothing; `find_nonfinite` stops at the first NaN or infinity made from
    ordinary numbers; `events` limits the list of accesses. Options for the compiler (num_warps, ...) are
    accepted and ignored.
    Raises: a SimulationError that names the kernel's line, the program and the argument.
    """
    function = raw_function(kernel)
    chosen = _chosen(checks)
    bound = _bound(function, args, kwargs)
    sizes = grid_sizes(grid, bound)
    with one_launch:
        if run.active:
            raise RuntimeError(f"{function.__name__}: a kernel cannot launch a kernel")
        run.begin(function.__name__, sizes, chosen, find_nonfinite)
        try:
            return _simulated(function, bound, meter, events)
        finally:
            run.end()


def _simulated(function, bound: dict, meter: bool, events: int) -> Report:
    adoption, buffers = Adoption(), []
    values = {name: _argument(name, v, function, adoption, buffers) for name, v in bound.items()}
    _share_memory(buffers)
    run.meter = Meter(len(buffers), events) if meter else None
    with np.errstate(all="ignore"):
        _run_programs(adoption.function(function), values, run.grid)
    return Report(function.__name__, run.grid, buffers, run.meter, tuple(run.notes.values()))


def _run_programs(kernel, values: dict, sizes: tuple[int, int, int]) -> None:
    number = 0
    for z in range(sizes[2]):
        for y in range(sizes[1]):
            for x in range(sizes[0]):
                run.start_program((x, y, z), number)
                try:
                    kernel(**values)
                except errors.SimulationError as error:
                    raise error.with_traceback(errors.trimmed(error)) from error.__cause__
                except Exception as error:
                    raise errors.wrapped(error).with_traceback(errors.trimmed(error)) from error
                if run.meter is not None:
                    run.meter.end_program()
                number += 1


def _chosen(checks) -> frozenset:
    if checks is True or checks is False:
        return frozenset(CHECKS if checks else ())
    unknown = [c for c in checks if c not in CHECKS]
    if unknown or isinstance(checks, str):
        raise ValueError(f"checks: expected True, False or some of {', '.join(CHECKS)}; came {checks!r}")
    return frozenset(checks)


def _bound(function, args, kwargs) -> dict:
    signature = inspect.signature(function)
    given = {k: v for k, v in kwargs.items() if k in signature.parameters or k not in COMPILER_OPTIONS}
    try:
        bound = signature.bind(*args, **given)
    except TypeError as error:
        raise TypeError(f"{function.__name__}{signature}: {error}") from None
    bound.apply_defaults()
    return bound.arguments


def grid_sizes(grid, arguments: dict) -> tuple[int, int, int]:
    """Return the grid as three sizes; a callable grid gets the arguments by name."""
    grid = grid(arguments) if callable(grid) else grid
    sizes = (grid,) if isinstance(grid, int) else tuple(grid)
    sizes = tuple(s if isinstance(s, int) else int(s) for s in sizes)
    if not 1 <= len(sizes) <= 3 or any(s < 0 for s in sizes):
        raise ValueError(f"grid: expected one to three sizes of at least 0; came {sizes}")
    return (*sizes, 1, 1)[:3]


def _is_constexpr(function, name: str) -> bool:
    kind = function.__annotations__.get(name)
    return "constexpr" in (kind if isinstance(kind, str) else getattr(kind, "__name__", type(kind).__name__))


def _argument(name, value, function, adoption, buffers):
    if _is_constexpr(function, name):
        if isinstance(value, torch.Tensor):
            raise TypeError(f"{name}: declared tl.constexpr; came a tensor")
        return adoption.value(value)
    return _runtime_value(name, value, adoption, buffers)


def _runtime_value(name, value, adoption, buffers):
    if isinstance(value, torch.Tensor):
        return _pointer(name, value, buffers)
    if type(value) is int:
        kind = next((k for k in (int32, int64, uint64) if k.min <= value <= k.max), None)
        if kind is None:
            raise ValueError(f"{name}: {value} does not fit in 64 bits")
        return scalar(value, kind)
    if type(value) in (bool, float):
        return constant(value)
    if value is None or is_constexpr(value):
        return adoption.value(value)
    if isinstance(value, tuple):
        return tuple(_runtime_value(f"{name}[{k}]", v, adoption, buffers) for k, v in enumerate(value))
    if hasattr(value, "block_shape") and hasattr(value, "base"):
        base = _pointer(name, value.base, buffers)
        padding = getattr(value, "padding", "zero")
        return Descriptor(base, value.shape, value.strides, value.block_shape, padding)
    raise TypeError(
        f"{name}: expected a torch tensor, a number or None; came {value!r} ({type(value).__name__})"
    )


def _pointer(name: str, tensor: torch.Tensor, buffers: list) -> Pointer:
    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        raise TypeError(
            f"{name}: the simulator works on dense CPU tensors; came one on {tensor.device}: use .cpu()"
        )
    if tensor.dtype not in OF_TORCH:
        raise TypeError(f"{name}: {tensor.dtype} has no counterpart in Triton")
    buffers.append(Buffer(name, len(buffers), tensor))
    return Pointer(buffers[-1], scalar(0, int64))


def _share_memory(buffers: list) -> None:
    """Give arguments that lie in the same allocation one set of bookkeeping."""
    groups: dict[int, list] = {}
    for buffer in buffers:
        groups.setdefault(buffer.tensor.untyped_storage().data_ptr() or id(buffer), []).append(buffer)
    for group in groups.values():
        Shadow(group)
