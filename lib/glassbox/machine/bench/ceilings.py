"""What the card can do at best, measured in the same run: the denominators of every share."""

from typing import NamedTuple

import torch

from glassbox.machine.bench.protocol import Provider, measure
from glassbox.machine.bench.rig import Rig

COPIED_BYTES = 2**30
SIDE = 8192


class Ceilings(NamedTuple):
    """Measured ceilings; a copy counts what it reads and what it writes."""

    copy_bytes_per_s: float
    matmul_bf16_flop_per_s: float

    def floor_ms(self, moved: int, flops: int) -> float:
        """Return the milliseconds below which nothing that moves and computes so much can go."""
        return 1e3 * max(moved / self.copy_bytes_per_s, flops / self.matmul_bf16_flop_per_s)


def measure_ceilings(rig: Rig, copied: int = COPIED_BYTES, side: int = SIDE) -> Ceilings:
    """Time a large bf16 copy and a square bf16 matrix product.

    Convention: random data, since a product of zeros draws less power and runs faster.
    """
    source = torch.randn(copied // 2, dtype=torch.bfloat16, device=rig.device)
    target = torch.empty_like(source)
    a, b = (torch.randn(side, side, dtype=torch.bfloat16, device=rig.device) for _ in range(2))
    product = torch.empty_like(a)
    # the product first: it brings an idle card's clocks up
    matmul = measure({"matmul": Provider(lambda: torch.mm(a, b, out=product))}, rig.timer)["matmul"]
    copy = measure({"copy": Provider(lambda: target.copy_(source))}, rig.timer)["copy"]
    return Ceilings(2 * copied / copy.median * 1e3, 2 * side**3 / matmul.median * 1e3)
