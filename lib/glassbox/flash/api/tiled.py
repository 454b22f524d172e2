"""Tiled attention with its conventions and argument checks; the equations are in `reference`."""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import expect_float_tensor, expect_like, expect_shape
from glassbox.attention.masks import Mask
from glassbox.attention.reference.core import Attended
from glassbox.flash.api.checks import checked_rules, expect_blocks, expect_sinks
from glassbox.flash.reference import tiled
from glassbox.flash.reference.recomputing import Recomputing
from glassbox.flash.reference.scoring import Score
from glassbox.flash.reference.tiled import Gradients


def tiled_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    mask: Mask | None = None,
    score: Score | None = None,
    scale: float | None = None,
    query_block: int = 64,
    key_block: int = 64,
    sinks: Float[Tensor, " h"] | None = None,
) -> Attended:
    """Return attention's output and log-sum-exp from tiles of scores; the gradient makes the tiles again.

        for each block of queries, for each block of keys:   s = score(scale q_i k_j^T)
            m' = max(m, s),  p = exp(s - m'),  l' = exp(m - m') l + sum p,  o' = exp(m - m') o + p v_j
        output = o / l,  lse = m + log l

    Shapes: g key heads serve h query heads, as in `attention.scaled_dot_product_attention`.
    Convention: a `Mask` is aligned bottom-right: the last query stands at the last key. `score` is a function
        of the scaled score and its place (`soft_cap`, `alibi`, `then`), applied before the mask. A query that
        sees nothing gets 0, its lse is -inf. `scale` is 1/sqrt(d) unless given. Last blocks may be shorter.
        `sinks` are scores of a key per head whose value is 0: l starts at 1 and m at the sink.
        This is the definition: eager, every tile is computed, none is skipped.
    Precision: halves are computed in float32; the output is cast back once, the lse stays float32.
    Raises: TypeError, ValueError for shapes, types or blocks that do not fit.
    Source: Dao 2023, algorithm 1 (arXiv:2307.08691).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, score, scale)
    expect_blocks(query_block, key_block)
    expect_sinks(sinks, q)
    return Attended(*Recomputing.apply(q, k, v, sinks, rules, query_block, key_block))


def tiled_attention_backward(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    o: Float[Tensor, "b h t e"],
    lse: Float[Tensor, "b h t"],
    do: Float[Tensor, "b h t e"],
    mask: Mask | None = None,
    score: Score | None = None,
    scale: float | None = None,
    query_block: int = 64,
    key_block: int = 64,
) -> Gradients:
    """Return the gradients by q, k and v; the weights are recomputed from the log-sum-exp, tile by tile.

        p = exp(s - lse),   D = rowsum(do * o),   ds = p * (do v^T - D)
        dq = scale ds k,   dk = scale ds^T q,   dv = p^T do

    Shapes: dk and dv have the g heads of k and v: the heads of a group are summed.
    Convention: as `tiled_attention`; ds is multiplied by the slope of the score function, if there is one.
        Two passes (keys inside for dq, queries inside for dk and dv), so no sum is shared between blocks.
    Precision: halves are computed in float32, D from the output as rounded; the gradients are cast back once.
    Raises: TypeError, ValueError for shapes, types or blocks that do not fit.
    Source: Dao 2023, algorithm 2 (arXiv:2307.08691).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, mask, score, scale)
    expect_blocks(query_block, key_block)
    rows = tuple(q.shape[:3])
    for name, value, shape in (
        ("o", o, (*rows, v.shape[3])),
        ("lse", lse, rows),
        ("do", do, (*rows, v.shape[3])),
    ):
        expect_float_tensor(name, value)
        expect_like(name, value, "q", q)
        expect_shape(name, value, shape)
    return tiled.backward(q, k, v, o, lse, do, rules, query_block, key_block)
