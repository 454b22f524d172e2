"""What stands in for `triton` where it is not installed (macOS, Windows): enough to define kernels.

The kernels themselves run on the transparent GPU: `glassbox.machine.launch(kernel, grid, ...)`.
"""

from dataclasses import dataclass, field

from .simulator import language
from .simulator.language.constants import constexpr

__all__ = ("Config", "TensorDescriptor", "cdiv", "constexpr", "jit", "language", "next_power_of_2")


class JITFunction:
    """A kernel that waits to be launched. `fn` is the function that was decorated."""

    def __init__(self, fn, **options):
        self.fn, self.options = fn, options
        self.__name__, self.__doc__, self.__module__ = fn.__name__, fn.__doc__, fn.__module__
        self.__wrapped__ = fn

    def __repr__(self) -> str:
        return f"<kernel {self.__name__}>"

    def __getitem__(self, grid):
        raise RuntimeError(
            f"{self.__name__}[grid](...) needs Triton (Linux) and an NVIDIA GPU; here, run the kernel with "
            f"glassbox.machine.launch({self.__name__}, grid, ...)"
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            f"{self.__name__} is a kernel: run it with glassbox.machine.launch({self.__name__}, grid, ...)"
        )


def jit(fn=None, **options):
    """Mark a function as a kernel, with or without options."""
    return JITFunction(fn, **options) if fn is not None else lambda fn: JITFunction(fn, **options)


def constexpr_function(fn):
    """Mark a function that runs when a kernel is compiled."""
    return fn


def cdiv(x: int, y: int) -> int:
    """Return ⌈x / y⌉."""
    return -(-x // y)


def next_power_of_2(n: int) -> int:
    """Return the smallest power of two that is at least n."""
    return 1 << (n - 1).bit_length() if n > 1 else 1


@dataclass
class TensorDescriptor:
    """A tensor and the shape of the blocks in which a kernel loads and stores it."""

    base: object
    shape: list[int]
    strides: list[int]
    block_shape: list[int]
    padding: str = "zero"

    @staticmethod
    def from_tensor(tensor, block_shape: list[int], padding: str = "zero") -> "TensorDescriptor":
        """Return the descriptor of a whole tensor."""
        return TensorDescriptor(tensor, list(tensor.shape), list(tensor.stride()), block_shape, padding)


@dataclass
class Config:
    """One choice of compile-time constants and compiler options."""

    kwargs: dict = field(default_factory=dict)
    num_warps: int = 4
    num_stages: int = 3
    num_ctas: int = 1
    maxnreg: int | None = None
