"""Clear errors for bad arguments: every message names the argument, what was expected and what came."""

from torch import Tensor


def _shown(value) -> str:
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor of shape {tuple(value.shape)}".replace("torch.", "")
    return f"{value!r} ({type(value).__name__})"


def bad_value(name: str, expected: str, came) -> ValueError:
    """Return the ValueError for argument `name`."""
    return ValueError(f"{name}: expected {expected}; came {_shown(came)}")


def bad_type(name: str, expected: str, came) -> TypeError:
    """Return the TypeError for argument `name`."""
    return TypeError(f"{name}: expected {expected}; came {_shown(came)}")


def expect_float_tensor(name: str, value, ndim_at_least: int = 1) -> None:
    """Refuse anything but a floating-point tensor with at least `ndim_at_least` dimensions."""
    if not isinstance(value, Tensor):
        raise bad_type(name, "a torch tensor", value)
    if not value.is_floating_point():
        raise bad_type(name, "a floating-point tensor", value)
    if value.ndim < ndim_at_least:
        raise bad_value(name, f"at least {ndim_at_least} dimension(s)", value)


def expect_shape(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a tensor whose shape is not exactly `shape`; nothing is broadcast silently."""
    if tuple(value.shape) != tuple(shape):
        raise bad_value(name, f"shape {tuple(shape)}", value)


def expect_like(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Refuse a tensor that is not on the same device as `other`."""
    if value.device != other.device:
        raise bad_value(name, f"a tensor on {other.device}, where {other_name} is", str(value.device))


def expect_same_kind(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Refuse a tensor that differs from `other` in dtype or device."""
    expect_like(name, value, other_name, other)
    if value.dtype != other.dtype:
        raise bad_type(name, f"the dtype of {other_name}, {str(other.dtype)[6:]}", value)


def expect_positive(name: str, value: float, *, zero_allowed: bool = False) -> None:
    """Refuse a number that is not finite and positive (or zero, when allowed)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_type(name, "a number", value)
    if not (value >= 0 if zero_allowed else value > 0) or value == float("inf"):
        raise bad_value(name, f"a finite number {'>=' if zero_allowed else '>'} 0", value)


def expect_choice(name: str, value, choices) -> None:
    """Refuse a value that is not one of `choices`."""
    if value not in tuple(choices):
        raise bad_value(name, f"one of {', '.join(map(repr, choices))}", value)


def expect_whole(name: str, value, at_least: int) -> None:
    """Refuse anything but a whole number that is `at_least` so large."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_type(name, "a whole number", value)
    if value < at_least:
        raise bad_value(name, f"a whole number >= {at_least}", value)
