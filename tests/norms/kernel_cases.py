"""Calls of the norms on the kernels, beside the same calls of the definition in float64.

Run as a script under TRITON_INTERPRET=1 it writes what the interpreter gives:
`python kernel_cases.py out.pt`.
"""

import sys
from typing import NamedTuple

import torch
from glassbox.norms import add_rms_norm, deep_norm, layer_norm, rms_norm
from glassbox.norms.kernels import backward, forward

ALPHA, EPS = 1.7, 1e-3


def draw(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


class Case(NamedTuple):
    """One norm: how many streams it adds, and the call on (x, added, gain, bias)."""

    added: bool
    biased: bool
    call: object


both = torch.stack  # the norm and the stream, checked together
NORMS = {
    "rms_norm": Case(False, False, lambda x, _, g, b, **how: rms_norm(x, g, EPS, **how)),
    "layer_norm": Case(False, True, lambda x, _, g, b, **how: layer_norm(x, g, b, EPS, **how)),
    "add_rms_norm": Case(
        True, False, lambda x, a, g, b, **how: torch.stack(add_rms_norm(x, a, g, EPS, **how))
    ),
    "deep_norm": Case(True, True, lambda x, a, g, b, **how: deep_norm(x, a, ALPHA, g, b, EPS, **how)),
}


def inputs(name, shape, weights="both", dtype=torch.float32):
    """Return x, added, gain and bias; `weights` says which of the last two are there."""
    case, n = NORMS[name], shape[-1]
    x, added = draw(*shape, seed=1, dtype=dtype), draw(*shape, seed=2, dtype=dtype) if case.added else None
    gain = draw(n, seed=3, dtype=dtype) if weights in ("both", "gain") else None
    bias = draw(n, seed=4, dtype=dtype) if case.biased and weights in ("both", "bias") else None
    return [x, added, gain, bias]


def value_and_gradients(name, given, dy, **how):
    """Return the norm's output, and the gradients of <output, dy> with respect to what was given."""
    leaves = [None if t is None else t.detach().requires_grad_() for t in given]
    out = NORMS[name].call(*leaves, **how)
    wanted = [leaf for leaf in leaves if leaf is not None]
    return out.detach(), torch.autograd.grad(out, wanted, dy.to(out.dtype))


def in_double(given):
    return [None if t is None else t.double() for t in given]


def launched(backend: str) -> dict[str, torch.Tensor]:
    """Return the outputs of every norm kernel, forward and backward, in fp32 and fp16."""
    out = {}
    for dtype in (torch.float32, torch.float16):
        for name, case in NORMS.items():
            # 40,000 and 9,000 features take the kernels for long rows
            for rows, n in ((5, 37), (2, 40_000), (3, 9_000)):
                x, added, gain, bias = inputs(name, (rows, n), dtype=dtype)
                alpha, keep = (ALPHA, False) if name == "deep_norm" else (1.0, name == "add_rms_norm")
                made = forward(
                    x, added, gain, bias, alpha, EPS, centre=case.biased, keep_total=keep, backend=backend
                )
                dy = draw(rows, n, seed=5, dtype=dtype)
                source = (made.total, None) if keep else (x, added)
                gradients = backward(
                    dy, dy if keep else None, *source, gain, made.mean, made.rstd, alpha,
                    gain_wanted=True, bias_wanted=case.biased, backend=backend,
                )  # fmt: skip
                for part in (made, gradients):
                    for field, value in part._asdict().items():
                        if value is not None:
                            out[f"{name} {n} {str(dtype)[6:]} {field}"] = value
    return out


if __name__ == "__main__":
    torch.save(launched("interpreted"), sys.argv[1])
