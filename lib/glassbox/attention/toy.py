"""Language models small enough to train dozens of times, with the attention that one wants in them."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from glassbox.arguments import expect_choice
from glassbox.attention.modules import LatentAttention, Latents, MultiHeadAttention
from glassbox.attention.reference.core import merge_heads
from glassbox.attention.reference.latent import rotate_from
from glassbox.norms.modules import Residual, initialise
from glassbox.tiny.seeds import normal

SHAREABLE = ("query", "key", "value")


class ToyAttention(MultiHeadAttention):
    """`MultiHeadAttention`, causal, with RoPE on queries and keys, run by torch's fused softmax attention.

    Convention: each of `shared` ("query", "key", "value") has one head for all; the others keep theirs.
        `first` is the position of the first token.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        kv_heads: int | None = None,
        head_size: int | None = None,
        shared: Sequence[str] = (),
    ):
        super().__init__(width, heads, kv_heads, head_size)
        for part in shared:
            expect_choice("shared", part, SHAREABLE)
            setattr(self, part, nn.Linear(width, self.head_size, bias=False))

    @property
    def cached(self) -> int:
        """How many numbers a cache keeps of each token."""
        return self.key.out_features + self.value.out_features

    def queries(self, x: Float[Tensor, "b t m"], first: int = 0) -> Float[Tensor, "b h t d"]:
        return rotate_from(spread_heads(self._split(self.query(x)), self.heads), first)

    def keys_and_values(
        self, source: Float[Tensor, "b n m"], first: int = 0
    ) -> tuple[Float[Tensor, "b g n d"], Float[Tensor, "b f n d"]]:
        return rotate_from(self._split(self.key(source)), first), self._split(self.value(source))

    def _split(self, x: Float[Tensor, "b t hd"]) -> Float[Tensor, "b h t d"]:
        return x.unflatten(-1, (-1, self.head_size)).transpose(1, 2)

    def read(
        self,
        q: Float[Tensor, "b h t d"],
        k: Float[Tensor, "b g n d"],
        v: Float[Tensor, "b f n d"],
        bias: Float[Tensor, "*h t n"] | None = None,
    ) -> Float[Tensor, "b t m"]:
        """Attend to all that is kept: causal for a text from its start, everything for one new token."""
        return self.output(merge_heads(fused(q, *(spread_heads(x, self.heads) for x in (k, v)), bias)))

    def maps(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b h t t"]:
        """Return how much each query attends to each key, in every head."""
        t = x.shape[1]
        q, k = self.queries(x), spread_heads(self.keys_and_values(x)[0], self.heads)
        return fused(q, k, torch.eye(t, dtype=x.dtype).expand(*q.shape[:2], t, t))

    def forward(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b t m"]:
        return self.read(self.queries(x), *self.keys_and_values(x))


class ToyLatentAttention(LatentAttention):
    """`LatentAttention` in its naive form, causal, run by torch's fused softmax attention."""

    @property
    def cached(self) -> int:
        """How many numbers a cache keeps of each token."""
        return self.latent.out_features + self.rotary_size

    def read(
        self, q: Float[Tensor, "b h t d"], q_rotary: Float[Tensor, "b h t p"], kept: Latents
    ) -> Float[Tensor, "b t m"]:
        content, values = (
            up(kept.latent).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for up in (self.up_key, self.up_value)
        )
        keys = torch.cat((content, spread_heads(kept.rotary[:, None], self.heads)), -1)
        return self.output(merge_heads(fused(torch.cat((q, q_rotary), -1), keys, values)))

    def forward(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b t m"]:
        return self.read(*self.queries(x), self.compress(x))


def spread_heads(x: Float[Tensor, "b g n d"], heads: int) -> Float[Tensor, "b h n d"]:
    """Return one head for each of `heads`: head i is head i // (heads / g) of `x`."""
    return x.repeat_interleave(heads // x.shape[1], 1)


def fused(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n e"],
    bias: Float[Tensor, "*h t n"] | None = None,
) -> Float[Tensor, "b h t e"]:
    """Return torch's causal attention; a single query sees everything, a `bias` brings its own mask."""
    causal = bias is None and q.shape[-2] > 1
    return functional.scaled_dot_product_attention(q, k, v, bias, is_causal=causal)


class ToyLM(nn.Module):
    """`depth` blocks of attention and two ReLU matrices, pre-norm; bytes in, scores of the next byte out.

    Convention: `attention` builds one layer's attention. Embeddings start standard normal, matrices by
        Xavier's rule; both depend on `seed` alone.
    """

    def __init__(
        self,
        attention: Callable[[], nn.Module],
        width: int = 64,
        hidden: int = 256,
        depth: int = 2,
        seed: int = 0,
    ):
        super().__init__()
        self.embed, self.head = nn.Embedding(256, width), nn.Linear(width, 256, bias=False)
        self.layers = nn.ModuleList(
            Residual(sublayer, width, "pre", nn.RMSNorm)
            for _ in range(depth)
            for sublayer in (attention(), feed_forward(width, hidden))
        )
        self.final = nn.RMSNorm(width)
        initialise(self, seed)
        self.embed.weight.data.copy_(normal(self.embed.weight.shape, 1000 * seed + 999))

    @property
    def attentions(self) -> list[nn.Module]:
        """The attention of each block."""
        return [layer.sublayer for layer in self.layers[::2]]

    def forward(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        stream = self.embed(tokens)
        for layer in self.layers:
            stream = layer(stream)
        return self.head(self.final(stream))


def feed_forward(width: int, hidden: int) -> nn.Module:
    """Return two matrices with a ReLU between them."""
    up, down = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)
    return nn.Sequential(up, nn.ReLU(), down)


def next_byte_loss(model: nn.Module, window: Int[Tensor, "b n"]) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of each next byte in the window, in nats."""
    return functional.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
