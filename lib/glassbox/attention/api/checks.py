"""What the public functions of attention refuse, and how a mask becomes a matrix."""

import torch
from torch import Tensor

from glassbox.arguments import (
    bad_type,
    bad_value,
    expect_float_tensor,
    expect_like,
    expect_same_kind,
    expect_shape,
    expect_whole,
)
from glassbox.attention.masks import Mask


def expect_kind(name: str, value, ndim: int, other_name: str = "", other: Tensor | None = None) -> None:
    """Refuse what is no float tensor of `ndim` dimensions, or not of the dtype and device of `other`."""
    expect_float_tensor(name, value)
    if value.ndim != ndim:
        raise bad_value(name, f"{ndim} dimensions", value)
    if other is not None:
        expect_same_kind(name, value, other_name, other)


def expect_size(name: str, value: Tensor, at: int, what: str) -> None:
    """Refuse a tensor with nothing along a dimension that is divided by, or maximised over."""
    if value.shape[at] == 0:
        raise bad_value(name, f"at least one {what}", value)


def expect_queries_keys_values(q, k, v) -> None:
    """Refuse what is not q (b, h, t, d), k (b, g, n, d), v (b, g, n, e) with g a divisor of h."""
    expect_kind("q", q, 4)
    expect_kind("k", k, 4, "q", q)
    expect_kind("v", v, 4, "q", q)
    expect_size("q", q, 3, "feature per head")
    expect_size("k", k, 2, "key")
    groups = k.shape[1]
    expect_shape("k", k, (q.shape[0], groups, k.shape[2], q.shape[3]))
    expect_shape("v", v, (q.shape[0], groups, k.shape[2], v.shape[3]))
    if groups == 0 or q.shape[1] % groups:
        raise bad_value("k", f"a number of heads that divides the {q.shape[1]} of q", k)


def expect_heads(name: str, heads: int, whole_name: str, whole: int) -> None:
    """Refuse a number of heads that does not divide what is split into them."""
    expect_whole(name, heads, 1)
    if whole % heads:
        raise bad_value(name, f"a divisor of {whole}, the {whole_name}", heads)


def expect_spread(name: str, value: Tensor, shape: tuple[int, int, int, int]) -> None:
    """Refuse what is neither (t, n) nor (b or 1, h or 1, t, n): no other broadcast is meant."""
    b, h, t, n = shape
    fits = value.ndim == 4 and all(
        size == 1 or size == full for size, full in zip(value.shape, (b, h), strict=False)
    )
    if tuple(value.shape[-2:]) != (t, n) or not (value.ndim == 2 or fits):
        raise bad_value(name, f"shape ({t}, {n}) or ({b} or 1, {h} or 1, {t}, {n})", value)


def as_matrix(mask: Mask | Tensor | None, shape: tuple[int, int, int, int], x: Tensor) -> Tensor | None:
    """Return the mask as a checked tensor of bools on the device of `x`; None stays None."""
    if mask is None:
        return None
    if isinstance(mask, Mask):
        mask = mask.dense(*shape[2:], device=x.device)
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise bad_type("mask", "a Mask or a tensor of bools, True where a query may see a key", mask)
    expect_like("mask", mask, "the input", x)
    expect_spread("mask", mask, shape)
    return mask


def expect_bias(bias: Tensor | None, shape: tuple[int, int, int, int], x: Tensor) -> None:
    """Refuse a bias that is no float tensor like `x`, or does not spread over the scores."""
    if bias is not None:
        expect_float_tensor("bias", bias, 2)
        expect_kind("bias", bias, bias.ndim, "the input", x)
        expect_spread("bias", bias, shape)


def expect_kind_of_weights(weights, kind: type) -> None:
    """Refuse anything but this named tuple of matrices."""
    if not isinstance(weights, kind):
        raise bad_type("weights", f"{kind.__name__}{kind._fields}".replace("'", ""), type(weights).__name__)
