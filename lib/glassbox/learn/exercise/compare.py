"""When two results count as the same."""

import math

import numpy as np
import torch
from torch import Tensor

from glassbox.learn.exercise.bounded import Observation
from glassbox.learn.exercise.bounded.wire import Strange

RELATIVE = {torch.float64: 1e-6, torch.float32: 1e-5}
NOTHING = 1e-12
EQUAL_SHARE = 0.9  # of a 16-bit result; one more rounding changes a quarter of the values
MOST_RATIO = 2.0  # a 16-bit result may be twice as wrong as an honest one


def parts(value, names: tuple[str, ...] = ()) -> dict[str, object]:
    """Return the tensors and other values that a result consists of, each with a name.

    A tuple or list without tensors is one value, unless `names` has a name for each of its items.
    """
    if isinstance(value, (tuple, list)) and _consists_of_parts(value, names):
        labels = (*names, *(f"result {place + 1}" for place in range(len(names), len(value))))
        return dict(zip(labels, value, strict=False))
    if isinstance(value, dict) and any(isinstance(item, Tensor) for item in value.values()):
        return {str(key): item for key, item in value.items()}
    return {"the result": value}


def _consists_of_parts(value: tuple | list, names: tuple[str, ...]) -> bool:
    if any(isinstance(item, Tensor) for item in value):
        return True
    return bool(names) and isinstance(value, tuple) and len(value) == len(names)


def kind(value) -> str:
    """Return in words what sort of thing a value is."""
    if isinstance(value, Strange):
        return f"an object of type {value.name}"
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    names = {Tensor: "a tensor", np.ndarray: "a NumPy array", (int, float): "a number", str: "text",
             bytes: "bytes", list: "a list", dict: "a dict"}  # fmt: skip
    return next((name for types, name in names.items() if isinstance(value, types)), type(value).__name__)


def agrees(got, want, relative: float | None = None) -> Tensor:
    """Return where two values agree, as a tensor of booleans: one for each number where both are tensors."""
    got, want = _numbers(got), _numbers(want)
    if not (isinstance(got, Tensor) and isinstance(want, Tensor) and got.shape == want.shape):
        return torch.tensor(_equal(got, want))
    if not (got.is_floating_point() and want.is_floating_point()):
        return got == want
    relative = relative or RELATIVE.get(want.dtype) or torch.finfo(want.dtype).eps
    got, want = got.double(), want.double()
    scale = rms(want[want.isfinite()])
    near = (got - want).abs() <= relative * (want.abs() + scale) + NOTHING
    return near | (got == want) | (got.isnan() & want.isnan())


def _equal(one, other) -> bool:
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        return False
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def same(one, other) -> bool:
    """Tell whether two values agree in everything, the types of tensors included."""
    if isinstance(one, Tensor) and isinstance(other, Tensor) and one.dtype != other.dtype:
        return False
    return bool(agrees(one, other).all())


def _numbers(value):
    """Return floats, and lists of floats, as a float64 tensor; everything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return torch.from_numpy(value)
    if isinstance(value, float):
        return torch.tensor(value, dtype=torch.float64)
    is_list = isinstance(value, (list, tuple)) and all(_is_number(item) for item in value)
    if is_list and any(isinstance(item, float) for item in value):
        return torch.tensor(value, dtype=torch.float64)
    return value


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def rms(x: Tensor) -> float:
    """Return the root of the mean square; 0 for no numbers."""
    return float(x.double().square().mean().sqrt()) if x.numel() else 0.0


def is_short(value) -> bool:
    """Tell whether a value is a float tensor of 16 bits or fewer."""
    return isinstance(value, Tensor) and value.is_floating_point() and value.element_size() <= 2


def as_good_as(got: Tensor, honest: Tensor, oracle: Tensor) -> bool:
    """Tell whether a 16-bit result is at most twice as far from a float64 oracle as an honest one."""
    if got.shape != oracle.shape or not bool((got.isfinite() | ~oracle.isfinite()).all()):
        return False
    allowed = MOST_RATIO * rms(honest.double() - oracle) + NOTHING
    return math.isfinite(allowed) and rms(got.double() - oracle) <= allowed


def alike(one: Observation, other: Observation) -> bool:
    """Tell whether two calls look the same: results, arguments afterwards, gradients, exception."""
    if one.raised or other.raised:
        return bool(one.raised and other.raised) and one.raised[:2] == other.raised[:2]
    names = ("value", "after", "gradients")
    return all(_indistinct(getattr(one, name), getattr(other, name)) for name in names)


def _indistinct(one, other) -> bool:
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(_indistinct, one, other))
    if is_short(one) and is_short(other) and same(one, other) and one.numel():
        equal = (one == other) | (one.isnan() & other.isnan())
        return float(equal.double().mean()) >= EQUAL_SHARE
    return same(one, other)
