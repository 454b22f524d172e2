"""What a cache hands to the new queries, and what it refuses to store."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from glassbox.arguments import (
    bad_type,
    bad_value,
    expect_float_tensor,
    expect_like,
    expect_shape,
    expect_whole,
)
from glassbox.attention.masks import causal, sliding_window
from glassbox.attention.masks import sinks as first_tokens


class Visible(NamedTuple):
    """The keys that at least one of the t new queries sees, in the order of the text."""

    keys: Tensor  # (..., h, n, d)
    values: Tensor  # (..., h, n, d), or d = 0 for a latent that is key and value at once
    positions: Tensor  # (n,) where in the text each key stands
    mask: Tensor  # (t, n) True where the query may look; query i is the one of the i-th new token


def may_look(
    queries: Int[Tensor, " t"], keys: Int[Tensor, " n"], window: int | None = None, sinks: int = 0
) -> Bool[Tensor, "t n"]:
    """Return True where a query at a position of the text may look at a key at another.

        key <= query  and  (query - key < window  or  key < sinks)

    Convention: `window` counts the keys seen, the query's own key included. Sinks are the first tokens of the
        text and come on top of the window; without a window every earlier key is seen.
    Source: Xiao et al. 2023, section 3.2 (arXiv:2309.17453), for the sinks.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    mask = causal()
    if window is not None:
        mask &= sliding_window(window) | first_tokens(sinks) if sinks else sliding_window(window)
    one = torch.zeros(1, 1, 1, dtype=torch.long, device=keys.device)
    return mask.rule(one, queries[:, None], keys).broadcast_to(1, len(queries), len(keys))[0]


def places(visible: Visible) -> Int[Tensor, "t n"]:
    """Return for each query the place of each key among the keys that it sees, counted from 0.

    Convention: StreamingLLM's positions "within the cache": what was thrown away leaves no gap, so the
        query's own place, the largest, stays below sinks + window. Keys are then stored without a position
        and rotated at every step. Where the mask is False the number means nothing.
    Source: Xiao et al. 2023, section 3.2 (arXiv:2309.17453).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    return visible.mask.long().cumsum(-1) - 1


def look_back(length: int, t: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the positions of `length` keys, and the causal mask of the last t of them."""
    positions = torch.arange(length, device=device)
    return positions, may_look(positions[length - t :], positions)


def empty_rows(
    sizes: dict[str, int],
    key_size: int,
    value_size: int | None,
    dtype: torch.dtype,
    device: torch.device | str,
) -> tuple[Tensor, Tensor]:
    """Return room for keys and for values: tensors of those sizes, with a row each in the last dimension."""
    for name, size in (sizes | {"key_size": key_size}).items():
        expect_whole(name, size, 1)
    value_size = key_size if value_size is None else value_size
    expect_whole("value_size", value_size, 0)
    keys, values = (
        torch.zeros(*sizes.values(), size, dtype=dtype, device=device) for size in (key_size, value_size)
    )
    return keys, values


def check_new(k: Tensor, v: Tensor, keys: Tensor, values: Tensor, leading: tuple[int, ...]) -> int:
    """Return how many tokens k and v bring; refuse what does not fit the stored `keys` and `values`."""
    for name, new, stored in (("k", k, keys), ("v", v, values)):
        expect_float_tensor(name, new, len(leading) + 2)
        tokens = k.shape[-2]
        expect_shape(name, new, (*leading, tokens, stored.shape[-1]))
        expect_like(name, new, "the cache", stored)
        if new.dtype != stored.dtype:
            raise bad_type(name, f"the dtype of the cache, {str(stored.dtype)[6:]}", new)
        if new.requires_grad:
            wanted = "no gradient: a cache is for inference, call it under torch.no_grad()"
            raise bad_value(name, wanted, "a tensor that requires one")
    if tokens == 0:
        raise bad_value("k", "at least one new token", k)
    return tokens
