"""The contiguous cache: one buffer of a fixed capacity, filled from the left."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_value
from glassbox.attention.caches.visible import Visible, check_new, empty_rows, look_back


class ContiguousCache(NamedTuple):
    """Keys and values of `length` tokens, in buffers with room for more.

    Convention: `append` writes into the buffers in place and returns the cache to go on from. An older cache
        is a roll-back: it still reads its own tokens, and appending to it overwrites what came later.
    """

    keys: Tensor  # (b, h, capacity, d)
    values: Tensor  # (b, h, capacity, d)
    length: int

    @classmethod
    def empty(
        cls,
        batch: int,
        heads: int,
        capacity: int,
        key_size: int,
        value_size: int | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "ContiguousCache":
        """Return a cache without tokens. `heads` counts key heads.

        Convention: `value_size` is `key_size` unless given; 0 is a latent (MLA): one head, one row of rank +
            rope numbers per token as its key, and no value of its own.
        """
        sizes = {"batch": batch, "heads": heads, "capacity": capacity}
        return cls(*empty_rows(sizes, key_size, value_size, dtype, device), 0)

    def append(
        self, k: Float[Tensor, "b h t d"], v: Float[Tensor, "b h t dv"]
    ) -> tuple["ContiguousCache", Visible]:
        """Store the keys and values of t new tokens; return the new cache and what their queries see.

        Raises: TypeError, ValueError for shapes, dtypes or gradients that do not fit, or a full cache.
        Taught in: notebooks/03_attention_variants.ipynb
        """
        end = self.length + check_new(k, v, self.keys, self.values, tuple(self.keys.shape[:2]))
        if end > self.keys.shape[-2]:
            room = f"at most {self.keys.shape[-2] - self.length} more tokens (capacity {self.keys.shape[-2]})"
            raise bad_value("k", room, k)
        self.keys[:, :, self.length : end] = k
        self.values[:, :, self.length : end] = v
        grown = self._replace(length=end)
        return grown, Visible(*grown.view(), *look_back(end, k.shape[-2], k.device))

    def view(self) -> tuple[Float[Tensor, "b h n d"], Float[Tensor, "b h n dv"]]:
        """Return the keys and values of all stored tokens: views, nothing is copied."""
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]
