"""Launch arguments worth trying for each row length: what `glassbox bench NAME --tune` times.

A thread of a warp holds ROWS n / (32 num_warps) numbers of each stream: below 4 a load is narrower than 16
bytes in bf16, above 64 the registers do not suffice.
"""

from glassbox.machine.bench import Case

LANES = 32
LONGEST_HELD = 65536  # beyond it no tile of whole rows fits into the registers of a program
SHORTEST_CUT = 16384  # from here on a row may also be worked on in pieces
PROCESSORS = 132  # of the H100 and H200; SHARES are whole multiples


def forward(case: Case) -> list[dict]:
    """Return configs for `norm_forward`: whole rows in registers, or pieces of BLOCK features."""
    n = case["columns"]
    whole = [
        {"ROWS": rows, "num_warps": warps}
        for rows in (1, 2, 4, 8, 16)
        for warps in (4, 8, 16, 32)
        if n <= LONGEST_HELD and 4 <= held(rows * n, warps) <= 64
    ]
    cut = [
        {"BLOCK": block, "num_warps": warps, "STAGES": stages}
        for block in (2048, 4096, 8192, 16384)
        for warps in (8, 16, 32)
        for stages in (1, 2, 3)
        if n >= SHORTEST_CUT and 4 <= held(block, warps) <= 32
    ]
    return whole + cut


def backward(case: Case) -> list[dict]:
    """Return configs for `norm_backward`: whole rows strided over, or two passes in pieces."""
    n = case["columns"]
    whole = [
        {"ROWS": rows, "num_warps": warps, "STAGES": stages, "SHARES": share}
        for rows in (1, 2, 4)
        for warps in (4, 8, 16, 32)
        for stages in (1, 2, 3)
        for share in (PROCESSORS, 2 * PROCESSORS, 4 * PROCESSORS)
        if n <= SHORTEST_CUT and 8 <= held(rows * n, warps) <= 32
    ]
    return whole + (_pieces(n) if n >= SHORTEST_CUT else [])


def _pieces(n: int) -> list[dict]:
    def config(strip: int, warps: int, stages: int, waves: int) -> dict:
        first = {"ROWS": 1, "BLOCK": 4096, "num_warps": 16}
        shares = -(-waves * PROCESSORS * strip // n)  # strips x shares programs fill the card `waves` times
        return {**first, "STRIP": strip, "STRIP_WARPS": warps, "STAGES": stages, "SHARES": shares}

    return [
        config(strip, warps, stages, waves)
        for strip in (1024, 2048, 4096)
        for warps in (4, 8, 16)
        for stages in (2, 3)
        for waves in (2, 4, 8)
        if 4 <= held(strip, warps) <= 32
    ]


def held(elements: int, warps: int) -> float:
    """Return how many numbers of a tile each thread holds."""
    return elements / (LANES * warps)
