"""What can go wrong in a kernel: one class per mistake; a message says where, what, and what to look at."""

import linecache
import sys
import types

from .state import run

MARK = "__glassbox_kernel__"  # a global that every function of a running kernel has


class SimulationError(Exception):
    """A kernel did something wrong.

    Fields: `kernel`, `program`, `file`, `line`, `source`, `argument`, `index`.
    """

    meaning = look = ""

    def __init__(self, what: str, *, argument: str | None = None, index=None, frame=None, look: str = ""):
        self.what, self.argument, self.index = what, argument, index
        self.kernel, self.program = run.kernel, run.program
        self.file, self.line, self.source = _place(frame if frame is not None else _kernel_frame())
        self.look = look or type(self).look
        super().__init__(self._message())

    def _message(self) -> str:
        where = f"{self.kernel or 'kernel'}, program {self.program}"
        if self.line is not None:
            where += f", line {self.line}\n    {self.source}"
        parts = [where, self.what]
        if self.meaning:
            parts.append(f"What it means: {self.meaning}")
        if self.look:
            parts.append(f"Look at: {self.look}")
        return "\n".join(parts)

    def __reduce__(self):
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(cls, args, fields):
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class OutOfBounds(SimulationError, IndexError):
    """A load, store or atomic outside the tensor that was passed, or a gather outside its block."""

    meaning = "a GPU would read or overwrite whatever lies there, usually without a word"
    look = "the mask= of this access, the strides in the address, and the size of the grid"


class UninitializedRead(SimulationError):
    """A read of memory that was allocated with `machine.empty` and that nothing has written."""

    meaning = "the memory holds leftovers; on a GPU the result changes from run to run"
    look = "which program should have written this element, or whether the tensor should start as zeros"


class UndefinedLanes(SimulationError):
    """Lanes that a masked load left undefined reached a store, a reduction, a dot or an address."""

    meaning = "tl.load(..., mask=m) without other= gives no defined value where m is false"
    look = "other= of the load (0.0 for a sum, -inf for a maximum), or a tl.where before this line"


class WriteRace(SimulationError):
    """Two programs (or two lanes of one store) put different values at one address without an atomic."""

    meaning = "programs run in any order and at the same time: which value stays is chance"
    look = "the address: does it use every program id? If both must contribute, use tl.atomic_add"


class ReadAfterForeignWrite(SimulationError):
    """A program read what another program of the same launch wrote."""

    meaning = (
        "nothing makes the other program run first: on a GPU this reads the old or the new value by chance"
    )
    look = "splitting the work into two launches, or letting one program do both steps"


class WriteAfterForeignRead(SimulationError):
    """A program overwrote what another program of the same launch has read."""

    meaning = (
        "nothing makes the other program read first: on a GPU it sees the old or the new value by chance"
    )
    look = "writing to a separate output tensor, or splitting the work into two launches"


class BlockCondition(SimulationError, TypeError):
    """A block of several values used where Python needs one: `if`, `while`, `and`, `or`, `not`."""

    meaning = "a program is one thread of control: it cannot take a branch for some lanes and not for others"
    look = "tl.where(condition, a, b) to choose per lane; & and | for and / or; tl.max(...) to get one value"


class NonFinite(SimulationError, ArithmeticError):
    """The first operation that made a NaN or an infinity from ordinary numbers."""

    meaning = "everything computed from this value is now NaN or infinite"
    look = (
        "rows that are masked completely (-inf minus -inf), a division by zero, an overflow of exp or of fp16"
    )


class ShapeError(SimulationError, ValueError):
    """Shapes that do not fit together, or that the compiler does not accept."""


class TypeMismatch(SimulationError, TypeError):
    """An element type that the operation does not accept."""


class StaticAssertion(SimulationError, AssertionError):
    """A `tl.static_assert`, `tl.device_assert`, `assert` or `tl.assume` that does not hold."""


class KernelError(SimulationError):
    """Any other Python error inside a kernel; the original is the cause."""


class UnsupportedOperation(SimulationError, NotImplementedError):
    """An operation that the simulator, or Triton's compiler, does not have."""


def _kernel_frame():
    frame = sys._getframe(1)
    while frame is not None and MARK not in frame.f_globals:
        frame = frame.f_back
    return frame


def _place(frame) -> tuple[str | None, int | None, str]:
    if frame is None:
        return None, None, ""
    if isinstance(frame, tuple):
        file, line = frame
    else:
        file, line = frame.f_code.co_filename, frame.f_lineno
    return file, line, linecache.getline(file, line).strip()


def in_lane(lane: tuple) -> str:
    """Return how a message names a lane; a scalar access has none."""
    return f" (lane {lane} of the block)" if lane else ""


def kernel_line() -> int | None:
    """Return the kernel's source line that is running."""
    frame = _kernel_frame()
    return frame.f_lineno if frame else None


def trimmed(error: BaseException) -> types.TracebackType | None:
    """Return an error's traceback with the kernel's own frames only."""
    frames, trace = [], error.__traceback__
    while trace is not None:
        if MARK in trace.tb_frame.f_globals:
            frames.append(trace)
        trace = trace.tb_next
    for one in reversed(frames):
        trace = types.TracebackType(trace, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return trace


def wrapped(error: Exception) -> SimulationError:
    """Return any exception that a kernel raised as a SimulationError that names the kernel's line."""
    place, trace = None, trimmed(error)
    while trace is not None:
        place, trace = (trace.tb_frame.f_code.co_filename, trace.tb_lineno), trace.tb_next
    kind = UnsupportedOperation if isinstance(error, NotImplementedError) else KernelError
    return kind(f"{type(error).__name__}: {error}", frame=place)
