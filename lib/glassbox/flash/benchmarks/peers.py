"""Who else computes attention: the plain definition, torch's fused attention, FlashAttention-2 by lengths."""

from functools import cache, partial
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from glassbox.flash.benchmarks import flex, forms
from glassbox.flash.benchmarks.forms import Form
from glassbox.flash.benchmarks.functions import drawn_out, ours, plain
from glassbox.machine.bench import Case, Peer

LARGEST_MATRIX = 2**33  # bytes: a backward pass holds several


def of_form(form: Form) -> tuple[Peer, ...]:
    """Return the peers that compute a form."""
    own = Peer("flex", partial(flex.flex, form))
    if form in (forms.FULL, forms.CAUSAL):
        return Peer("eager", lambda case: partial(plain, form=form), skip=_too_large), *fused(form), own
    return (*masked(form), own)


def fused(form: Form) -> tuple[Peer, ...]:
    """Return torch's fused attention: as it chooses itself, FlashAttention-2, and cuDNN's."""
    causal = form is forms.CAUSAL
    return (
        Peer("sdpa", lambda case: partial(sdpa, causal=causal)),
        Peer("fa2", lambda case: partial(only, SDPBackend.FLASH_ATTENTION, causal=causal)),
        Peer("cudnn", lambda case: partial(only, SDPBackend.CUDNN_ATTENTION, causal=causal)),
    )


def masked(form: Form) -> tuple[Peer, ...]:
    """Return torch's fused attention with the mask as a matrix, and FlashAttention-2 told the rule itself."""
    if form not in (forms.WINDOW, forms.PREFIX, forms.PACKED):
        return ()
    with_matrix = Peer("sdpa", lambda case: partial(sdpa_masked, form=form))
    if form is forms.PREFIX:
        return (with_matrix,)
    return with_matrix, Peer("fa2", lambda case: partial(by_length, form=form), skip=_several)


def fast_form(form: Form) -> Peer:
    """Return our own backward pass with atomics, to see what determinism costs."""
    return Peer("fused", lambda case: partial(ours, form=form), skip=_beyond_fused)


def sdpa(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
    """Return torch's attention."""
    return scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=_shared(q, k))


def only(backend: SDPBackend, q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
    """Return torch's attention from one backend; it raises where that one cannot."""
    with sdpa_kernel(backend):
        return sdpa(q, k, v, causal=causal)


def sdpa_masked(q: Tensor, k: Tensor, v: Tensor, *, form: Form) -> Tensor:
    """Return torch's attention with a matrix of what is seen, made at the first call and kept."""
    mask = drawn_out(form, k.shape[2], q.device)
    return scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=_shared(q, k))


def by_length(q: Tensor, k: Tensor, v: Tensor, *, form: Form) -> Tensor:
    """Return torch's FlashAttention-2 of sequences that lie end to end, (1, h, t, d); all are causal."""
    from torch.nn.attention.varlen import varlen_attn

    tokens = q.shape[2]
    counts = tuple(forms.lengths(tokens)) if form is forms.PACKED else (tokens,)
    ends, longest = _ends(counts, q.device), max(counts)
    behind = forms.eighth(tokens) - 1 if form is forms.WINDOW else -1
    rows = (x[0].transpose(0, 1) for x in (q, k, v))
    more = {"enable_gqa": True} if _shared(q, k) else {}
    made = varlen_attn(*rows, ends, ends, longest, longest, window_size=(behind, 0), **more)
    return made.transpose(0, 1)[None]


@cache
def _ends(counts: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor([0, *accumulate(counts)], dtype=torch.int32, device=device)


def _shared(q: Tensor, k: Tensor) -> bool:
    return q.shape[1] != k.shape[1]


def _too_large(case: Case) -> str:
    matrix = 4 * case["batch"] * case["heads"] * case["tokens"] ** 2
    return "" if matrix <= LARGEST_MATRIX else f"its matrix of scores takes {matrix / 1e9:.0f} GB"


def _several(case: Case) -> str:
    return "" if case["batch"] == 1 else "several sequences would have to be copied into its layout"


def _beyond_fused(case: Case) -> str:
    return "" if case["size"] <= 128 else "the form with atomics takes heads of up to 128 features"
