"""Who else decodes: the definition compiled, torch's fused attention, FlexAttention."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from glassbox.attention.reference.decode import gather
from glassbox.machine.bench import Case, Peer, compiled


def general(definition: Callable) -> tuple[Peer, ...]:
    """Return the definition as it is, and through torch.compile.

    Convention: max-autotune without its CUDA graphs; the protocol replays the graph of every provider alike.
    """
    slow = "max-autotune-no-cudagraphs"
    return (
        Peer("eager", lambda case: definition),
        Peer("compile", lambda case: compiled(definition)),
        Peer("compile-max", lambda case: compiled(definition, slow), skip=_headlines_only),
    )


def of_torch() -> tuple[Peer, ...]:
    """Return torch's fused attention as it chooses itself, that of cuDNN, and FlexAttention."""
    return (
        Peer("sdpa", lambda case: sdpa),
        Peer("cudnn", lambda case: cudnn),
        Peer("flex", lambda case: partial(_flex, compiled(_flex_function()))),
    )


def of_torch_gathered() -> tuple[Peer, ...]:
    """Return torch's fused attention sequence by sequence, and FlexAttention masked by the lengths.

    Convention: neither reads our pages, so each gets the gathered cache, made at its first call and kept: the
        easier problem. What is timed is attention alone.
    """
    return Peer("sdpa", _sdpa_by_sequence), Peer("flex", _flex_by_length)


def sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return torch's attention of one query per head."""
    return scaled_dot_product_attention(q[:, :, None], k, v, enable_gqa=True)[:, :, 0]


def cudnn(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return cuDNN's attention of one query per head."""
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        return sdpa(q, k, v)


def kept(make: Callable) -> Callable:
    """Return `make` that is called once for the same tensors: a peer's own layout is not part of its time."""
    found: dict[tuple[int, ...], object] = {}

    def once(*tensors: Tensor):
        key = tuple(tensor.data_ptr() for tensor in tensors)
        if key not in found:
            found.clear()
            found[key] = make(*tensors)
        return found[key]

    return once


def _gathered(key_pages: Tensor, value_pages: Tensor, table: Tensor, lengths: Tensor) -> tuple:
    keys, values = (gather(pages, table).contiguous() for pages in (key_pages, value_pages))
    return keys, values, lengths.tolist()


def _sdpa_by_sequence(case: Case) -> Callable:
    layout = kept(_gathered)

    def call(q: Tensor, *cache: Tensor) -> Tensor:
        k, v, counts = layout(*cache)
        rows = ((q[i : i + 1], k[i : i + 1, :, :n], v[i : i + 1, :, :n]) for i, n in enumerate(counts))
        return torch.cat([sdpa(*row) for row in rows])

    return call


def _flex_by_length(case: Case) -> Callable:
    layout, run = kept(_with_mask), compiled(_flex_function())

    def call(q: Tensor, *cache: Tensor) -> Tensor:
        k, v, mask = layout(*cache)
        return _flex(run, q, k, v, mask)

    return call


def _with_mask(key_pages: Tensor, value_pages: Tensor, table: Tensor, lengths: Tensor) -> tuple:
    from torch.nn.attention.flex_attention import create_block_mask

    k, v, _ = _gathered(key_pages, value_pages, table, lengths)
    sizes = (len(lengths), None, 1, k.shape[2])
    return k, v, create_block_mask(lambda b, h, query, key: key < lengths[b], *sizes, device=str(k.device))


def _flex_function() -> Callable:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


def _flex(run: Callable, q: Tensor, k: Tensor, v: Tensor, mask=None) -> Tensor:
    return run(q[:, :, None], k, v, block_mask=mask, enable_gqa=True)[:, :, 0]


def _headlines_only(case: Case) -> str:
    return "" if case.headline else "measured on the headline cases only: it takes long to compile"
