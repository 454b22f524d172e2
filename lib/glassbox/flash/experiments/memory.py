"""What attention keeps: for its backward pass, and at the worst moment of the forward pass."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glassbox.attention import masks
from glassbox.attention.eager import every_step, fused
from glassbox.flash.api import tiled_attention
from glassbox.measured.memory import kept_bytes, peak_bytes
from glassbox.tiny.seeds import normal

FORMS = ("every step kept", "tiled", "torch's fused")


def in_tiles(q: Tensor, k: Tensor, v: Tensor, causal: bool = False, block: int = 64) -> Tensor:
    """Return attention by this topic's definition, in square tiles."""
    mask = masks.causal() if causal else None
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
