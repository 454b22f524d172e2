"""Attention with its parameters. The parts of `forward` are methods: a cache can stand between them."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from glassbox.arguments import bad_value, expect_positive, expect_whole
from glassbox.attention import api
from glassbox.attention.api.checks import expect_heads
from glassbox.attention.masks import Mask
from glassbox.attention.reference.core import merge_heads, split_heads
from glassbox.attention.reference.latent import rotate_from
from glassbox.norms.modules import initialise


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


class MultiHeadAttention(nn.Module):
    """Attention with h query heads and g key heads, on its own input or on a source.

        output = [head_1 ... head_h] W_O^T;  g = h is MHA, g = 1 MQA, between GQA

    Convention: g is `kv_heads`, h unless given; the head size is width / h unless given; cross-attention
        reads a source of `source_width`. No biases, no positions. Causal only if the mask says so.
    Raises: TypeError, ValueError for sizes that do not divide, or inputs that do not fit.
    Source: Vaswani et al. 2017, section 3.2.2 (arXiv:1706.03762); Ainslie et al. 2023, section 2.2
        (arXiv:2305.13245).
    Taught in: notebooks/03_attention_variants.ipynb
    """

    def __init__(
        self,
        width: int,
        heads: int,
        kv_heads: int | None = None,
        head_size: int | None = None,
        source_width: int | None = None,
        seed: int = 0,
    ):
        super().__init__()
        expect_whole("width", width, 1)
        if head_size is None:
            expect_heads("heads", heads, "width", width)
        expect_whole("heads", heads, 1)
        self.heads, self.kv_heads = heads, heads if kv_heads is None else kv_heads
        expect_heads("kv_heads", self.kv_heads, "heads", heads)
        self.head_size = width // heads if head_size is None else head_size
        expect_whole("head_size", self.head_size, 1)
        source_width = width if source_width is None else source_width
        expect_whole("source_width", source_width, 1)
        self.query = _linear(width, heads * self.head_size)
        self.key = _linear(source_width, self.kv_heads * self.head_size)
        self.value = _linear(source_width, self.kv_heads * self.head_size)
        self.output = _linear(heads * self.head_size, width)
        initialise(self, seed)

    def queries(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b h t d"]:
        """Return the queries of these tokens."""
        return split_heads(self.query(x), self.heads)

    def keys_and_values(
        self, source: Float[Tensor, "b n s"]
    ) -> tuple[Float[Tensor, "b g n d"], Float[Tensor, "b g n d"]]:
        """Return what these tokens offer: what a cache keeps."""
        return split_heads(self.key(source), self.kv_heads), split_heads(self.value(source), self.kv_heads)

    def read(
        self,
        q: Float[Tensor, "b h t d"],
        k: Float[Tensor, "b g n d"],
        v: Float[Tensor, "b g n d"],
        mask: Mask | Tensor | None = None,
        bias: Float[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "b t m"]:
        """Attend, and project what the heads found back to the width."""
        return self.output(merge_heads(api.scaled_dot_product_attention(q, k, v, mask, bias)))

    def forward(
        self,
        x: Float[Tensor, "b t m"],
        source: Float[Tensor, "b n s"] | None = None,
        mask: Mask | Tensor | None = None,
        bias: Float[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "b t m"]:
        kept = self.keys_and_values(x if source is None else source)
        return self.read(self.queries(x), *kept, mask, bias)


class Latents(NamedTuple):
    """What MLA keeps of each token: r + p numbers for all heads together."""

    latent: Tensor  # (b, n, r)
    rotary: Tensor  # (b, n, p), turned by its position


class LatentAttention(nn.Module):
    """Multi-head latent attention: all heads' keys and values come from one latent of size r.

        c = x W_D^T,  k = [U_K c; RoPE(x W_KR^T)],  v = U_V c,  q = [x W_Q^T; RoPE(x W_QR^T)]

    Convention: RoPE turns pairs (i, i + p/2) of a part of size p of its own, one such key for all heads; the
        published code pairs neighbours. The published model also makes the queries from a latent and puts
        an RMSNorm on each latent; both leave the two forms equal and are left out here.
    Raises: TypeError, ValueError for sizes that do not fit.
    Source: DeepSeek-AI 2024, sections 2.1.2 and 2.1.3 (arXiv:2405.04434).
    Taught in: notebooks/03_attention_variants.ipynb
    """

    def __init__(
        self,
        width: int,
        heads: int,
        rank: int,
        head_size: int | None = None,
        rotary_size: int | None = None,
        base: float = 10_000.0,
        seed: int = 0,
    ):
        super().__init__()
        expect_whole("width", width, 1)
        if head_size is None:
            expect_heads("heads", heads, "width", width)
        head_size = width // heads if head_size is None else head_size
        rotary_size = 2 * ((head_size + 3) // 4) if rotary_size is None else rotary_size
        sizes = {"heads": heads, "rank": rank, "head_size": head_size, "rotary_size": rotary_size}
        for name, size in sizes.items():
            expect_whole(name, size, 1)
        if rotary_size % 2:
            raise bad_value("rotary_size", "an even number: RoPE turns pairs", rotary_size)
        expect_positive("base", base)
        self.heads, self.head_size, self.rotary_size, self.base = heads, head_size, rotary_size, base
        self.query, self.query_rotary = _linear(width, heads * head_size), _linear(width, heads * rotary_size)
        self.latent, self.key_rotary = _linear(width, rank), _linear(width, rotary_size)
        self.up_key, self.up_value = _linear(rank, heads * head_size), _linear(rank, heads * head_size)
        self.output = _linear(heads * head_size, width)
        initialise(self, seed)

    def queries(
        self, x: Float[Tensor, "b t m"], first: int = 0
    ) -> tuple[Float[Tensor, "b h t d"], Float[Tensor, "b h t p"]]:
        """Return content and rotary part of the queries of tokens at positions first, first + 1, ..."""
        expect_whole("first", first, 0)
        rotary = split_heads(self.query_rotary(x), self.heads)
        return split_heads(self.query(x), self.heads), rotate_from(rotary, first, self.base)

    def compress(self, x: Float[Tensor, "b n m"], first: int = 0) -> Latents:
        """Return what these tokens, at positions first, first + 1, ..., offer: what a cache keeps."""
        expect_whole("first", first, 0)
        return Latents(self.latent(x), rotate_from(self.key_rotary(x), first, self.base))

    def read(
        self,
        q: Float[Tensor, "b h t d"],
        q_rotary: Float[Tensor, "b h t p"],
        kept: Latents,
        mask: Mask | Tensor | None = None,
        absorbed: bool = False,
    ) -> Float[Tensor, "b t m"]:
        """Attend in the naive or the absorbed form, and project what the heads found back to the width."""
        up = (part.weight.unflatten(0, (self.heads, -1)) for part in (self.up_key, self.up_value))
        mixed = api.latent_attention(q, q_rotary, *kept, *up, mask, absorbed)
        return self.output(merge_heads(mixed))

    def forward(
        self, x: Float[Tensor, "b t m"], mask: Mask | Tensor | None = None, absorbed: bool = False
    ) -> Float[Tensor, "b t m"]:
        return self.read(*self.queries(x), self.compress(x), mask, absorbed)
