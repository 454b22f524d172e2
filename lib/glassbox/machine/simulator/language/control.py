"""Program ids, loops, assertions, printing, and hints."""

import builtins
import sys

import numpy as np

from ..arithmetic import as_block
from ..block import Block
from ..dtypes import int32, promote
from ..errors import MARK, ShapeError, StaticAssertion, TypeMismatch
from ..index import Index, scalar
from ..pointer import Pointer
from ..state import run
from .constants import plain

__all__ = (  # the part of tl that lives here
    "assume", "debug_barrier", "device_assert", "device_print", "max_constancy", "max_contiguous",
    "multiple_of", "num_programs", "program_id", "range", "static_assert", "static_print",
    "static_range",
)  # fmt: skip


def program_id(axis) -> Index:
    """Return which program this is along one axis of the grid."""
    return scalar(run.program[_grid_axis(axis)], int32)


def num_programs(axis) -> Index:
    """Return how many programs there are along one axis of the grid."""
    return scalar(run.grid[_grid_axis(axis)], int32)


def _grid_axis(axis) -> int:
    axis = plain(axis)
    if axis not in (0, 1, 2):
        raise ShapeError(f"the grid has axes 0, 1 and 2; came {axis!r}")
    return axis


def range(arg1, arg2=None, step=None, **hints):
    """Count like Python's range; the bounds may be values of the kernel. Pipelining hints are ignored.

    Raises: TypeMismatch if a variable changes its type or shape from one pass to the next, which does not
    compile.
    """
    low, high, stride = (plain(v) for v in ((0, arg1, step) if arg2 is None else (arg1, arg2, step)))
    bounds = [as_block(v) for v in (low, high, 1 if stride is None else stride)]
    kind = int32
    for bound in bounds:
        if bound.dtype.is_floating() or bound.dims:
            raise TypeMismatch(f"a loop's bounds must be integer scalars; came {bound.type}")
        kind = promote(kind, bound.dtype)
    return _counted(builtins.range(*(int(b) for b in bounds)), kind)


def _counted(values, kind):
    if len(values) < 2:
        yield from (scalar(value, kind) for value in values)
        return
    frame = sys._getframe(1)
    loop = frame.f_code, frame.f_lineno
    before = None if loop in run.loops else _types_of(frame)
    for count, value in enumerate(values):
        if count == 1 and before is not None:  # a type that survives one pass survives all
            _check_carried(before, _types_of(frame))
            run.loops.add(loop)
        yield scalar(value, kind)


def _types_of(frame) -> dict:
    """Return the type of every block that a kernel's frame holds, without keeping the blocks alive."""
    if MARK not in frame.f_globals:
        return {}
    names = frame.f_locals
    types = {name: (v.dtype, tuple(v.dims)) for name, v in names.items() if isinstance(v, (Block, Pointer))}
    if type(names) is dict:  # before Python 3.13 the frame keeps this copy, and with it every block
        names.clear()
    return types


def _check_carried(before: dict, after: dict) -> None:
    for name, old in before.items():
        new = after.get(name, old)
        if new != old:
            shown = " to ".join(f"{kind} of shape {dims}" for kind, dims in (old, new))
            raise TypeMismatch(
                f"the loop changes the type of `{name}` from {shown}: this does not compile",
                look=f"starting `{name}` with the type and shape that the loop gives it, e.g. tl.zeros(...)",
            )


def static_range(arg1, arg2=None, step=None):
    """Count like Python's range at compile time: the loop is unrolled, the counter is a constant."""
    low, high = (0, arg1) if arg2 is None else (arg1, arg2)
    values = [plain(v) for v in (low, high, 1 if step is None else step)]
    for value in values:
        if not isinstance(value, int):
            raise ShapeError(f"tl.static_range needs compile-time integers; came {value!r}", look="tl.range")
    return builtins.range(*values)


def static_assert(cond, msg="") -> None:
    """Stop unless a compile-time condition holds."""
    cond = plain(cond)
    if isinstance(cond, Block):
        raise StaticAssertion(f"tl.static_assert needs a compile-time condition; came {cond!r}")
    if not cond:
        raise StaticAssertion(f"the static assertion does not hold. {plain(msg)}".strip())


def device_assert(cond, msg="", mask=None) -> None:
    """Stop unless the condition holds in every lane (whose mask is true)."""
    cond = as_block(cond)
    bad = ~cond.data.astype(np.bool_)
    if plain(mask) is not None:
        bad = bad & as_block(mask).data
    if np.any(bad):
        where = f" in lane {tuple(int(i) for i in np.argwhere(bad)[0])}" if cond.dims else ""
        raise StaticAssertion(f"the assertion does not hold{where}. {plain(msg)}".strip())


def assume(cond) -> None:
    """Tell the compiler that a condition holds; stop if it does not."""
    if not plain(cond):
        raise StaticAssertion(
            "tl.assume was told something that is not true: the compiled kernel would be wrong"
        )


def static_print(*values, sep=" ", end="\n", file=None, flush=False) -> None:
    """Print when the kernel is compiled; here, every time."""
    print(*(plain(v) for v in values), sep=sep, end=end, file=file, flush=flush)


def device_print(prefix, *args, hex=False) -> None:
    """Print values, with the program's id in front."""
    values = [as_block(a).data if not isinstance(a, str) else a for a in args]
    shown = [np.vectorize(builtins.hex)(v) if plain(hex) else v for v in values]
    print(f"pid {run.program}", plain(prefix), *shown)


def _hint(input, values):
    values = plain(values)
    values = values if isinstance(values, (tuple, list)) else [values]
    rank = len(input.dims) if isinstance(input, (Block, Pointer)) else 0
    if len(values) != max(1, rank):
        raise ShapeError(f"a hint needs one number per axis: {len(values)} for a block with {rank} axes")
    return input


def multiple_of(input, values):
    """Promise the compiler that values are divisible; ignored here."""
    return _hint(input, values)


def max_contiguous(input, values):
    """Promise the compiler runs of consecutive values; ignored here."""
    return _hint(input, values)


def max_constancy(input, values):
    """Promise the compiler runs of equal values; ignored here."""
    return _hint(input, values)


def debug_barrier() -> None:
    """Wait for all threads of the program: nothing to do, a program runs one operation at a time."""
