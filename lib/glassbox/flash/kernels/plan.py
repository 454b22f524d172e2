"""What a launch is told beside q, k and v, and how tensors are made ready for it."""

from functools import lru_cache
from itertools import islice
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.flash.kernels.scores import PAIRS
from glassbox.machine import triton
from glassbox.machine.inspecting.shipping import is_aligned

FURTHEST = 2**30  # a window that hides nothing: a position and it add up within 32 bits


class Plan(NamedTuple):
    """Which keys are seen and how scores are made. What is None is not there.

    prefix: (b,) int32, the keys that every query sees. mask: (t, n) or (b or 1, h or 1, t, n) bool. lengths,
    key_lengths: of the sequences that lie end to end. scores: functions of the score in their order: the name
    of a pair of jit functions, its numbers, and how many of `tensors` it takes.
    """

    scale: float
    causal: bool = False
    window: int | None = None
    sink_tokens: int = 0
    prefix: Tensor | None = None
    mask: Tensor | None = None
    lengths: tuple[int, ...] | None = None
    key_lengths: tuple[int, ...] | None = None
    scores: tuple[tuple[str, tuple[float, ...], int], ...] = ()
    tensors: tuple[Tensor, ...] = ()

    @property
    def bare(self) -> bool:
        """True if no tile needs more than the diagonal and the ends of the sequences."""
        return self.window is None and self.prefix is None and self.mask is None

    def rules(self) -> tuple:
        """Return what the kernels take as `rules`."""
        window = None if self.window is None else min(self.window, FURTHEST)
        if self.mask is None:
            return window, self.sink_tokens, self.prefix, None, 0, 0, 0, 0
        mask = self.mask.view(torch.uint8)
        mask = mask if mask.ndim == 4 else mask[None, None]
        strides = [0 if size == 1 else stride for size, stride in zip(mask.shape, mask.stride(), strict=True)]
        return window, self.sink_tokens, self.prefix, mask, *strides

    def given(self) -> tuple:
        """Return the numbers and tensors of each score function."""
        tensors = iter(self.tensors)
        return tuple((*numbers, *islice(tensors, count)) for _, numbers, count in self.scores)

    def functions(self) -> dict[str, tuple]:
        """Return the jit functions of the scores, as the kernels take them."""
        pairs = [PAIRS[name] for name, _, _ in self.scores]
        return {"SCORES": tuple(value for value, _ in pairs), "SLOPES": tuple(slope for _, slope in pairs)}

    def work(self, tile: int, device: torch.device, *, of_keys: bool = False) -> tuple[Tensor | None, int]:
        """Return the list of blocks of packed sequences, and how many there are: (None, 0) if not packed."""
        if self.lengths is None:
            return None, 0
        rows = _work(self.lengths, self.key_lengths, tile, device, of_keys)
        return rows, len(rows)


@lru_cache(maxsize=64)
def _work(
    lengths: tuple[int, ...], key_lengths: tuple[int, ...], tile: int, device: torch.device, of_keys: bool
) -> Tensor:
    """Return the list; kept, so that the passes of one step, and a captured CUDA graph, copy nothing."""
    rows, q_first, k_first = [], 0, 0
    for sequence, (t, n) in enumerate(zip(lengths, key_lengths, strict=True)):
        blocks = triton.cdiv(n if of_keys else t, tile)
        rows += [(sequence, block, q_first, t, k_first, n) for block in range(blocks)]
        q_first, k_first = q_first + t, k_first + n
    return torch.tensor(rows, dtype=torch.int32).reshape(-1, 6).to(device)


def fitting(x: Tensor, *, heads: bool = False) -> Tensor:
    """Return x with strides that a tensor descriptor takes: features side by side, rows apart, at 16 bytes.

    Convention: x itself where it fits; else a copy, its rows lengthened to a multiple of 16 bytes. With
        `heads` the descriptor spans neighbouring heads, which then lie apart too.
    """
    step = 16 // x.element_size()
    spanned = zip(x.stride()[2 - heads : 3], x.shape[2 - heads : 3], strict=True)
    apart = all(stride > 0 or size == 1 for stride, size in spanned)
    if x.stride(-1) == 1 and apart and all(s % step == 0 for s in x.stride()[:-1]) and is_aligned(x):
        return x
    width = triton.cdiv(x.shape[-1], step) * step
    room = x.new_empty(prod(x.shape[:-1]) * width).view(*x.shape[:-1], width)[..., : x.shape[-1]]
    return room.copy_(x)
