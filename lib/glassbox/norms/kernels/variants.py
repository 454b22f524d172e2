"""Every norm kernel with every shipped tile, as it would be launched: what is compiled ahead of time."""

from collections.abc import Iterator

import torch

from glassbox.machine import captured, configs
from glassbox.machine.launching import Launch
from glassbox.norms.kernels.launchers import backward, forward

ROWS, LONGEST = 4096, 262_144
NORMS = ("rms_norm", "layer_norm", "add_rms_norm", "deep_norm")
DTYPES = (torch.bfloat16, torch.float32)


def variants(arch: str) -> Iterator[tuple[str, Launch]]:
    """Return a name and the launch for each norm, dtype and row length of the table for an architecture.

    Convention: float16 compiles to what bfloat16 does, so bfloat16 stands for both. Row lengths are the
        buckets of the table; launches that differ in the grid alone are listed once.
    """
    seen = set()
    with configs.target(arch):
        for norm in NORMS:
            for dtype in DTYPES:
                for direction in (_forward, _backward):
                    for each, n in direction(norm, dtype, arch):
                        name = f"{each.kernel.fn.__name__} {norm} {str(dtype)[6:]} {n}"
                        if (key := (name.rsplit(" ", 1)[0], _tile(each))) not in seen:
                            seen.add(key)
                            yield name, each


def buckets(operation: str, arch: str) -> list[int]:
    """Return the row lengths that the table tells apart for an architecture."""
    rows = configs.table(operation)
    found = [row for row in rows if row["arch"] == arch] or [r for r in rows if r["arch"] == configs.ANY]
    return [row["bucket"] or LONGEST for row in found]


def _tile(each: Launch) -> tuple:
    """Return what the compiler sees of a launch: a loop over a row does not depend on its length."""
    return tuple(sorted((k, v) for k, v in each.kwargs.items() if k != "backend"))


def _inputs(norm: str, dtype: torch.dtype, n: int) -> tuple:
    x = torch.empty(ROWS, n, dtype=dtype, device="meta")
    feature = torch.empty(n, dtype=dtype, device="meta")
    row = torch.empty(ROWS, dtype=torch.float32, device="meta")
    return x, feature, row, norm in ("layer_norm", "deep_norm")


def _forward(norm: str, dtype: torch.dtype, arch: str) -> Iterator[tuple[Launch, int]]:
    for n in buckets("norm_forward", arch):
        x, gain, _, centre = _inputs(norm, dtype, n)
        added, alpha = (None, 1.0) if norm in ("rms_norm", "layer_norm") else (x, 2.5)
        keep = norm == "add_rms_norm"
        with captured() as launches:
            forward(
                x, added, gain, gain if centre else None, 1.0 if keep else alpha, 1e-5,
                centre=centre, keep_total=keep, backend="compiled",
            )  # fmt: skip
        yield from ((each, n) for each in launches)


def _backward(norm: str, dtype: torch.dtype, arch: str) -> Iterator[tuple[Launch, int]]:
    for n in buckets("norm_backward", arch):
        x, gain, row, centre = _inputs(norm, dtype, n)
        deep = norm == "deep_norm"
        with captured() as launches:
            backward(
                x, x if norm == "add_rms_norm" else None, x, x if deep else None, gain,
                row if centre else None, row, 2.5 if deep else 1.0,
                gain_wanted=True, bias_wanted=centre, backend="compiled",
            )  # fmt: skip
        yield from ((each, n) for each in launches)
