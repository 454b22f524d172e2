"""A causal Transformer small enough to train dozens of times, with its norms wherever one wants them."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from glassbox.arguments import expect_choice
from glassbox.norms.api import deep_norm_scales
from glassbox.norms.modules import PLACEMENTS, Residual, RMSNorm, initialise, make_norm
from glassbox.tiny.seeds import normal


class Attention(nn.Module):
    """Causal self-attention without positions: the mask alone orders the tokens.

    `qk_norm` puts RMSNorm on queries and keys: per "head" after the split, or over the "width" before it.
    """

    def __init__(self, width: int, heads: int, qk_norm: str = "none"):
        super().__init__()
        expect_choice("qk_norm", qk_norm, ("none", "head", "width"))
        self.heads, self.qk_norm = heads, qk_norm
        self.query, self.key, self.value, self.output = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        if qk_norm != "none":
            size = width // heads if qk_norm == "head" else width
            self.query_norm, self.key_norm = RMSNorm(size), RMSNorm(size)

    def forward(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b t m"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        if self.qk_norm == "width":
            q, k = self.query_norm(q), self.key_norm(k)
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        if self.qk_norm == "head":
            q, k = self.query_norm(q), self.key_norm(k)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    """Two matrices with a ReLU between them, four times as wide inside."""

    def __init__(self, width: int):
        super().__init__()
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Float[Tensor, "*b m"]) -> Float[Tensor, "*b m"]:
        return self.down(self.up(x).relu())


class ToyTransformer(nn.Module):
    """`depth` layers of attention and feed-forward in `Residual` wrappers; bytes in, scores of the next out.

    Convention: a final norm unless the placement already ends in one. "deep" takes alpha and beta from
        `deep_norm_scales(decoder=depth)`. Embeddings start standard normal, so the stream starts at RMS 1;
        the head starts by Xavier's rule with gain 1.
    """

    def __init__(
        self,
        depth: int,
        placement: str = "pre",
        norm: str | Callable[[int], nn.Module] = "layer",
        width: int = 32,
        heads: int = 4,
        gain: float = 1.0,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
    ):
        super().__init__()
        scales = deep_norm_scales(decoder=depth).decoder if placement == "deep" else None
        self.alpha, self.beta = scales or (1.0, 1.0)
        self.embed = nn.Embedding(256, width)
        self.layers = nn.ModuleList()
        for _ in range(depth):
            for sublayer in (Attention(width, heads), FeedForward(width)):
                self.layers.append(Residual(sublayer, width, placement, norm, self.alpha))
        ends_in_norm = "outer" in PLACEMENTS[placement]
        self.final = nn.Identity() if ends_in_norm else make_norm(norm, width)
        self.head = nn.Linear(width, 256, bias=False)
        initialise(self, seed, self.beta, gain)
        self.embed.weight.data.copy_(normal(self.embed.weight.shape, 1000 * seed + 999))
        self.to(dtype)

    def features(self, tokens: Int[Tensor, "b t"], trace: list | None = None) -> Float[Tensor, "b t m"]:
        """Return what the head reads; a `trace` list gets the embedding and the stream after each layer."""
        stream = self.embed(tokens)
        for index, sublayer in enumerate(self.layers):
            if trace is not None and index % 2 == 0:
                trace.append(stream)
            stream = sublayer(stream)
        if trace is not None:
            trace.append(stream)
        return self.final(stream)

    def forward(self, tokens: Int[Tensor, "b t"], trace: list | None = None) -> Float[Tensor, "b t v"]:
        """Return the score of each next byte."""
        return self.head(self.features(tokens, trace))


def next_byte_loss(
    model: nn.Module, window: Int[Tensor, "b n"], trace: list | None = None
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of each next byte in the window, in nats."""
    scores = model(window[:, :-1], trace)
    return functional.cross_entropy(scores.flatten(0, 1), window[:, 1:].flatten())
