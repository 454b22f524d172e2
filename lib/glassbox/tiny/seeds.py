"""Random tensors and batches that are the same on every machine.

torch promises no stream across releases, platforms or devices. NumPy's `RandomState` is frozen: for one seed
it gives the values of NumPy 1.16 for ever, up to rounding in the last digits. So what an experiment draws
depends on its seed alone, not on torch's version, the number of threads, or what was drawn before.

Source: NumPy's policy NEP 19, https://numpy.org/neps/nep-0019-rng-policy.html, and its page "Legacy random
generation", https://numpy.org/doc/stable/reference/random/legacy.html.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_positive, expect_whole


def _state(seed: int) -> np.random.RandomState:
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise bad_type("seed", "an integer", seed)
    if not 0 <= seed < 2**32:
        raise bad_value("seed", "an integer in [0, 2^32)", seed)
    return np.random.RandomState(seed)


def _tensor(drawn: np.ndarray | float, dtype: torch.dtype) -> Tensor:
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise bad_type("dtype", "a floating-point torch dtype", dtype)
    return torch.from_numpy(np.asarray(drawn)).to(dtype)


def normal(shape: Sequence[int], seed: int, dtype: torch.dtype = torch.float64) -> Float[Tensor, "..."]:
    """Return a tensor of independent standard normal numbers."""
    return _tensor(_state(seed).standard_normal(tuple(shape)), dtype)


def uniform(
    shape: Sequence[int], seed: int, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float64
) -> Float[Tensor, "..."]:
    """Return a tensor of independent numbers, uniform in [low, high)."""
    if not low < high:
        raise bad_value("high", f"a number above low = {low}", high)
    return _tensor(low + (high - low) * _state(seed).random_sample(tuple(shape)), dtype)


def xavier(
    shape: Sequence[int], seed: int, gain: float = 1.0, dtype: torch.dtype = torch.float64
) -> Float[Tensor, "rows columns"]:
    """Return a weight matrix whose scale keeps signals and gradients about equal in size.

        W ~ Normal(0, gain^2 * 2 / (rows + columns))

    Convention: the normal form, not the uniform one; `shape` is (outputs, inputs), as in `nn.Linear`.
    Source: Glorot & Bengio 2010, equation 12.
    """
    if len(shape) != 2:
        raise bad_value("shape", "two sizes (outputs, inputs)", tuple(shape))
    expect_positive("gain", gain)
    return (normal(shape, seed) * gain * (2 / sum(shape)) ** 0.5).to(dtype)


def batches(text: bytes, batch: int, length: int, seed: int) -> Iterator[Int[Tensor, "b t"]]:
    """Yield for ever `batch` random windows of `length + 1` bytes: inputs [:, :-1], targets [:, 1:]."""
    if not isinstance(text, bytes):
        raise bad_type("text", "bytes", type(text).__name__)
    expect_whole("batch", batch, 1)
    expect_whole("length", length, 1)
    if len(text) <= length:
        raise bad_value("text", f"more than length = {length} bytes", len(text))
    return _batches(text, batch, length, _state(seed))


def _batches(text: bytes, batch: int, length: int, state: np.random.RandomState) -> Iterator[Tensor]:
    source, offsets = torch.frombuffer(bytearray(text), dtype=torch.uint8), torch.arange(length + 1)
    while True:
        start = state.randint(0, len(text) - length, size=(batch, 1), dtype=np.int64)
        yield source[torch.from_numpy(start) + offsets].long()
