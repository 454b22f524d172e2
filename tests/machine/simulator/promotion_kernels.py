"""Every operator on every pair of types: what the simulator and the interpreter make of it."""

import operator

import torch
from glassbox.machine import launch, tl, triton

KINDS = {
    "int1": torch.bool,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "uint8": torch.uint8,
    "uint16": torch.uint16,
    "uint32": torch.uint32,
    "uint64": torch.uint64,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp32": torch.float32,
    "fp64": torch.float64,
}


ACTS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "==": operator.eq,
    ">=": operator.ge,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}


OPERATORS = (*ACTS, "where", "maximum")


ROWS = tl.constexpr(len(OPERATORS))


LITERALS = (2, 3.5, 200)


class Recorder:
    """Applies every operator inside a kernel, and keeps what became of it."""

    def __init__(self):
        self.seen = {}

    def see(self, value):
        self.seen["only"] = str(value.dtype)

    def apply_all(self, tl, name, x, y, out_ptr, lanes):
        """Store x ? y for each operator in a row of its own; remember its type, or that it was refused."""
        for row, act in enumerate(OPERATORS):
            try:
                z = _apply(tl, act, x, y)
                tl.store(out_ptr + row * 8 + lanes, z.to(tl.float64))
                self.seen[act, name] = str(z.dtype)
            except Exception:
                self.seen[act, name] = "refused"


def _apply(tl, act: str, x, y):
    if act == "where":
        return tl.where(tl.arange(0, 8) < 4, x, y)
    if act == "maximum":
        return tl.maximum(x, y)
    return ACTS[act](x, y)


@triton.jit
def two_blocks(x_ptr, y_ptr, out_ptr, RECORDER: tl.constexpr, NAME: tl.constexpr):
    i = tl.arange(0, 8)
    RECORDER.apply_all(tl, NAME, tl.load(x_ptr + i), tl.load(y_ptr + i), out_ptr, i)


@triton.jit
def block_and_literal(x_ptr, out_ptr, LITERAL: tl.constexpr, RECORDER: tl.constexpr, NAME: tl.constexpr):
    i = tl.arange(0, 8)
    RECORDER.apply_all(tl, NAME + " right", tl.load(x_ptr + i), LITERAL, out_ptr, i)
    RECORDER.apply_all(tl, NAME + " left", LITERAL, tl.load(x_ptr + i), out_ptr + ROWS * 8, i)


def _values(kind: torch.dtype, seed: int) -> torch.Tensor:
    values = torch.tensor([1, 2, 3, 5, 7, 11, 12, 6] if seed == 0 else [3, 1, 2, 5, 4, 6, 5, 7])
    return values.to(kind) if kind is not torch.bool else values % 2 == 0


def promotion_table(backend: str) -> dict:
    """Return (type, values) of every operator on every pair of types, and on every type with literals."""
    table = {}
    for a, x_kind in KINDS.items():
        x = _values(x_kind, 0)
        for b, y_kind in KINDS.items():
            out, recorder = torch.zeros(len(OPERATORS), 8, dtype=torch.float64), Recorder()
            constants = {"RECORDER": recorder, "NAME": b}
            launch(two_blocks, (1,), x, _values(y_kind, 1), out, backend=backend, **constants)
            for row, act in enumerate(OPERATORS):
                table[a, act, b] = recorder.seen[act, b], out[row]
        for literal in LITERALS:
            out, recorder = torch.zeros(2, len(OPERATORS), 8, dtype=torch.float64), Recorder()
            constants = {"LITERAL": literal, "RECORDER": recorder, "NAME": repr(literal)}
            launch(block_and_literal, (1,), x, out, backend=backend, **constants)
            for half, side in enumerate(("right", "left")):
                for row, act in enumerate(OPERATORS):
                    name = f"{literal!r} {side}"
                    table[a, act, name] = recorder.seen[act, name], out[half, row]
    return table
