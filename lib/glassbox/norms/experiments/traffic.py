"""What a norm moves: the same norm in one launch and in one launch per step, both metered."""

import torch

from glassbox import norms
from glassbox.arguments import expect_whole
from glassbox.machine import Report, metered
from glassbox.norms.kernels import step_by_step
from glassbox.tiny import seeds

FORMS = ("step by step", "fused")


def launches(
    norm: str, form: str, rows: int, width: int, dtype: torch.dtype = torch.bfloat16
) -> list[Report]:
    """Return the reports of one forward pass of "layer_norm" or "rms_norm" over a (rows, width) array."""
    expect_whole("rows", rows, 1)
    expect_whole("width", width, 1)
    x = seeds.normal((rows, width), seed=0).to(dtype)
    parameters = [torch.ones(width, dtype=dtype) for _ in range(2 if norm == "layer_norm" else 1)]
    with metered() as reports:
        if form == "fused":
            getattr(norms, norm)(x, *parameters, backend="simulated")
        else:
            getattr(step_by_step, norm)(x, *parameters)
    return reports


def traffic(rows: int = 64, width: int = 4096, dtype: torch.dtype = torch.bfloat16) -> list[dict]:
    """Return one row per norm and form: launches, bytes moved, bytes that must move, FLOPs.

    Convention: `bytes` counts every load and store; `least` counts each element of each launch's arguments
        once, which is what must come from memory when the cache serves the repeats. Both are exact.
    """
    found = []
    for norm in ("layer_norm", "rms_norm"):
        for form in FORMS:
            reports = launches(norm, form, rows, width, dtype)
            moved, least = (
                sum(getattr(r, f"bytes_{kind}") for r in reports) for kind in ("moved", "compulsory")
            )
            flops = sum(r.flops.total for r in reports)
            row = {"norm": norm, "form": form, "launches": len(reports), "bytes": moved, "least": least}
            found.append(row | {"flops": flops, "intensity": flops / least})
    return found
