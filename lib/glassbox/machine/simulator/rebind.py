"""Give a kernel the simulator's world: `tl` and `triton` become ours, jit helpers become plain functions."""

import builtins
import inspect
import types

import numpy as np
import torch

from . import language, logic  # noqa: F401  (logic attaches the comparisons)
from .arithmetic import NUMBERS
from .block import Block, constant
from .dtypes import BY_NAME, dtype
from .errors import MARK, UnsupportedOperation
from .language import constants, control, elementwise
from .source import ASSERT, BIND, prepared

_PLAIN = (int, float, str, list, dict, set, np.ndarray, torch.Tensor)
_LANGUAGE = "glassbox.machine.simulator.language"


def raw_function(kernel) -> types.FunctionType:
    """Return the Python function inside a `@triton.jit` kernel (below autotune and heuristics, if any)."""
    inner = kernel
    while not isinstance(inner, types.FunctionType) and hasattr(inner, "fn"):
        inner = inner.fn
    if not isinstance(inner, types.FunctionType):
        raise TypeError(f"kernel: expected a @triton.jit function; came {kernel!r}")
    return inspect.unwrap(inner)  # a run-time check of annotations wraps every function of a package


def bind(value):
    """Return what a name holds after an assignment in a kernel: numbers become typed scalars."""
    if isinstance(value, Block):
        return value
    value = constants.plain(value)
    if type(value) in NUMBERS:
        return constant(value)
    return type(value)(map(bind, value)) if type(value) is tuple else value


class Adoption:
    """Everything one launch needs of the outside world, adopted once."""

    def __init__(self):
        self._functions: dict[types.FunctionType, types.FunctionType] = {}
        self._builtins = {**vars(builtins), "range": control.range, "print": control.device_print}
        self._builtins.update(
            min=_pick(builtins.min, elementwise.minimum), max=_pick(builtins.max, elementwise.maximum)
        )

    def function(self, original: types.FunctionType) -> types.FunctionType:
        """Return a kernel or helper that runs on blocks."""
        if original not in self._functions:
            code, lines = prepared(original)
            world = {"__builtins__": self._builtins, "__name__": original.__module__, MARK: True}
            world.update({BIND: bind, ASSERT: control.device_assert})
            defaults = tuple(self.value(d) for d in original.__defaults__ or ())
            adopted = types.FunctionType(code, world, original.__name__, defaults)
            self._functions[original] = adopted
            world.update(self._names(original, lines))
        return self._functions[original]

    def _names(self, original, lines: dict[str, int]) -> dict:
        """Return what each outside name in a kernel stands for."""
        scope = dict(original.__globals__)
        for name, cell in zip(original.__code__.co_freevars, original.__closure__ or (), strict=True):
            scope[name] = cell.cell_contents
        found = {}
        for name, line in lines.items():
            if name in scope and name not in original.__code__.co_varnames:
                if isinstance(scope[name], _PLAIN):
                    _refuse_variable(original, name, line)
                found[name] = self.value(scope[name])
        return found

    def value(self, value):
        """Return the simulator's counterpart of anything that a kernel can refer to."""
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if type(value) in NUMBERS or value is None or isinstance(value, (str, dtype)):
            return value
        if constants.is_constexpr(value):
            return self.value(value.value)
        if type(value) in (tuple, list):
            return type(value)(self.value(one) for one in value)
        module = getattr(getattr(value, "fn", value), "__module__", None) or ""
        if module.startswith("triton.language") or type(value).__module__.startswith("triton.language"):
            return _from_triton(value, module)
        if module == "triton" and getattr(value, "__name__", "") in vars(triton):
            return getattr(triton, value.__name__)
        if hasattr(value, "fn") and not isinstance(value, type):
            if type(value).__name__ == "ConstexprFunction":
                return value.fn
            return self.function(raw_function(value))
        return value

    def _module(self, module: types.ModuleType):
        name = module.__name__
        if name in ("triton", "glassbox.machine.triton_stub"):
            return triton
        if (
            name in ("triton.language", "triton.language.core", "triton.language.standard")
            or name == _LANGUAGE
        ):
            return language
        if name == "triton.language.math":
            return elementwise
        if name.endswith("libdevice"):
            return language.extra.libdevice
        return _Adopted(module, self)


class _Adopted:
    """Another module that a kernel refers to: its attributes are adopted when they are asked for."""

    def __init__(self, module, adoption):
        self._module, self._adoption = module, adoption

    def __getattr__(self, name):
        return self._adoption.value(getattr(self._module, name))


def _refuse_variable(function, name: str, line: int) -> None:
    raise UnsupportedOperation(
        f"{function.__name__} uses the outside variable `{name}`: Triton's compiler accepts constants only",
        frame=(function.__code__.co_filename, line),
        look=f"`{name} = tl.constexpr(...)`, or passing it as an argument",
    )


def _pick(plain, on_blocks):
    """Return Python's min or max, which on values of the kernel is Triton's."""

    def choose(*values, **options):
        if not any(isinstance(v, Block) for v in values):
            return plain(*values, **options)
        out = values[0]
        for value in values[1:]:
            out = on_blocks(out, value)
        return out

    return choose


def _from_triton(value, module: str):
    name = getattr(value, "name", None)
    if isinstance(name, str) and name in BY_NAME:
        return BY_NAME[name]
    if "libdevice" in module:
        return getattr(language.extra.libdevice, value.__name__)
    name = getattr(value, "__name__", type(value).__name__)
    if hasattr(language, name):
        return getattr(language, name)
    return _missing(name)


def _missing(name: str):
    def operation(*args, **kwargs):
        raise UnsupportedOperation(f"tl.{name} is not part of the simulated language")

    return operation


def _next_power_of_2(n: int) -> int:
    return 1 << (int(n) - 1).bit_length() if n > 1 else 1


triton = types.SimpleNamespace(language=language, cdiv=elementwise.cdiv, next_power_of_2=_next_power_of_2)
triton.constexpr_function = triton.jit = lambda function: function
