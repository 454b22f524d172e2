"""From a multi-head checkpoint to grouped queries: the key and value heads of a group become their mean."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_value, expect_float_tensor, expect_whole


def pool_heads(
    weight: Float[Tensor, "heads_d *m"], heads: int, kv_heads: int
) -> Float[Tensor, "groups_d *m"]:
    """Return the projection onto `kv_heads` heads, each the mean of a group of the `heads` there are.

        pooled[g] = mean of weight[g * size], ..., weight[g * size + size - 1],   size = heads / kv_heads

    Shapes: a linear layer's weight (heads * d, m) or bias (heads * d); head by head along the first axis.
    Convention: a group is a run of consecutive heads, because query head i reads key head i // size. Whoever
        tiles the key heads instead (head i % kv_heads) pools the wrong ones.
    Precision: torch sums halves in float32 and rounds once.
    Raises: TypeError, ValueError if `heads` does not divide the rows or `kv_heads` does not divide `heads`.
    Source: Ainslie et al. 2023, sections 2.1 and 2.2 (arXiv:2305.13245).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_float_tensor("weight", weight)
    expect_whole("heads", heads, 1)
    expect_whole("kv_heads", kv_heads, 1)
    if heads % kv_heads:
        raise bad_value("kv_heads", f"a divisor of the {heads} heads", kv_heads)
    if weight.shape[0] == 0 or weight.shape[0] % heads:
        raise bad_value("weight", f"rows for {heads} heads in the first dimension", weight)
    return weight.unflatten(0, (kv_heads, heads // kv_heads, -1)).mean(1).flatten(0, 1)


def mha_to_gqa(
    state: dict[str, Tensor],
    heads: int,
    kv_heads: int,
    keys_and_values: Sequence[str] = ("k_proj", "v_proj"),
) -> dict[str, Tensor]:
    """Return a checkpoint whose key and value projections are pooled by `pool_heads`; the rest is as it was.

    Convention: a tensor is pooled if one of the dotted parts of its name is in `keys_and_values`. Queries and
        output keep all heads. With kv_heads = heads nothing changes; what it costs in quality, a short
        further training repairs (the paper: 5% of the original compute).
    Raises: TypeError, ValueError as in `pool_heads`, or if a name of `keys_and_values` does not occur.
    Source: Ainslie et al. 2023, sections 2.1 and 2.2 (arXiv:2305.13245).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    for part in keys_and_values:
        if not any(part in name.split(".") for name in state):
            raise bad_value("keys_and_values", "parts of the names in the checkpoint", part)
    return {
        name: pool_heads(tensor, heads, kv_heads) if set(name.split(".")) & set(keys_and_values) else tensor
        for name, tensor in state.items()
    }
