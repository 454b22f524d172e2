"""A launch as plain data: enough to compile the kernel in another process, wherever it was written.

The source of the kernel and of the jit helpers that it calls travels, with the constants that they refer to;
no module of the caller is imported there. So a kernel of a notebook, of a test or of a closure compiles like
any other.
"""

import ast
import functools
import inspect
import sys
import textwrap
import types

import torch

from glassbox.arguments import bad_type
from glassbox.machine.launching import SIMULATOR_OPTIONS, Launch
from glassbox.machine.simulator.launch import COMPILER_OPTIONS
from glassbox.machine.simulator.rebind import raw_function

_JIT_OPTIONS = ("do_not_specialize", "do_not_specialize_on_alignment", "noinline", "debug")


def request_of(launch: Launch, arch: str, disassemble: bool = True) -> dict:
    """Return what the compiling process needs to know, as data for JSON.

    Raises: TypeError if the arguments do not fit the kernel.
    """
    cargo = Cargo()
    kernel = cargo.function(launch.kernel)
    values = bound(raw_function(launch.kernel), launch.args, launch.kwargs)
    arguments = {name: cargo.value(value) for name, value in values.items()}
    for name, (kind, *_) in arguments.items():
        if kind in ("opaque", "module", "list"):
            expected = "a tensor, number, None, tuple, descriptor, dtype or jit function"
            raise bad_type(name, expected, values[name])
    return {
        "arch": int(arch.removeprefix("sm_")),
        "disassemble": disassemble,
        "kernel": kernel,
        "arguments": list(arguments.values()),
        "options": {k: v for k, v in launch.kwargs.items() if k in COMPILER_OPTIONS},
        "functions": cargo.functions,
    }


def bound(function: types.FunctionType, args: tuple, kwargs: dict) -> dict:
    """Return the kernel's arguments by name; options of the simulator and of the compiler left out."""
    signature = inspect.signature(function)
    options = COMPILER_OPTIONS | set(SIMULATOR_OPTIONS)
    given = {k: v for k, v in kwargs.items() if k in signature.parameters or k not in options}
    try:
        found = signature.bind(*args, **given)
    except TypeError as error:
        raise TypeError(f"{function.__name__}{signature}: {error}") from None
    found.apply_defaults()
    return found.arguments


class Cargo:
    """The functions that travel with one launch, each described once; values refer to them by number."""

    def __init__(self):
        self.functions: list[dict] = []
        self._numbers: dict[types.FunctionType, int] = {}

    def function(self, kernel) -> int:
        """Return the number of a jit function, describing it and what it refers to at first sight."""
        raw = raw_function(kernel)
        if raw not in self._numbers:
            self._numbers[raw] = len(self.functions)
            self.functions.append({})
            self.functions[self._numbers[raw]].update(self._described(raw, _holder(kernel)))
        return self._numbers[raw]

    def _described(self, raw: types.FunctionType, holder) -> dict:
        lines, first = inspect.getsourcelines(raw)
        source = "".join(lines)
        given = getattr(holder, "kwargs", {})
        options = {name: getattr(holder, name, given.get(name)) for name in _JIT_OPTIONS}
        return {
            "name": raw.__name__,
            "qualname": raw.__qualname__,
            "module": raw.__module__,
            "file": raw.__code__.co_filename,
            "line": first,
            "source": source,
            "compile_time": type(holder).__name__ == "ConstexprFunction",
            "options": {name: value for name, value in options.items() if value},
            "annotations": {k: _annotation(v) for k, v in raw.__annotations__.items()},
            "defaults": [self.value(value) for value in raw.__defaults__ or ()],
            "names": self._names(raw, source),
        }

    def _names(self, raw: types.FunctionType, source: str) -> dict:
        """Return what each outside name, or dotted name through a module, stands for."""
        scope = dict(raw.__globals__)
        for name, cell in zip(raw.__code__.co_freevars, raw.__closure__ or (), strict=True):
            scope[name] = cell.cell_contents
        found = {}
        for first, *rest in _dotted_names(source):
            if first not in scope:
                continue
            path, value = [first], scope[first]
            while _is_foreign_module(value) and rest:
                path.append(rest.pop(0))
                value = getattr(value, path[-1], None)
            if not _is_foreign_module(value):
                found[".".join(path)] = self.value(value)
        return found

    def value(self, value) -> list:
        """Return [kind, content...] for anything that a kernel can be given or refer to."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return ["plain", value]
        if isinstance(value, torch.Tensor):
            return ["tensor", _dtype(value), is_aligned(value)]
        if hasattr(value, "block_shape"):
            shape, strides = map(int, value.shape), map(int, value.strides)
            tensor = _dtype(value.base), value.base.dtype.itemsize
            return ["descriptor", *tensor, [*shape], [*strides], [*value.block_shape], value.padding]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if isinstance(value, (tuple, list)):
            return [type(value).__name__, [self.value(one) for one in value]]
        return self._object(value)

    def _object(self, value) -> list:
        kind = type(value)
        if kind.__name__ == "constexpr" and kind.__module__.startswith("triton."):
            return ["constexpr", self.value(value.value)]
        if kind.__name__ == "dtype" and kind.__module__.startswith("triton."):
            return ["dtype", value.name]
        module = str(getattr(getattr(value, "fn", value), "__module__", ""))
        if module.split(".")[0] == "triton" and hasattr(value, "__name__"):
            return ["attribute", module, value.__name__]
        if hasattr(value, "fn") and not isinstance(value, type):
            return ["function", self.function(value)]
        return ["opaque", kind.__name__]


def is_aligned(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor starts at a multiple of 16 bytes on a GPU.

    Convention: GPU memory is handed out at such places, so for a tensor that is not on a GPU only its offset
    into its storage counts.
    """
    if tensor.device.type == "cuda":
        return tensor.data_ptr() % 16 == 0
    return tensor.storage_offset() * tensor.element_size() % 16 == 0


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _annotation(annotation) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _holder(kernel):
    """Return the object that `@triton.jit` made, below autotune and heuristics."""
    while not isinstance(kernel.fn, types.FunctionType):
        kernel = kernel.fn
    return kernel


@functools.cache
def _dotted_names(source: str) -> list[list[str]]:
    """Return every name in a function's source, alone and with the attributes that follow it."""
    found = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        names = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            found.add((node.id, *reversed(names)))
    return [list(names) for names in sorted(found)]


def _is_foreign_module(value) -> bool:
    if not isinstance(value, types.ModuleType):
        return False
    top = value.__name__.split(".")[0]
    return top != "triton" and top not in sys.stdlib_module_names
