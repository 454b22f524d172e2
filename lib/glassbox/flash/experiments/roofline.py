"""Attention under the roofline: bytes and FLOP of each form, and the least time on each GPU."""

from collections.abc import Sequence
from pathlib import Path

from glassbox.arguments import bad_value, expect_whole
from glassbox.flash.experiments.law import FORMS, keys_met, step_by_step_bytes

COUNTS = ("least", "moved")
UNITS = ("bytes", "matrix", "elementwise", "special")


def work_of(form: str, count: str, n: int, d: int, block: int = 128, item: int = 2) -> list[dict]:
    """Return bytes and FLOP of one head, launch by launch: three for "naive", one for "tiled" and "causal".

        per pair: 4 d FLOP on matrix units, 4 others, 1 exponential; naive: 1 division more
        tiled, per row and tile: d + 2 to rescale, 1 exponential;  per row: d divisions, 2 and 1 logarithm

    Convention: `count` "least" counts each number of a launch once, "moved" every load and store; tiles of
        `block` x `block`. A causal launch counts whole tiles on the diagonal.
    Raises: ValueError for an n that is no multiple of the block, another form or count.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    for name, size in {"n": n, "d": d, "block": block, "item": item}.items():
        expect_whole(name, size, 1)
    if n % block:
        raise bad_value("n", f"a multiple of block = {block}", n)
    if form not in FORMS or count not in COUNTS:
        raise bad_value("form, count", f"one of {FORMS} and one of {COUNTS}", (form, count))
    return _naive(count, n, d, block, item) if form == "naive" else [_tiled(form, count, n, d, block, item)]


def _naive(count: str, n: int, d: int, block: int, item: int) -> list[dict]:
    side = block if count == "moved" else n
    moved = step_by_step_bytes(n, n, d, d, side, side, item)
    flops = [(2 * n * n * d, n * n, 0), (0, 3 * n * n - 2 * n, 2 * n * n), (2 * n * n * d, 0, 0)]
    return [dict(zip(UNITS, (size, *work), strict=True)) for size, work in zip(moved, flops, strict=True)]


def _tiled(form: str, count: str, n: int, d: int, block: int, item: int) -> dict:
    met = keys_met(n, n, block, block) if form == "causal" else n // block * n
    least, moved = item * 4 * n * d + 4 * n, item * (2 * n + 2 * met) * d + 4 * n
    pairs, rescaled = met * block, met  # each of the met / block tiles rescales `block` rows
    elementwise = 4 * pairs + rescaled * (d + 2) + 2 * n
    work = (4 * pairs * d, elementwise, pairs + rescaled + n * (d + 1))
    return dict(zip(UNITS, (least if count == "least" else moved, *work), strict=True))


def roofline_points(
    n: int = 8192, d: int = 128, block: int = 128, item: int = 2, gpus: Sequence[str] = ("A100", "H200"),
    dtype: str = "bf16",
) -> list[dict]:  # fmt: skip
    """Place one head of attention under the rooflines: each form, its least bytes and all that move.

    A row has `name`, `form`, `count` ("least", "moved"), `n`, `d`, `bytes`, `matrix`, `elementwise`,
    `special` (summed over the launches, as `draw.roofline` takes them), `intensity` (matrix FLOP per byte),
    `floors` (seconds at least, by GPU: the launches one after the other) and `binds` (what decides, by GPU).

    Convention: "least" is what slow memory gives and takes if the L2 cache serves every repeat, "moved" if it
        serves none; a kernel lies between. As `work_of`. Floors are predictions, not times.
    Source: Williams, Waterman & Patterson 2009 (doi:10.1145/1498765.1498785).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    return [_point(form, count, n, d, block, item, gpus, dtype) for form in FORMS for count in COUNTS]


def with_recorded(points: Sequence[dict], gpu: str = "H200", folder: Path | None = None) -> list[dict]:
    """Return the points for `draw.roofline`; those of a kernel that was timed on a GPU carry its time.

    A point of "tiled" or "causal", all moved, gets `seconds` (the recorded median, for one head) and `gpu`,
    and gives up its `intensity`, which the work says already. `folder` holds the records (data/benchmarks).

    Convention: the records are those of "flash_full_forward_D" and "flash_causal_forward_D", of as many
        tokens, with a key head for each query head. Without a record the points are returned as they came.
    Raises: ValueError for a record that does not say what it must.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    return [_timed(row, gpu, folder) for row in points]


def _timed(row: dict, gpu: str, folder: Path | None) -> dict:
    from glassbox.machine.bench import recorded

    kind = {"tiled": "full", "causal": "causal"}.get(row["form"])
    if kind is None or row["count"] != "moved":
        return row
    record = recorded(f"flash_{kind}_forward_{row['d']}", gpu, folder)
    found = record.timed(tokens=row["n"]) if record else []
    heads = [one for one in found if one["heads"] == one["kv_heads"]]
    if not heads:
        return row
    seconds = heads[0]["median_ms"] / 1e3 / (heads[0]["heads"] * heads[0]["batch"])
    return {key: value for key, value in row.items() if key != "intensity"} | {"seconds": seconds, "gpu": gpu}


def _point(form, count, n, d, block, item, gpus, dtype) -> dict:
    from glassbox.machine.roofline import floor

    steps = work_of(form, count, n, d, block, item)
    total = {unit: sum(step[unit] for step in steps) for unit in UNITS}
    floors, binds = {}, {}
    for gpu in gpus:
        found = [floor(**step, gpu=gpu, dtype=dtype) for step in steps]
        floors[gpu] = sum(each.seconds for each in found)
        binds[gpu] = max(found, key=lambda each: each.seconds).binds
    row = {"name": f"{form}, {count}", "form": form, "count": count, "n": n, "d": d} | total
    return row | {"intensity": total["matrix"] / total["bytes"], "floors": floors, "binds": binds}
