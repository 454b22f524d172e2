"""Call a function once and write down all that can be seen from outside."""

import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

UNITS = {
    "largest tensor": "bytes in one new tensor",
    "bytes": "bytes of new tensors",
    "operators": "tensor operations",
    "flops": "FLOPs in matrix products",
    "lines": "lines executed",
}
NOT_THEIRS = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
COURSE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


class Raised(NamedTuple):
    """An exception, and the last line of the learner's own code on its way."""

    type: str
    says: str
    file: str = ""
    line: int = 0
    function: str = ""


class Observation(NamedTuple):
    """What one call did: the result, the arguments afterwards, gradients, cost, or an exception."""

    value: object = None
    after: tuple = ()
    gradients: tuple = ()
    cost: int = 0
    largest: str = ""
    raised: Raised | None = None


def observe(
    function: Callable, args: tuple, cotangents: tuple = (), unit: str = "", survive: type = Exception
) -> Observation:
    """Call `function` on a copy of `args`.

    With `cotangents`, one per floating tensor of the result, also take the gradients with respect to the
    floating tensors among `args`; None where no gradient arrives. With `unit`, one of UNITS, count the cost.
    An exception of the class `survive` is written down instead of raised.
    """
    args = tree_map(_copied, tuple(args))
    wanted = [arg.requires_grad_() for arg in args if _floating(arg)] if cotangents else []
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.enable_grad())
            counter = stack.enter_context(COUNTERS[unit]()) if unit else None
            value = function(*args)
            if cotangents:
                return Observation(gradients=_gradients(value, wanted, cotangents))
    except survive as error:
        return Observation(raised=described(error))
    cost, largest = (counter.count(), counter.largest()) if counter else (0, "")
    return Observation(value, args, (), cost, largest)


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _floating(value) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _gradients(value, wanted: list, cotangents: tuple) -> tuple:
    """Differentiate one number; given the cotangents instead, torch would import SymPy first."""
    outputs = [leaf for leaf in tree_leaves(value) if _floating(leaf)]
    terms = [(out * by).sum() for out, by in zip(outputs, cotangents, strict=False) if out.requires_grad]
    if not terms:
        return (None,) * len(wanted)
    return torch.autograd.grad(sum(terms), wanted, allow_unused=True)


def first_uses() -> Iterator[Callable]:
    """Yield what makes torch import more modules when it is called for the first time."""
    x = torch.ones(2, 2)
    for unit in UNITS:
        yield partial(observe, torch.clone, (x,), unit=unit)


def described(error: BaseException) -> Raised:
    """Return an exception as words and numbers."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if theirs(frame.filename)]
    if isinstance(error, SyntaxError) and error.filename and theirs(error.filename):
        return Raised(type(error).__name__, str(error.msg), error.filename, error.lineno or 0)
    last = frames[-1] if frames else None
    place = (last.filename, last.lineno or 0, last.name) if last else ("", 0, "")
    return Raised(type(error).__name__, str(error)[:2000], *place)


def theirs(file: str) -> bool:
    """Tell whether a file may hold a learner's code: not Python, an installed package or the course."""
    return not file.startswith((*NOT_THEIRS, COURSE, "<frozen", "<string>", "<@beartype"))


# ---- counters


class _Tensors(TorchDispatchMode):
    """Sees every tensor operation and the memory that its results are the first to use."""

    def __init__(self):
        super().__init__()
        self.operators = self.total = self.most = 0
        self.most_is = ""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        used = {_memory(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)}
        self.operators += 1
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and _memory(leaf) not in used:
                self._add(leaf)
        return result

    def _add(self, new: torch.Tensor) -> None:
        size = new.numel() * new.element_size()
        self.total += size
        if size > self.most:
            shape = " x ".join(map(str, new.shape))
            self.most, self.most_is = size, f"{shape} {str(new.dtype).removeprefix('torch.')}"

    def largest(self) -> str:
        return self.most_is


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


class _Largest(_Tensors):
    def count(self) -> int:
        return self.most


class _Bytes(_Tensors):
    def count(self) -> int:
        return self.total


class _Operators(_Tensors):
    def count(self) -> int:
        return self.operators


class _Flops:
    def __enter__(self):
        from torch.utils.flop_counter import FlopCounterMode

        self.mode = FlopCounterMode(display=False)
        self.mode.__enter__()
        return self

    def __exit__(self, *problem):
        self.mode.__exit__(*problem)

    def count(self) -> int:
        return self.mode.get_total_flops()

    def largest(self) -> str:
        return ""


class _Lines:
    """Counts the lines that run in the learner's own code, not in the libraries that it calls."""

    def __enter__(self):
        self.lines, self.before = 0, sys.gettrace()
        sys.settrace(self._entered)
        return self

    def __exit__(self, *problem):
        sys.settrace(self.before)

    def _entered(self, frame, event, _):
        return (
            self._ran if frame.f_code.co_filename != __file__ and theirs(frame.f_code.co_filename) else None
        )

    def _ran(self, frame, event, _):
        self.lines += event == "line"
        return self._ran

    def count(self) -> int:
        return self.lines

    def largest(self) -> str:
        return ""


COUNTERS = {
    "largest tensor": _Largest,
    "bytes": _Bytes,
    "operators": _Operators,
    "flops": _Flops,
    "lines": _Lines,
}
