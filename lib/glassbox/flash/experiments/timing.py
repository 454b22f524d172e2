"""The time of eager attention on a processor: tiles in Python lose, and it says nothing about a GPU."""

from collections.abc import Iterable, Sequence
from statistics import median
from time import process_time

import torch

from glassbox.arguments import expect_choice
from glassbox.attention.eager import every_step, fused
from glassbox.flash.experiments.memory import in_tiles
from glassbox.measured import Shape
from glassbox.tiny.seeds import normal

CPU_TIME = Shape("length", 1, ("length", "seconds", "least", "most"))
FORMS = ("naive", "tiled", "torch's fused")


@torch.no_grad()
def cpu_time(
    forms: Sequence[str] = FORMS,
    blocks: Iterable[int] = (64, 256, 512, 1024),
    lengths: Sequence[int] = (1024, 2048, 4096),
    d: int = 64,
    repeats: int = 7,
) -> list[dict]:
    """Time the forward pass of one head, float32, without a mask.

    A row has `form` ("naive", "tiled", "torch's fused"), `block` (0 where there is none), `length`, and of
    `repeats` calls the median (`seconds`), the `least`, and the `most`.

    Convention: processor time of one thread, after one call that does not count; the forms take turns, so
        that a busy moment falls on all. "tiled" is the definition: a loop in Python over its tiles.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    calls = {(form, block): call for form in forms for block, call in _calls(form, tuple(blocks))}
    rows = []
    for n in lengths:
        inputs = [normal((1, 1, n, d), seed, torch.float32) for seed in range(3)]
        times: dict[tuple, list[float]] = {name: [] for name in calls}
        for turn in range(repeats + 1):
            for name, call in calls.items():
                started = process_time()
                call(*inputs)
                times[name] += [process_time() - started] if turn else []
        for (form, block), seconds in times.items():
            found = {"seconds": median(seconds), "least": min(seconds), "most": max(seconds)}
            rows.append({"form": form, "block": block, "length": n} | found)
    return rows


def _calls(form: str, blocks: Sequence[int]) -> list[tuple]:
    expect_choice("form", form, FORMS)
    if form == "tiled":
        return [(block, lambda *x, block=block: in_tiles(*x, block=block)) for block in blocks]
    return [(0, every_step if form == "naive" else fused)]


def against_naive(rows: Iterable[dict]) -> dict:
    """Return the median time over that of the naive form: {(form, block, length): ratio}.

    Convention: above 1 is slower than naive.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rows = list(rows)
    naive = {row["length"]: row["seconds"] for row in rows if row["form"] == "naive"}
    return {(row["form"], row["block"], row["length"]): row["seconds"] / naive[row["length"]] for row in rows}
