"""Calls of the decode kernels, beside the same calls of the definition in float64.

Run as a script under TRITON_INTERPRET=1 it writes what the interpreter gives:
`python decode_cases.py out.pt`.
"""

import sys

import torch
from glassbox.attention.api import decode as api
from glassbox.attention.kernels import decode, latent_decode, paged_decode
from glassbox.attention.reference import decode as reference

LAUNCHERS = {"contiguous": decode, "paged": paged_decode, "latent": latent_decode}
DEFINITIONS = {
    "contiguous": reference.decode,
    "paged": reference.paged_decode,
    "latent": reference.latent_decode,
}
SCALE = 0.3
TOLERANCE = 2e-5


def draw(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def whole(values):
    return None if values is None else torch.tensor(values, dtype=torch.int32)


def contiguous(b, h, g, n, d, e=None, lengths=None, dtype=torch.float32):
    """Return q, k, v and lengths."""
    k, v = draw(b, g, n, d, seed=1, dtype=dtype), draw(b, g, n, e or d, seed=2, dtype=dtype)
    return draw(b, h, d, dtype=dtype), k, v, whole(lengths)


def paged(h, g, size, d, e, lengths, dtype=torch.float32):
    """Return q, pools, table and lengths: pages dealt out backwards, two more than any table lists."""
    needed = [-(-length // size) for length in lengths]
    pages = list(range(sum(needed) + 2))
    rows = [[pages.pop() for _ in range(count)] + [-1] * (max(needed) - count) for count in needed]
    keys, values = (draw(sum(needed) + 2, g, size, w, seed=w, dtype=dtype) for w in (d, e))
    return draw(len(lengths), h, d, dtype=dtype), keys, values, whole(rows), whole(lengths)


def latent(b, h, n, r, p, lengths=None, dtype=torch.float32):
    """Return q, q_rotary, latent, k_rotary and lengths."""
    queries = draw(b, h, r, dtype=dtype), draw(b, h, p, seed=1, dtype=dtype)
    return *queries, draw(b, n, r, seed=2, dtype=dtype), draw(b, n, p, seed=3, dtype=dtype), whole(lengths)


def launched(kind, given, splits=None, backend="simulated"):
    return LAUNCHERS[kind](*given, SCALE, backend=backend, splits=splits)


def defined(kind, given, dtype=torch.float64):
    return DEFINITIONS[kind](
        *(t.to(dtype) if t is not None and t.is_floating_point() else t for t in given), SCALE
    )


def disagreement(made, right) -> float:
    """Return the largest difference, in the output relative to its largest; infinities must agree."""
    assert torch.equal(made.lse.isinf(), right.lse.isinf()) and not made.output.isnan().any()
    output = (made.output - right.output).abs().max() / right.output.abs().max().clamp_min(1.0)
    lse = (made.lse - right.lse).nan_to_num().abs().max()
    return max(output.item(), lse.item())


CALLS = {"contiguous": api.decode_attention, "paged": api.paged_decode_attention}
CALLS["latent"] = api.latent_decode_attention
SAMPLES = {
    "contiguous": contiguous(2, 2, 1, 70, 24, 20, [70, 3]),
    "paged": paged(2, 1, 16, 24, 20, [40, 0, 17]),
    "latent": latent(2, 3, 40, 40, 8, [0, 33]),
}


def interpreted(backend):
    """Return what every kernel makes of the samples, in fp32 with one split, in fp16 with three."""
    made = {}
    for dtype, splits in ((torch.float32, 1), (torch.float16, 3)):
        for kind, given in SAMPLES.items():
            cast = [t.to(dtype) if t is not None and t.is_floating_point() else t for t in given]
            output, lse = launched(kind, cast, splits, backend)
            name = f"{kind} {str(dtype)[6:]}"
            made |= {f"{name} output": output, f"{name} lse": lse}
    return made


if __name__ == "__main__":
    torch.save(interpreted("interpreted"), sys.argv[1])
