"""A whole block: attention then feed-forward, or both at once."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from glassbox.arguments import bad_type, expect_shape
from glassbox.attention.api.checks import as_matrix, expect_kind, expect_kind_of_weights
from glassbox.attention.api.softmax import expect_head_weights
from glassbox.attention.masks import Mask
from glassbox.attention.reference import blocks as reference
from glassbox.attention.reference.blocks import BlockWeights, FusedWeights

Activation = Callable[[Tensor], Tensor]


def serial_block(
    x: Float[Tensor, "b t m"],
    weights: BlockWeights,
    heads: int,
    kv_heads: int | None = None,
    mask: Mask | Tensor | None = None,
    activation: Activation = functional.gelu,
) -> Float[Tensor, "b t m"]:
    """A pre-norm block: attention, then a feed-forward that reads what attention wrote.

        h = x + attention(norm(x)),  y = h + ffn(norm(h)),  ffn(z) = activation(z W_up^T) W_down^T

    Convention: RMSNorm without a gain before each sub-layer; GPT-J and PaLM themselves use LayerNorm. Causal
        only if the mask says so.
    Precision: the projections in the dtype of x, attention as `scaled_dot_product_attention`.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    return reference.serial_block(x, weights, *_checked(x, weights, heads, kv_heads, mask, activation))


def parallel_block(
    x: Float[Tensor, "b t m"],
    weights: BlockWeights,
    heads: int,
    kv_heads: int | None = None,
    mask: Mask | Tensor | None = None,
    activation: Activation = functional.gelu,
) -> Float[Tensor, "b t m"]:
    """A pre-norm block whose feed-forward reads the same norm as attention, not attention's output.

        y = x + attention(norm(x)) + ffn(norm(x))

    Convention: one norm instead of two; otherwise as `serial_block`. It is another function of x, not a
        faster way to the same one.
    Precision: as `serial_block`.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Wang, Komatsuzaki 2021 (GPT-J); Chowdhery et al. 2022, section 2 (arXiv:2204.02311).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    return reference.parallel_block(x, weights, *_checked(x, weights, heads, kv_heads, mask, activation))


def fuse(weights: BlockWeights) -> FusedWeights:
    """Stack the matrices of a parallel block into two, those that read and those that write.

        W_in = [W_Q; W_K; W_V; W_up],  W_out = [W_O, W_down]

    Raises: TypeError, ValueError for matrices that do not stack.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_kind_of_weights(weights, BlockWeights)
    for name in BlockWeights._fields:
        expect_kind(f"weights.{name}", getattr(weights, name), 2, "weights.query", weights.query)
    width = weights.query.shape[1]
    for name in ("key", "value", "up"):
        matrix = getattr(weights, name)
        expect_shape(f"weights.{name}", matrix, (matrix.shape[0], width))
    for name in ("output", "down"):
        matrix = getattr(weights, name)
        expect_shape(f"weights.{name}", matrix, (width, matrix.shape[1]))
    return reference.fuse(weights)


def fused_parallel_block(
    x: Float[Tensor, "b t m"],
    weights: FusedWeights,
    heads: int,
    kv_heads: int | None = None,
    mask: Mask | Tensor | None = None,
    activation: Activation = functional.gelu,
) -> Float[Tensor, "b t m"]:
    """`parallel_block` with two matrix products in place of six: the sum of both outputs is one product too.

        [q k v u] = norm(x) W_in^T,   y = x + [attention(q, k, v), activation(u)] W_out^T

    Convention: `weights` from `fuse`. The serial block can fuse q, k and v only.
    Precision: as `serial_block`.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Chowdhery et al. 2022, section 2 (arXiv:2204.02311).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    apart = _apart(x, weights)
    return reference.fused_parallel_block(x, weights, *_checked(x, apart, heads, kv_heads, mask, activation))


def _apart(x, weights: FusedWeights) -> BlockWeights:
    """The block's matrices as views of the fused ones."""
    expect_kind_of_weights(weights, FusedWeights)
    expect_kind("weights.inward", weights.inward, 2)
    expect_kind("weights.outward", weights.outward, 2)
    expect_shape("weights.inward", weights.inward, (sum(weights.sizes), weights.inward.shape[1]))
    hidden = weights.sizes[3]
    output, down = weights.outward.tensor_split([weights.outward.shape[1] - hidden], 1)
    query, key, value, up = torch.split(weights.inward, weights.sizes)
    return BlockWeights(query, key, value, output, up, down)


def _checked(x, weights, heads, kv_heads, mask, activation) -> tuple:
    """Refuse what does not fit; return what the reference takes after x and the weights."""
    expect_kind("x", x, 3)
    expect_kind_of_weights(weights, BlockWeights)
    kv_heads = heads if kv_heads is None else kv_heads
    expect_head_weights(x, x, weights, heads, kv_heads)
    expect_kind("weights.up", weights.up, 2, "x", x)
    expect_kind("weights.down", weights.down, 2, "x", x)
    expect_shape("weights.up", weights.up, (weights.up.shape[0], x.shape[2]))
    expect_shape("weights.down", weights.down, (x.shape[2], weights.up.shape[0]))
    if not callable(activation):
        raise bad_type("activation", "a function of a tensor", activation)
    mask = as_matrix(mask, (x.shape[0], heads, x.shape[1], x.shape[1]), x)
    return heads, kv_heads, mask, activation
