"""The decode operators keep PyTorch's contract, and refuse by name what they cannot take."""

from importlib.util import find_spec

import pytest
import torch
from decode_cases import CALLS, SAMPLES, SCALE, contiguous, latent, paged, whole
from glassbox.attention.api.decode import (
    decode_attention,
    latent_decode_attention,
    paged_decode_attention,
)
from glassbox.attention.kernels import operators
from machine.graphs import printed

OPERATORS = {
    "contiguous": operators.decode_attention,
    "paged": operators.paged_decode_attention,
    "latent": operators.latent_decode_attention,
}


@pytest.mark.parametrize("kind", OPERATORS)
def test_the_operators_keep_pytorchs_contract(kind):
    torch.library.opcheck(OPERATORS[kind], (*SAMPLES[kind], SCALE))


def test_a_compiled_graph_holds_the_operator_whole():
    assert printed("attention/decode_graphs.py") == list(CALLS)


@pytest.mark.parametrize("backend", ["simulated", "compiled"])
@pytest.mark.parametrize("kind", CALLS)
def test_meta_tensors_pass_through(kind, backend):
    if backend == "compiled" and find_spec("triton") is None:
        pytest.skip("the compiled way needs Triton, which is for Linux")
    given = [tensor.to("meta") for tensor in SAMPLES[kind]]
    made = CALLS[kind](*given, scale=SCALE, return_lse=True, backend=backend)
    right = CALLS[kind](*SAMPLES[kind], scale=SCALE, return_lse=True)
    for one, other in zip(made, right, strict=True):
        assert one.is_meta and (one.shape, one.dtype) == (other.shape, other.dtype)


@pytest.mark.parametrize("kind", CALLS)
def test_a_gradient_is_refused_by_the_kernels_and_given_by_the_definition(kind):
    q, *others = SAMPLES[kind]
    q = q.clone().requires_grad_()
    with pytest.raises(ValueError, match="q: expected a tensor without gradient, or torch"):
        CALLS[kind](q, *others, scale=SCALE, backend="simulated")
    with torch.no_grad():
        assert not CALLS[kind](q, *others, scale=SCALE, backend="simulated").requires_grad
    CALLS[kind](q, *others, scale=SCALE).sum().backward()
    assert q.grad.isfinite().all()


GIVEN = {
    "contiguous": contiguous(2, 4, 2, 20, 16, lengths=[20, 3]),
    "paged": paged(4, 2, 16, 16, 16, [20, 3]),
    "latent": latent(2, 3, 20, 32, 8),
}


def changed(kind, position, value):
    """Return a call with one argument of a good one replaced."""
    given = list(GIVEN[kind])
    given[position] = value(given[position]) if callable(value) else value
    call = {
        "contiguous": decode_attention,
        "paged": paged_decode_attention,
        "latent": latent_decode_attention,
    }[kind]
    return lambda: call(*given, scale=SCALE, backend="simulated")


REFUSED = {
    "a time axis": (changed("contiguous", 0, lambda q: q[:, :, None]), "q: expected 3 dimensions"),
    "keys of another batch": (
        changed("contiguous", 1, lambda k: k[:1]),
        r"k: expected shape \(2, 2, 20, 16\)",
    ),
    "no keys at all": (changed("contiguous", 1, lambda k: k[:, :, :0]), "k: expected at least one key"),
    "heads that do not divide": (changed("contiguous", 0, lambda q: q[:, :3]), "divides the 3 of q"),
    "another dtype": (changed("contiguous", 2, lambda v: v.half()), "v: expected the dtype of q, float32"),
    "long lengths": (changed("contiguous", 3, lambda n: n.long()), "lengths: expected an int32 tensor"),
    "too many lengths": (changed("contiguous", 3, whole([1, 2, 3])), r"lengths: expected shape \(2,\)"),
    "a length beyond the keys": (changed("contiguous", 3, whole([21, 1])), "counts from 0 to 20"),
    "a negative length": (changed("contiguous", 3, whole([-1, 1])), "counts from 0 to 20"),
    "a head too large": (
        lambda: decode_attention(*contiguous(1, 1, 1, 3, 257), backend="simulated"),
        "q: expected at most 256 features for a kernel",
    ),
    "a scale of nothing": (
        lambda: decode_attention(*GIVEN["contiguous"], scale=0.0),
        "scale: expected a finite number > 0",
    ),
    "a page that is not there": (changed("paged", 3, lambda t: t + 9), "table: expected pages from 0 to"),
    "a missing page": (changed("paged", 3, lambda t: t * 0 - 1), "table: expected pages from 0 to"),
    "a table of another batch": (changed("paged", 3, lambda t: t[:1]), "table: expected shape"),
    "a table of floats": (changed("paged", 3, lambda t: t.float()), "table: expected an int32 tensor"),
    "no table": (changed("paged", 3, None), "table: expected an int32 tensor"),
    "no lengths of pages": (changed("paged", 4, None), "lengths: expected an int32 tensor"),
    "values of other pages": (changed("paged", 2, lambda v: v[1:]), "value_pages: expected shape"),
    "pages of other heads": (
        changed("paged", 0, lambda q: q[:, :3]),
        "key_pages: expected a number of",
    ),
    "latents of another size": (changed("latent", 2, lambda c: c[..., 1:]), "latent: expected shape"),
    "rotary keys too short": (changed("latent", 3, lambda k: k[:, 1:]), "k_rotary: expected shape"),
    "rotary queries of other heads": (changed("latent", 1, lambda q: q[:, 1:]), "q_rotary: expected shape"),
    "an unknown way": (
        lambda: decode_attention(*GIVEN["contiguous"], backend="fast"),
        "backend: expected one of",
    ),
    "doubles": (
        lambda: decode_attention(*(t.double() for t in GIVEN["contiguous"][:3]), backend="simulated"),
        "q: expected float32, float16 or bfloat16",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_run_is_refused_by_name(name):
    call, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_the_scale_of_a_latent_must_be_given():
    with pytest.raises(TypeError, match="scale"):
        latent_decode_attention(*GIVEN["latent"])
