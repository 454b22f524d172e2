"""Launch arguments worth trying for each cache: what `glassbox bench NAME --tune` times.

A stage holds KEYS keys and values in shared memory: below 8 KiB a load is too short to hide the memory's
latency, above 80 KiB no second stage fits.
"""

from glassbox.attention.benchmarks.inputs import P, R
from glassbox.machine.bench import Case

KIB = 1024


def grouped(case: Case) -> list[dict]:
    """Return configs for `decode_attention` and `paged_decode_attention`, whose table's load takes stages."""
    rows = 64 if case["size"] <= 128 else 32
    more = 2 if "page" in case.sizes else 0
    return [
        _config(rows, keys, warps, stages + more, waves)
        for keys in (16, 32, 64, 128, 256)
        for warps in (4, 8)
        for stages in (2, 3, 4)
        for waves in (1, 2, 4)
        if _stage(keys, 2 * case["size"]) >= 8 * KIB and _stage(keys, 2 * case["size"]) * stages <= 160 * KIB
    ]


def latent(case: Case) -> list[dict]:
    """Return configs for `latent_decode_attention`: few heads in a small tile, many in one of 64 rows."""
    pairs = ((16, 4), (16, 8)) + ((64, 8),) * (case["heads"] > 16)  # heads of a tile, warps
    return [
        _config(heads, keys, warps, stages, waves)
        for heads, warps in pairs
        for keys in (16, 32, 64)
        for stages in (1, 2, 3)
        for waves in (1, 2, 4)
        if heads * keys <= 2048
        and _stage(keys, R + P) * stages <= 220 * KIB
        and not (heads == 64 and warps == 4)
    ]


def _stage(keys: int, features: int) -> int:
    return 2 * keys * features


def _config(heads: int, keys: int, warps: int, stages: int, waves: int) -> dict:
    return {"HEADS": heads, "KEYS": keys, "num_warps": warps, "STAGES": stages, "WAVES": waves}
