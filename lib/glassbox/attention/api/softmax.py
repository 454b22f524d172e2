"""Softmax attention: one function for MHA, GQA and MQA, for self- and cross-attention."""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import expect_positive, expect_shape
from glassbox.attention.api.checks import (
    as_matrix,
    expect_bias,
    expect_heads,
    expect_kind,
    expect_kind_of_weights,
    expect_queries_keys_values,
)
from glassbox.attention.masks import Mask
from glassbox.attention.reference import core
from glassbox.attention.reference.core import Attended, HeadWeights


def scaled_dot_product_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    mask: Mask | Tensor | None = None,
    bias: Float[Tensor, "..."] | None = None,
    scale: float | None = None,
    return_lse: bool = False,
) -> Float[Tensor, "b h t e"] | Attended:
    """Return for each query the mean of the values, weighted by how well the keys fit.

        output = softmax(scale q k^T + bias) v,  over the keys that the mask allows
        lse    = log of the sum over keys of exp(scale q . k + bias)

    Shapes: g key heads serve h query heads: g = h is multi-head, g = 1 multi-query, between is grouped-query
        attention. `mask` and `bias` are (t, n) or (b or 1, h or 1, t, n).
    Convention: `scale` is 1/sqrt(d) unless given. The bias is added after scaling. The mask is True where a
        query may see a key; a `Mask` is aligned bottom-right. Query heads i h/g ... (i + 1) h/g - 1 read key
        head i ("repeat-interleave"), and no key is copied. A query that sees nothing gets 0, its lse is -inf.
        A hidden value is multiplied by 0, so it must be finite; a hidden key may be anything.
    Precision: halves are computed in float32; the output is cast back once, the lse stays float32.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Vaswani et al. 2017, eq. 1 (arXiv:1706.03762); Shazeer 2019 (arXiv:1911.02150);
        Ainslie et al. 2023, section 2.2 (arXiv:2305.13245).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    shape = (*q.shape[:3], k.shape[2])
    mask = as_matrix(mask, shape, q)
    expect_bias(bias, shape, q)
    if scale is not None:
        expect_positive("scale", scale)
    attended = core.attention(q, k, v, mask, bias, scale)
    return attended if return_lse else attended.output


def multi_head_attention(
    x: Float[Tensor, "b t m"],
    weights: HeadWeights,
    heads: int,
    kv_heads: int | None = None,
    source: Float[Tensor, "b n s"] | None = None,
    mask: Mask | Tensor | None = None,
    bias: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "b t m"]:
    """Project to heads, attend in each, and project what the heads found back to the width.

        output = [head_1 ... head_h] W_O^T
        head_i = attention(x W_Q,i^T, source W_K,i^T, source W_V,i^T)

    Shapes: `weights` are query (h d, m), key (g d, s), value (g e, s), output (m, h e).
    Convention: without `source` it is self-attention; with it cross-attention: queries from x, keys
        and values from the source. g is `kv_heads`, h unless given. One output
        projection serves all heads.
    Precision: the projections in the dtype of x, attention as `scaled_dot_product_attention`.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Vaswani et al. 2017, section 3.2.2 (arXiv:1706.03762).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_kind("x", x, 3)
    expect_kind_of_weights(weights, HeadWeights)
    if source is not None:
        expect_kind("source", source, 3, "x", x)
        expect_shape("source", source, (x.shape[0], *source.shape[1:]))
    kv_heads = heads if kv_heads is None else kv_heads
    source = x if source is None else source
    expect_head_weights(x, source, weights, heads, kv_heads)
    shape = (x.shape[0], heads, x.shape[1], source.shape[1])
    mask = as_matrix(mask, shape, x)
    expect_bias(bias, shape, x)
    return core.multi_head_attention(x, weights, heads, kv_heads, source, mask, bias)


def expect_head_weights(x: Tensor, source: Tensor, weights, heads: int, kv_heads: int) -> None:
    """Refuse matrices that do not split into such heads, or do not fit their input."""
    for name in HeadWeights._fields:
        expect_kind(f"weights.{name}", getattr(weights, name), 2, "x", x)
    expect_heads("heads", heads, "rows of weights.query", weights.query.shape[0])
    expect_heads("kv_heads", kv_heads, "heads", heads)
    expect_heads("kv_heads", kv_heads, "rows of weights.value", weights.value.shape[0])
    d, e = weights.query.shape[0] // heads, weights.value.shape[0] // kv_heads
    expect_shape("weights.query", weights.query, (heads * d, x.shape[2]))
    expect_shape("weights.key", weights.key, (kv_heads * d, source.shape[2]))
    expect_shape("weights.value", weights.value, (kv_heads * e, source.shape[2]))
    expect_shape("weights.output", weights.output, (x.shape[2], heads * e))
