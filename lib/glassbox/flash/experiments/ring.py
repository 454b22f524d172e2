"""Ring attention in real processes: it equals the whole, and what travels."""

from collections.abc import Sequence

from glassbox.arguments import expect_whole
from glassbox.attention.masks import causal as causal_mask
from glassbox.flash.api import tiled_attention
from glassbox.flash.ring_processes import ring_attention_processes
from glassbox.tiny.seeds import normal


def ring_rows(
    processes: Sequence[int] = (1, 2, 4), n: int = 256, d: int = 32, causal: bool = True, seed: int = 0
) -> list[dict]:
    """Run causal attention of one head in rings of processes; compare with the whole, and count what was sent.

        each process hands on P - 1 shards of n / P keys:   (P - 1) n / P (2 d + 1) numbers

    A row has `processes` (P), `gap` (largest difference of output and lse from `tiled_attention`), `sent` (the
    bytes of the process that sent most), `formula` (where P divides n) and `shards` (keys per process).

    Precision: float64; a position counts as a number too. Each process takes seconds to start.
    Raises: as `ring_attention_processes`.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("n", n, 1)
    expect_whole("d", d, 1)
    q, k, v = (normal((1, 1, n, d), seed + part) for part in range(3))
    whole = tiled_attention(q, k, v, causal_mask() if causal else None)
    rows = []
    for count in processes:
        run = ring_attention_processes(q, k, v, count, causal=causal)
        gap = max((a - b).abs().max().item() for a, b in zip(run.attended, whole, strict=True))
        formula = 8 * (count - 1) * (n // count) * (2 * d + 1)
        rows.append({"processes": count, "gap": gap, "sent": max(run.sent), "formula": formula})
        rows[-1]["shards"] = n // count
    return rows
