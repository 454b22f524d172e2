"""Inputs on which a mistake shows: all sizes different, none a power of two, no gain near 1, ties, masks."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from glassbox.arguments import bad_value

SIZES = (3, 5, 6, 7, 9, 10, 11, 12, 13)
EPS = 0.1  # large enough to see where it is added


class Inputs:
    """Draws everything from one seed, the same on every machine; all tensors are float64.

    make = Inputs(seed)
    t, m = make.sizes(2)
    x, gain = make.normal(t, m), make.gain(m)
    """

    def __init__(self, seed: int):
        self.state = np.random.RandomState(seed)

    def sizes(self, count: int) -> list[int]:
        """Return `count` different sizes from 3 to 13, none of them a power of two."""
        if not 1 <= count <= len(SIZES):
            raise bad_value("count", f"1 to {len(SIZES)} sizes", count)
        return [int(size) for size in self.state.permutation(SIZES)[:count]]

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers."""
        return torch.from_numpy(np.asarray(self.state.standard_normal(shape)))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return numbers that are uniform in [low, high)."""
        return torch.from_numpy(np.asarray(self.state.uniform(low, high, shape)))

    def gain(self, *shape: int) -> Tensor:
        """Return factors of either sign whose size is between 1.2 and 2.5: leaving one out always shows."""
        sign = torch.where(self.uniform(*shape) < 0.5, -1.0, 1.0).double()
        return sign * self.uniform(*shape, low=1.2, high=2.5)

    def integers(self, *shape: int, below: int) -> Tensor:
        """Return whole numbers from 0 to below - 1."""
        return torch.from_numpy(self.state.randint(0, below, shape, dtype=np.int64))

    def ties(self, *shape: int) -> Tensor:
        """Return standard normal numbers in which every row (last dimension) holds its largest one twice."""
        x = self.normal(*shape)
        top = x.max(-1)
        other = (top.indices + 1) % shape[-1]
        return x.scatter(-1, other.unsqueeze(-1), top.values.unsqueeze(-1))

    def mask(self, rows: int, columns: int) -> Tensor:
        """Return True where one may look: row 0 nowhere, row 1 everywhere, the others here and there."""
        seen = self.uniform(rows, columns) < 0.6
        seen[:1], seen[1:2] = False, True
        return seen

    def pick(self, items: Sequence):
        """Return one of `items`."""
        return items[int(self.state.randint(len(items)))]
