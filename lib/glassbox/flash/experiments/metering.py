"""What the kernels really move: each form run on the simulator, which counts every load and store."""

from collections.abc import Sequence
from functools import cache

import torch

from glassbox.arguments import expect_choice
from glassbox.flash.experiments.law import FORMS, form_row
from glassbox.machine import metered
from glassbox.tiny.seeds import normal

DTYPES = {4: torch.float32, 2: torch.bfloat16}
BASE = {"n": 128, "d": 32, "chip_bytes": 32_768}


def launches(
    form: str, n: int, d: int, query_block: int, key_block: int, *, queries: int | None = None, item: int = 4,
    apart: bool = False,
) -> list:  # fmt: skip
    """Return the Report of each launch of one head on the simulator: form "naive", "tiled" or "causal".

    Convention: n keys, as many queries unless `queries` is given; tiles that are powers of two. `apart` gives
        scale and mask of the naive form a launch of their own. `item` is 4 (float32) or 2 (bfloat16).
    Raises: ValueError for another form or item.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_choice("form", form, FORMS)
    expect_choice("item", item, DTYPES)
    t = n if queries is None else queries
    q, k, v = (normal((1, rows, d), seed).to(DTYPES[item]) for seed, rows in enumerate((t, n, n)))
    with metered() as reports:
        if form == "naive":
            _step_by_step(q, k, v, query_block, key_block, apart)
        else:
            _tiled(q, k, v, query_block, key_block, form == "causal")
    return reports


def _step_by_step(q, k, v, query_block: int, key_block: int, apart: bool) -> None:
    from glassbox.flash.kernels import step_by_step

    step_by_step.attention(q, k, v, queries=query_block, keys=key_block, apart=apart)


def _tiled(q, k, v, query_block: int, key_block: int, causal: bool) -> None:
    from glassbox.flash.kernels import Plan, forward

    config = {"QUERIES": query_block, "KEYS": key_block, "STAGES": 1, "ROLES": False, "TWO_LOOPS": False}
    plan = Plan(q.shape[-1] ** -0.5, causal)
    forward(q[None], k[None], v[None], plan, backend="simulated", config=config | {"num_warps": 4})


def metered_traffic(
    lengths: Sequence[int] = (64, 128, 256),
    sizes: Sequence[int] = (16, 32, 64),
    chips: Sequence[int] = (16_384, 32_768, 65_536),
    item: int = 4,
) -> list[dict]:
    """Run every form along the length, the head size and the memory on the chip; set the formula beside it.

    Rows are those of `traffic_law`, with `metered` (bytes that the kernels moved) and `live` (the most bytes
    that one program of the kernels held in blocks). Lengths of 128, heads of 32, chips of 32 KiB else.

    Convention: blocks are the largest powers of two that fit. `live` counts temporary blocks too, such as the
        weights beside the scores, and so can pass `chip_bytes`; a compiler shares their registers.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    along = {"n": lengths, "d": sizes, "chip_bytes": chips}
    ran = cache(_metered)  # the three sweeps cross
    rows = []
    for varies, values in along.items():
        for form in FORMS:
            for value in values:
                row = form_row(form, **BASE | {varies: value}, item=item, power_of_two=True)
                found = ran(form, row["n"], row["d"], row["query_block"], row["key_block"], item)
                rows.append({"varies": varies} | row | dict(zip(("metered", "live"), found, strict=True)))
    return rows


def _metered(form: str, n: int, d: int, query_block: int, key_block: int, item: int) -> tuple[int, int]:
    """Bytes moved, and the most that one program held."""
    reports = launches(form, n, d, query_block, key_block, item=item)
    return sum(each.bytes_moved for each in reports), max(each.peak_live_bytes for each in reports)


STEPS = ("q k^T", "scale + mask", "softmax", "p v")


def step_bytes(n: int = 256, d: int = 64, block: int = 64, item: int = 2) -> list[dict]:
    """Count what each step of attention reads, writes and computes, launch by launch; then all in one.

        q k^T and p v: 2 n^2 d FLOP each;   the steps between them: 4 n^2 numbers moved, a few FLOP each

    A row has `form` ("naive", "tiled"), `step` ("q k^T", "scale + mask", "softmax", "p v", "all in one"),
    `read`, `written`, `bytes` (both), `flops`, `matrix` (the part on matrix units) and `intensity` (FLOP per
    byte). Metered, one head, tiles of `block` x `block`.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    naive = launches("naive", n, d, block, block, item=item, apart=True)
    (tiled,) = launches("tiled", n, d, block, block, item=item)
    named = [*(("naive", *pair) for pair in zip(STEPS, naive, strict=True)), ("tiled", "all in one", tiled)]
    return [
        {"form": form, "step": step, "read": report.bytes_loaded, "written": report.bytes_stored}
        | {"bytes": report.bytes_moved, "flops": report.flops.total, "matrix": report.flops.matrix}
        | {"intensity": report.intensity}
        for form, step, report in named
    ]
