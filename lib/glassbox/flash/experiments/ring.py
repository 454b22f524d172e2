"""Ring attention in real processes: it equals the whole, and what travels."""

from collections.abc import Sequence

from glassbox.arguments import bad_value, expect_whole
from glassbox.attention.masks import causal as causal_mask
from glassbox.flash.api import tiled_attention
from glassbox.flash.ring_processes import ring_attention_processes
from glassbox.tiny.seeds import normal


def ring_rows(
    processes: Sequence[int] = (2, 3), n: int = 240, d: int = 32, causal: bool = True, seed: int = 0
) -> list[dict]:
    """Run attention of one head in rings of processes; compare with the whole, count what was sent.

        each process hands on P - 1 shards of n / P keys:   (P - 1) n / P (2 d + 1) numbers

    A row has `processes` (P), `shard` (keys per process), `gap` (largest difference of output and lse from
    `tiled_attention`), `sent` (bytes, of the process that sent most) and `formula`.

    Convention: P divides n. Each process takes seconds to start.
    Precision: float64; a key's position counts as a number too.
    Raises: ValueError where P does not divide n; else as `ring_attention_processes`.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("n", n, 1)
    expect_whole("d", d, 1)
    q, k, v = (normal((1, 1, n, d), seed + part) for part in range(3))
    whole = tiled_attention(q, k, v, causal_mask() if causal else None)
    rows = []
    for count in processes:
        expect_whole("processes", count, 1)
        if n % count:
            raise bad_value("n", f"a multiple of {count} processes", n)
        run = ring_attention_processes(q, k, v, count, causal=causal)
        gap = max((a - b).abs().max().item() for a, b in zip(run.attended, whole, strict=True))
        formula = 8 * (count - 1) * (n // count) * (2 * d + 1)
        row = {"processes": count, "shard": n // count, "gap": gap}
        rows.append(row | {"sent": max(run.sent), "formula": formula})
    return rows
