"""Does sharing keys and values change how training goes? Gradient norms over ten seeds, and a step's time."""

from collections.abc import Iterable, Sequence
from functools import partial
from statistics import fmean, median
from time import process_time

from glassbox.attention.experiments.training import HEADS, PEAK, WIDTH, descend
from glassbox.attention.toy import ToyAttention, ToyLM
from glassbox.measured import Shape

STABILITY = Shape("step", 10, ("loss", "gradient", "largest"))
STEPS, HIGH = 80, 1e-1


def stability(
    kv_heads: Sequence[int] = (8, 1),
    peaks: Sequence[float] = (PEAK, HIGH),
    seeds: Iterable[int] = range(10),
    steps: int = STEPS,
) -> list[dict]:
    """Train the toy with 8 query heads; return its loss and the norm of its gradient, ten steps at a time.

    A row has `kv_heads`, `peak` (the highest learning rate), `seed`, `seconds` (the median processor time of
    a step), `step`, and of the last ten steps the mean `loss`, the mean `gradient` norm and the `largest`.
    No clipping.
    """
    return [
        row
        for number in kv_heads
        for peak in peaks
        for seed in seeds
        for row in _run(number, peak, seed, steps)
    ]


def _run(kv_heads: int, peak: float, seed: int, steps: int) -> list[dict]:
    model = ToyLM(partial(ToyAttention, WIDTH, HEADS, kv_heads), seed=seed)
    found, times, before = [], [], process_time()
    for pair in descend(model, seed, steps, peak):
        found.append(pair)
        now = process_time()
        times.append(now - before)
        before = now
    run = {"kv_heads": kv_heads, "peak": peak, "seed": seed, "seconds": round(median(times), 4)}
    return [run | _chunk(found, end) for end in range(STABILITY.every, steps + 1, STABILITY.every)]


def _chunk(found: Sequence[tuple[float, float]], end: int) -> dict:
    losses, gradients = zip(*found[end - STABILITY.every : end], strict=True)
    measured = {"loss": fmean(losses), "gradient": fmean(gradients), "largest": max(gradients)}
    return {"step": end} | measured


def gradient_spread(rows: Iterable[dict], after: int = 30) -> list[dict]:
    """Return, by key heads and rate, how the runs differ after the first steps.

    A row has `kv_heads`, `peak`, `runs`, the median over the runs of each one's largest gradient norm
    (`largest`) and the worst of them (`worst`), and the `least` and `most` loss that the runs end at.
    """
    runs: dict[tuple, list[dict]] = {}
    for row in rows:
        if row["step"] > after:
            runs.setdefault((row["kv_heads"], row["peak"], row["seed"]), []).append(row)
    groups: dict[tuple, list[tuple[float, float]]] = {}
    for (number, peak, _), part in runs.items():
        end = (max(row["largest"] for row in part), part[-1]["loss"])
        groups.setdefault((number, peak), []).append(end)
    return [_spread(number, peak, ends) for (number, peak), ends in groups.items()]


def _spread(kv_heads: int, peak: float, ends: Sequence[tuple[float, float]]) -> dict:
    largest, losses = zip(*ends, strict=True)
    run = {"kv_heads": kv_heads, "peak": peak, "runs": len(ends)}
    gradients = {"largest": median(largest), "worst": max(largest)}
    return run | gradients | {"least": min(losses), "most": max(losses)}


def step_time(rows: Iterable[dict]) -> float:
    """Return the median time of a training step with 1 key head, divided by that with 8."""
    rows = list(rows)
    one, eight = (median(row["seconds"] for row in rows if row["kv_heads"] == number) for number in (1, 8))
    return one / eight
