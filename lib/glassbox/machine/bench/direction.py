"""From a function and its tensors to what is timed: the forward pass, the backward pass, or both.

All providers are treated alike. The backward pass alone is `torch.autograd.grad` on a graph that is built
once and retained; the gradients of the outputs are the provider's own copy, filled again before each call
and outside the timed region, because some kernels write the input's gradient over them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch._functorch import config as functorch

from glassbox.machine.bench.case import Direction, Function
from glassbox.machine.bench.protocol import Provider


def as_tuple(made: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return one or more tensors as a tuple."""
    return (made,) if isinstance(made, Tensor) else tuple(made)


def provider(
    direction: Direction, function: Function, tensors: Sequence[Tensor], gradients: Sequence[Tensor]
) -> Provider:
    """Return what is timed; its call returns all tensors that it computes.

    Shapes: `gradients` like the outputs of `function`.
    """
    if direction == "forward":
        return Provider(_forward(function, tensors))
    own = [gradient.clone() for gradient in gradients]
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    make = _backward if direction == "backward" else _both
    return Provider(make(function, leaves, own), lambda: _refill(own, gradients))


def _forward(function: Function, tensors: Sequence[Tensor]):
    @torch.no_grad()
    def call() -> tuple[Tensor, ...]:
        return as_tuple(function(*tensors))

    return call


def _backward(function: Function, leaves: Sequence[Tensor], gradients: Sequence[Tensor]):
    # a compiled backward pass may reuse what the forward pass saved, and then runs only once
    with functorch.patch(donated_buffer=False):
        outputs = as_tuple(function(*leaves))

    def call() -> tuple[Tensor, ...]:
        return torch.autograd.grad(outputs, leaves, gradients, retain_graph=True)

    return call


def _both(function: Function, leaves: Sequence[Tensor], gradients: Sequence[Tensor]):
    def call() -> tuple[Tensor, ...]:
        outputs = as_tuple(function(*leaves))
        return (*outputs, *torch.autograd.grad(outputs, leaves, gradients))

    return call


def _refill(own: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
    for mine, gradient in zip(own, gradients, strict=True):
        mine.copy_(gradient)
