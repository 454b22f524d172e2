"""What attention keeps: for its backward pass, and at the worst moment of the forward pass."""

import weakref
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from glassbox.attention.masks import causal as causal_mask
from glassbox.flash.api import tiled_attention
from glassbox.tiny.seeds import normal

FORMS = ("every step kept", "tiled", "torch's fused")


class Allocations(TorchDispatchMode):
    """Counts the bytes of the tensors that torch operations make inside the block, while they live.

    Convention: each storage once, views are free; what one operation needs inside itself is not seen.
    """

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        given = {_address(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and _address(leaf) not in given | self._known:
                self._add(leaf.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        self._known.add(address)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, address, size).atexit = False

    def _gone(self, address: int, size: int) -> None:
        self._known.discard(address)
        self.now -= size


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the most bytes that the tensors of a call held at one moment, its inputs not counted.

    Convention: as `Allocations`.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    with Allocations() as seen:
        kept = call()  # what is returned still counts
    del kept
    return seen.peak


def kept_bytes(call: Callable[[], object]) -> int:
    """Return the bytes that autograd keeps of a call for its backward pass, each storage once.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    kept: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[_address(tensor)] = tensor
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        call()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def every_step(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """Return attention in separate operations: product, scale, mask, softmax, product."""
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(~causal_mask().dense(*scores.shape[-2:]), -torch.inf)
    return scores.softmax(-1) @ v


def fused(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """Return attention by torch's own tiled operation."""
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def in_tiles(q: Tensor, k: Tensor, v: Tensor, causal: bool = False, block: int = 64) -> Tensor:
    """Return attention by this topic's definition, in square tiles."""
    mask = causal_mask() if causal else None
    return tiled_attention(q, k, v, mask, query_block=block, key_block=block).output


ATTEND = dict(zip(FORMS, (every_step, in_tiles, fused), strict=True))


def _inputs(n: int, d: int) -> list[Tensor]:
    return [normal((1, 1, n, d), seed, torch.float32) for seed in range(3)]


def saved_bytes(lengths: Sequence[int] = (128, 256, 512, 1024), d: int = 64) -> list[dict]:
    """Count what causal attention keeps for its backward pass: one head, float32.

        every step: q, k, v and two or more matrices of n^2;   tiled: q, k, v, o and one lse per row

    A row has `length`, `form` ("every step kept", "tiled", "torch's fused"), `saved` (bytes) and `formula`
    (4 (3 n d + n d + n) for "tiled", None for others: they keep what torch chooses).

    Source: Dao et al. 2022, section 3.1 and theorem 1 (arXiv:2205.14135).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rows = []
    for n in lengths:
        for form, attend in ATTEND.items():
            inputs = [x.requires_grad_() for x in _inputs(n, d)]
            saved = kept_bytes(lambda attend=attend, inputs=inputs: attend(*inputs, True))
            formula = 4 * (4 * n * d + n) if form == "tiled" else None
            rows.append({"length": n, "form": form, "saved": saved, "formula": formula})
    return rows


def peak_memory(
    lengths: Sequence[int] = (512, 1024, 2048, 4096), d: int = 64, block: int = 256
) -> list[dict]:
    """Count the most memory that the forward pass holds beside its inputs: one head, float32, no mask.

    A row has `length`, `form` ("every step kept", "tiled"), `peak` (bytes) and `scores` (those of one n x n
    matrix).

    Convention: nothing is kept for a backward pass. The definition holds its blocks of output until the end,
        then joins them: two outputs, and a few tiles. torch's own operation is not listed: what it needs
        inside itself is not seen.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    forms = {"every step kept": every_step, "tiled": lambda *x: in_tiles(*x, block=block)}
    rows = []
    for n in lengths:
        inputs = _inputs(n, d)
        for form, attend in forms.items():
            peak = peak_bytes(lambda attend=attend, inputs=inputs: attend(*inputs))
            rows.append({"length": n, "form": form, "peak": peak, "scores": 4 * n * n})
    return rows
