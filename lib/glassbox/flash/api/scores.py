"""A function of the score of one's own, for the definition and for the kernels."""

from collections.abc import Callable, Sequence

from torch import Tensor

from glassbox.arguments import bad_type
from glassbox.flash.reference.scoring import Part, Score


def own_score(
    value: Callable,
    slope: Callable,
    kernel: tuple,
    numbers: Sequence[float] = (),
    tensors: Sequence[Tensor] = (),
    heads: int | None = None,
) -> Score:
    """Return a function of the score as the definition and as the kernels run it.

        value(score, head, query, key)          in PyTorch, with whole numbers that broadcast to the scores
        kernel value(score, head, query, key, given)        jit, given = (*numbers, *tensors)

    Convention: `kernel` is a pair of `@triton.jit` functions, the value and its slope by the score. Tensors
        get no gradient. The kernels call both for rows and keys beyond the ends too: loads by position need a
        mask. `heads` is the number of heads that the tensors are for; None: any.
    Raises: TypeError for what cannot be called, or is no pair of jit functions.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    for name, function in (("value", value), ("slope", slope)):
        if not callable(function):
            raise bad_type(name, "a function of (score, head, query, key)", function)
    pair = isinstance(kernel, tuple) and len(kernel) == 2
    if not pair or not all(hasattr(function, "fn") for function in kernel):
        raise bad_type("kernel", "a pair of @triton.jit functions, value and slope", kernel)
    from glassbox.flash.kernels import register

    name = f"{kernel[0].fn.__module__}.{kernel[0].fn.__qualname__} {id(kernel[0])}"
    register(name, *kernel)
    part = Part(name, tuple(float(x) for x in numbers), tuple(x.detach() for x in tensors))
    return Score(value, slope, heads, (part,))
