"""Attention of the newest token alone, from three kinds of cache. The equations are in `reference.decode`.

`backend` is "auto", "reference", "simulated" or "compiled": `machine/dispatch.py` says what each takes.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_like, expect_positive, expect_shape
from glassbox.attention.api.checks import expect_kind, expect_queries_keys_values, expect_size
from glassbox.attention.reference import decode as reference
from glassbox.attention.reference.core import Attended
from glassbox.machine.dispatch import uses_kernel

LARGEST_HEAD, LARGEST_LATENT, LARGEST_ROTARY = 256, 512, 128  # what the kernels' tiles hold


def decode_attention(
    q: Float[Tensor, "b h d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    lengths: Int[Tensor, " b"] | None = None,
    scale: float | None = None,
    *,
    return_lse: bool = False,
    backend: str = "auto",
) -> Float[Tensor, "b h e"] | Attended:
    """Return the attention of one query per head over a contiguous cache.

        output = softmax(scale q k^T) v,  over the first lengths[b] keys of each sequence

    Shapes: g key heads serve h query heads. `lengths` is int32; without it every key counts.
    Convention: `scale` is 1/sqrt(d) unless given. Query heads i h/g ... (i + 1) h/g - 1 read key head i. A
        sequence without keys gives 0, its lse is -inf. What lies beyond a length is never used. Any strides
        are taken as they are.
    Precision: halves are multiplied on tensor cores and added up in float32; the kernel rounds the weights to
        the dtype of v before it multiplies. The output is cast once, the lse stays float32.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit, lengths beyond n (on the CPU;
        on a GPU they count as n), or a gradient wanted of a kernel: decoding is inference.
    Source: Dao, Haziza, Massa, Sizov 2023, "Flash-Decoding for long-context inference";
        Ainslie et al. 2023, section 2.2 (arXiv:2305.13245).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _expect_queries(q)
    expect_queries_keys_values(q[:, :, None], k, v)
    _expect_counts("lengths", lengths, q, k.shape[2])
    scale = _scale(scale, q.shape[-1])
    if uses_kernel(backend, "q", q):
        from glassbox.attention.kernels import decode_attention as kernel

        _expect_kernel_takes(LARGEST_HEAD, q=q, k=k, v=v)
        return _made(kernel(q, k, v, lengths, scale), return_lse)
    return _made(reference.decode(q, k, v, lengths, scale), return_lse)


def paged_decode_attention(
    q: Float[Tensor, "b h d"],
    key_pages: Float[Tensor, "pages g s d"],
    value_pages: Float[Tensor, "pages g s e"],
    table: Int[Tensor, "b p"],
    lengths: Int[Tensor, " b"],
    scale: float | None = None,
    *,
    return_lse: bool = False,
    backend: str = "auto",
) -> Float[Tensor, "b h e"] | Attended:
    """Return the attention of one query per head over a paged cache.

        output = softmax(scale q k^T) v,  token i of sequence b in slot i % s of page table[b, i // s]

    Shapes: pages of s tokens; `table` and `lengths` are int32, as `PagedCache.block_table` gives them: the
        pages of each sequence, padded with -1.
    Convention: as `decode_attention`. No page is gathered into a new tensor by the kernel.
    Precision: as `decode_attention`.
    Raises: as `decode_attention`, and ValueError for a page that the pool does not have (on the CPU).
    Source: Kwon et al. 2023, section 4 (arXiv:2309.06180).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _expect_queries(q)
    _expect_pages(q, key_pages, value_pages, table)
    _expect_counts("lengths", lengths, q, table.shape[1] * key_pages.shape[2], needed=True)
    _expect_known_pages(table, lengths, *key_pages.shape[0:3:2])
    scale = _scale(scale, q.shape[-1])
    arguments = (q, key_pages, value_pages, table, lengths, scale)
    if uses_kernel(backend, "q", q):
        from glassbox.attention.kernels import paged_decode_attention as kernel

        _expect_kernel_takes(LARGEST_HEAD, q=q, key_pages=key_pages, value_pages=value_pages)
        return _made(kernel(*arguments), return_lse)
    return _made(reference.paged_decode(*arguments), return_lse)


def latent_decode_attention(
    q: Float[Tensor, "b h r"],
    q_rotary: Float[Tensor, "b h p"],
    latent: Float[Tensor, "b n r"],
    k_rotary: Float[Tensor, "b n p"],
    lengths: Int[Tensor, " b"] | None = None,
    *,
    scale: float,
    return_lse: bool = False,
    backend: str = "auto",
) -> Float[Tensor, "b h r"] | Attended:
    """Return the attention of one query per head over a cache of latents, in MLA's absorbed form.

        score_j = scale (q . c_j + q^R . k^R_j),  output = sum_j softmax(score)_j c_j

    Shapes: q is already in latent space, U_K^T q; the output still is: U_V makes a head's output of it.
    Convention: `scale` must be given: it is 1/sqrt(d + p) with d the size of a head before it was absorbed,
        which no shape shows. The latent row c_j is key and value at once. Else as `decode_attention`.
    Precision: as `decode_attention`.
    Raises: as `decode_attention`.
    Source: DeepSeek-AI 2024, sections 2.1.2 and 2.1.3 (arXiv:2405.04434).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _expect_queries(q)
    expect_kind("q_rotary", q_rotary, 3, "q", q)
    expect_kind("latent", latent, 3, "q", q)
    expect_kind("k_rotary", k_rotary, 3, "q", q)
    expect_size("latent", latent, 1, "key")
    (b, h, r), n, p = q.shape, latent.shape[1], q_rotary.shape[2]
    expect_shape("q_rotary", q_rotary, (b, h, p))
    expect_shape("latent", latent, (b, n, r))
    expect_shape("k_rotary", k_rotary, (b, n, p))
    _expect_counts("lengths", lengths, q, n)
    arguments = (q, q_rotary, latent, k_rotary, lengths, _scale(scale, r))
    if uses_kernel(backend, "q", q):
        from glassbox.attention.kernels import latent_decode_attention as kernel

        _expect_kernel_takes(LARGEST_LATENT, q=q, latent=latent)
        _expect_kernel_takes(LARGEST_ROTARY, q_rotary=q_rotary, k_rotary=k_rotary)
        return _made(kernel(*arguments), return_lse)
    return _made(reference.latent_decode(*arguments), return_lse)


