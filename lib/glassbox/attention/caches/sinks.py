"""The sliding window with attention sinks: the first tokens and the last ones; the rest is thrown away."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import expect_whole
from glassbox.attention.caches.visible import Visible, check_new, empty_rows, may_look


class SinkCache(NamedTuple):
    """The keys and values that the last query saw: at most sinks + window, whatever the length of the text.

    Convention: `window` counts the keys seen, the query's own included; the first `sinks` tokens come on top.
        No sinks is the plain sliding window. `positions` are those of the text; `places` turns what is
        visible into StreamingLLM's positions within the cache.
    Source: Xiao et al. 2023, section 3.2 (arXiv:2309.17453).
    """

    keys: Tensor  # (b, h, n, d), n <= sinks + window
    values: Tensor  # (b, h, n, d)
    positions: Tensor  # (n,)
    length: int  # tokens of the text so far
    sinks: int
    window: int

    @classmethod
    def empty(
        cls,
        batch: int,
        heads: int,
        sinks: int,
        window: int,
        key_size: int,
        value_size: int | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "SinkCache":
        """Return a cache without tokens; heads and sizes as in `ContiguousCache.empty`."""
        expect_whole("sinks", sinks, 0)
        sizes = {"batch": batch, "heads": heads, "window": window}
        keys, values = empty_rows(sizes, key_size, value_size, dtype, device)
        nowhere = torch.zeros(0, dtype=torch.long, device=device)
        return cls(keys[:, :, :0], values[:, :, :0], nowhere, 0, sinks, window)

    def append(
        self, k: Float[Tensor, "b h t d"], v: Float[Tensor, "b h t dv"]
    ) -> tuple["SinkCache", Visible]:
        """Store t new tokens and forget what the last one does not see; return the cache and what all t see.

        Convention: for one token (decoding) all that is returned is visible. For a chunk the mask differs
            from query to query, because the window moves inside the chunk.
        Raises: TypeError, ValueError for shapes, dtypes or gradients that do not fit.
        Source: Xiao et al. 2023, section 3.2 (arXiv:2309.17453).
        Taught in: notebooks/03_attention_variants.ipynb
        """
        end = self.length + check_new(k, v, self.keys, self.values, tuple(self.keys.shape[:2]))
        new = torch.arange(self.length, end, device=k.device)
        old = may_look(new[:1], self.positions, self.window, self.sinks)[0]
        keys = torch.cat([self.keys[:, :, old], k], 2)
        values = torch.cat([self.values[:, :, old], v], 2)
        positions = torch.cat([self.positions[old], new])
        mask = may_look(new, positions, self.window, self.sinks)
        kept = mask[-1]
        left = (keys[:, :, kept], values[:, :, kept], positions[kept])
        return SinkCache(*left, end, self.sinks, self.window), Visible(keys, values, positions, mask)
