"""From tensors to launches: strides as they are, tiles out of the table, splits from the grid, one merge."""

from functools import cache
from math import e as EULER
from math import log2
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.attention.kernels.combination import combine_splits
from glassbox.attention.kernels.grouped import decode_split
from glassbox.attention.kernels.latent import latent_decode_split
from glassbox.machine import configs, empty, launch, triton

LEAST_ROWS = 16  # the fewest rows and features of a tile that tensor cores multiply
MOST_SPLITS = 64  # beyond it the merge is what takes time
PROCESSORS_ELSEWHERE = 132  # those of an H100 or H200, where no GPU says how many it has


class Decoded(NamedTuple):
    """What a decode launch makes: outputs (b, h, e) and log-sum-exps (b, h) in float32."""

    output: Tensor
    lse: Tensor


def padded(size: int) -> int:
    """Return the side of a tile that holds `size`."""
    return max(LEAST_ROWS, triton.next_power_of_2(size))


def splits_of(programs: int, keys: int, tile: int, wanted: int) -> int:
    """Return into how many splits each sequence is cut, so that about `wanted` programs run.

        splits = floor(wanted / programs), at least 1, at most one per tile of keys and MOST_SPLITS

    Convention: from shapes alone, never from the lengths' values: a captured CUDA graph stays valid.
    """
    return max(1, min(wanted // max(programs, 1), triton.cdiv(keys, tile), MOST_SPLITS))


@cache
def processors(device: torch.device) -> int:
    """Return the number of multiprocessors of a GPU; that of an H200 for other devices."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).multi_processor_count
    return PROCESSORS_ELSEWHERE


def decode(
    q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None, scale: float, *, backend: str,
    splits: int | None = None,
) -> Decoded:  # fmt: skip
    """Launch the decode kernel on a contiguous cache.

    Shapes: q (b, h, d), k (b, g, n, d), v (b, g, n, e) with any strides; lengths (b,) int32. `splits` is
        `splits_of` unless given.
    """
    config = configs.choose("decode_attention", q.dtype, max(k.shape[-1], v.shape[-1]), backend=backend)
    pages = (None, 0, k.shape[2], 1)
    return _grouped(q, k, v, pages, lengths, scale, config, splits, backend)


def paged_decode(
    q: Tensor, key_pages: Tensor, value_pages: Tensor, table: Tensor, lengths: Tensor, scale: float, *,
    backend: str, splits: int | None = None,
) -> Decoded:  # fmt: skip
    """Launch the decode kernel on a paged cache.

    Shapes: q (b, h, d), key_pages (pages, g, page_size, d), value_pages (pages, g, page_size, e), table
        (b, pages of the longest) int32, lengths (b,) int32.
    """
    size = max(key_pages.shape[-1], value_pages.shape[-1])
    config = configs.choose("paged_decode_attention", q.dtype, size, backend=backend)
    page_size = key_pages.shape[2]
    pages = (table, table.stride(0), table.shape[1] * page_size, page_size)
    return _grouped(q, key_pages, value_pages, pages, lengths, scale, config, splits, backend)


def _grouped(q, k, v, pages, lengths, scale, config, splits, backend) -> Decoded:
    (b, heads, d), groups, e = q.shape, k.shape[1], v.shape[3]
    table, table_stride, n, page = pages
    waves, config["HEADS"] = config.pop("WAVES"), min(config["HEADS"], padded(heads // groups))
    programs = b * groups * triton.cdiv(heads // groups, config["HEADS"])
    wanted = waves * processors(q.device)
    splits = splits_of(programs, n, config["KEYS"], wanted) if splits is None else splits
    strides = (*q.stride(), *k.stride(), *v.stride(), table_stride)
    given, sizes = (q, k, v, table, lengths), (heads, groups, n, d, e, scale * log2(EULER), *strides)
    tiles = {"PAGE": page, "D": padded(d), "E": padded(e), **config}
    return _split(decode_split, (programs, splits), given, sizes, tiles, (b, heads, e), backend)


def latent_decode(
    q: Tensor, q_rotary: Tensor, latent: Tensor, k_rotary: Tensor, lengths: Tensor | None, scale: float, *,
    backend: str, splits: int | None = None,
) -> Decoded:  # fmt: skip
    """Launch the decode kernel on a cache of latents.

    Shapes: q (b, h, r), q_rotary (b, h, p), latent (b, n, r), k_rotary (b, n, p) with any strides.
    """
    (b, heads, r), (n, p) = q.shape, k_rotary.shape[1:]
    config = configs.choose("latent_decode_attention", q.dtype, heads, backend=backend)
    waves, config["HEADS"] = config.pop("WAVES"), min(config["HEADS"], padded(heads))
    programs = b * triton.cdiv(heads, config["HEADS"])
    wanted = waves * processors(q.device)
    splits = splits_of(programs, n, config["KEYS"], wanted) if splits is None else splits
    given = (q, q_rotary, latent, k_rotary, lengths)
    strides = (*q.stride(), *q_rotary.stride(), *latent.stride(), *k_rotary.stride())
    sizes = (heads, n, r, p, scale * log2(EULER), *strides)
    tiles = {"R": padded(r), "P": padded(p), **config}
    return _split(latent_decode_split, (programs, splits), given, sizes, tiles, (b, heads, r), backend)


def _split(kernel, grid, given, sizes, tiles, shape, backend) -> Decoded:
    """Launch over the splits, then merge them; a single split is the output already."""
    q, splits, (b, heads, e) = given[0], grid[1], shape
    made = _outputs(shape, q.dtype, q.device)
    if not b * heads:
        return made
    parts = _outputs((b, heads, splits, e), torch.float32, q.device) if splits > 1 else made
    launch(kernel, grid, *given, *parts, *sizes, **tiles, backend=backend)
    if splits > 1:
        tile = {"SPLITS": triton.next_power_of_2(splits), "E": triton.next_power_of_2(e)}
        warps = max(4, min(16, tile["SPLITS"] * tile["E"] // 2048))
        merge = (*parts, *made, splits, e)
        launch(combine_splits, (b * heads,), *merge, **tile, num_warps=warps, backend=backend)
    return made


def _outputs(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Decoded:
    output = empty(*shape, dtype=dtype, device=device)
    return Decoded(output, empty(*shape[:-1], dtype=torch.float32, device=device))