def _made(attended: tuple[Tensor, Tensor], return_lse: bool) -> Tensor | Attended:
    return Attended(*attended) if return_lse else attended[0]


def _scale(scale: float | None, size: int) -> float:
    if scale is not None:
        expect_positive("scale", scale)
    return float(size**-0.5 if scale is None else scale)


def _expect_queries(q) -> None:
    """Refuse what is not one query per head: (b, h, d), without an axis of time."""
    expect_kind("q", q, 3)
    expect_size("q", q, 2, "feature per head")


def _expect_whole_tensor(name: str, value, q: Tensor) -> None:
    if not isinstance(value, Tensor) or value.dtype != torch.int32:
        raise bad_type(name, "an int32 tensor", value)
    expect_like(name, value, "q", q)


def _expect_counts(name: str, value, q: Tensor, n: int, *, needed: bool = False) -> None:
    """Refuse what is no count of keys, at most n, for each sequence."""
    if value is None and not needed:
        return
    _expect_whole_tensor(name, value, q)
    expect_shape(name, value, q.shape[:1])
    if _readable(value) and ((value < 0) | (value > n)).any():
        raise bad_value(name, f"counts from 0 to {n}", value.tolist())


def _expect_pages(q: Tensor, key_pages, value_pages, table) -> None:
    for name, pages in (("key_pages", key_pages), ("value_pages", value_pages)):
        expect_kind(name, pages, 4, "q", q)
        expect_size(name, pages, 2, "slot per page")
    pages, groups, slots, _ = key_pages.shape
    expect_shape("key_pages", key_pages, (pages, groups, slots, q.shape[2]))
    expect_shape("value_pages", value_pages, (pages, groups, slots, value_pages.shape[3]))
    if groups == 0 or q.shape[1] % groups:
        raise bad_value("key_pages", f"a number of heads that divides the {q.shape[1]} of q", key_pages)
    _expect_whole_tensor("table", table, q)
    expect_shape("table", table, (q.shape[0], table.shape[-1] if table.ndim else 0))
    expect_size("table", table, 1, "page per sequence")


def _expect_known_pages(table: Tensor, lengths: Tensor, pages: int, slots: int) -> None:
    if not (_readable(table) and _readable(lengths)):
        return
    used = torch.arange(table.shape[1]) * slots < lengths[:, None]
    if (used & ((table < 0) | (table >= pages))).any():
        raise bad_value("table", f"pages from 0 to {pages - 1} wherever a length reaches", table.tolist())


def _readable(value: Tensor) -> bool:
    """Tell whether values can be looked at for nothing: not on a GPU, nor while a graph is compiled."""
    return value.device.type == "cpu" and not torch.compiler.is_compiling()


def _expect_kernel_takes(largest: int, **tensors: Tensor) -> None:
    """Refuse sizes beyond the kernels' tiles, and tensors whose gradient would be lost."""
    for name, value in tensors.items():
        if value.shape[-1] > largest:
            raise bad_value(name, f"at most {largest} features for a kernel", value)
        if value.requires_grad and torch.is_grad_enabled():
            wanted = "a tensor without gradient, or torch.no_grad(): the decode kernels are for inference"
            raise bad_value(name, wanted, value)
