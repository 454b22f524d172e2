"""The transparent GPU: a kernel run on NumPy, with every byte, FLOP and stray address visible."""

from .errors import (
    BlockCondition,
    KernelError,
    NonFinite,
    OutOfBounds,
    ReadAfterForeignWrite,
    ShapeError,
    SimulationError,
    StaticAssertion,
    TypeMismatch,
    UndefinedLanes,
    UninitializedRead,
    UnsupportedOperation,
    WriteAfterForeignRead,
    WriteRace,
)
from .launch import simulate
from .memory import empty, empty_like
from .report import Event, Flops, Program, Report, Traffic

__all__ = (
    "BlockCondition",
    "Event",
    "Flops",
    "KernelError",
    "NonFinite",
    "OutOfBounds",
    "Program",
    "ReadAfterForeignWrite",
    "Report",
    "ShapeError",
    "SimulationError",
    "StaticAssertion",
    "Traffic",
    "TypeMismatch",
    "UndefinedLanes",
    "UninitializedRead",
    "UnsupportedOperation",
    "WriteAfterForeignRead",
    "WriteRace",
    "empty",
    "empty_like",
    "simulate",
)
