"""Every decode kernel with every shipped tile, as it would be launched: what is compiled ahead of time."""

from collections.abc import Iterator

import torch

from glassbox.attention.kernels.launchers import decode, latent_decode, paged_decode
from glassbox.machine import captured, configs
from glassbox.machine.launching import Launch

DTYPES = (torch.bfloat16, torch.float32)
SEQUENCES, KEYS, KEY_HEADS, PAGE = 4, 8192, 8, 16
HEAD_SIZES, GROUPS = (64, 128, 256), (4, 64)
LATENT, ROTARY, HEADS = 512, 64, (16, 128)


def variants(arch: str) -> Iterator[tuple[str, Launch]]:
    """Return a name and the launch for each kernel, dtype and size that the tables tell apart.

    Convention: float16 compiles to what bfloat16 does, so bfloat16 stands for both. "4 to 1" are query heads
        per key head. The merge of the splits is listed once per output dtype and size.
    """
    seen = set()
    with configs.target(arch):
        for dtype in DTYPES:
            for name, launches in _calls(dtype):
                for each in launches:
                    full = f"{each.kernel.fn.__name__} {str(dtype)[6:]} {name}"
                    if each.kernel.fn.__name__ == "combine_splits":
                        full = f"combine_splits {str(dtype)[6:]} {each.kwargs['SPLITS']} {each.kwargs['E']}"
                    if full not in seen:
                        seen.add(full)
                        yield full, each


def _calls(dtype: torch.dtype) -> Iterator[tuple[str, list[Launch]]]:
    most = 1 if dtype == torch.float32 else None  # a tile of float32 is small, however many heads there are
    for d in HEAD_SIZES:
        for group in GROUPS[:most]:
            yield f"{group} to 1, {d}", _captured(decode, *_contiguous(dtype, d, group))
            yield f"paged, {group} to 1, {d}", _captured(paged_decode, *_paged(dtype, d, group))
    for heads in HEADS[:most]:
        yield f"{heads} heads", _captured(latent_decode, *_latent(dtype, heads))


def _captured(call, *arguments) -> list[Launch]:
    with captured() as launches:
        call(*arguments, 0.1, backend="compiled")
    return list(launches)


def _made(*shape: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def _contiguous(dtype: torch.dtype, d: int, group: int) -> tuple:
    k = _made(SEQUENCES, KEY_HEADS, KEYS, d, dtype=dtype)
    return _made(SEQUENCES, group * KEY_HEADS, d, dtype=dtype), k, k, _made(SEQUENCES)


def _paged(dtype: torch.dtype, d: int, group: int) -> tuple:
    pages = _made(SEQUENCES * KEYS // PAGE, KEY_HEADS, PAGE, d, dtype=dtype)
    q, _, _, lengths = _contiguous(dtype, d, group)
    return q, pages, pages, _made(SEQUENCES, KEYS // PAGE), lengths


def _latent(dtype: torch.dtype, heads: int) -> tuple:
    q, q_rotary = (_made(SEQUENCES, heads, size, dtype=dtype) for size in (LATENT, ROTARY))
    latent, k_rotary = (_made(SEQUENCES, KEYS, size, dtype=dtype) for size in (LATENT, ROTARY))
    return q, q_rotary, latent, k_rotary, _made(SEQUENCES)
