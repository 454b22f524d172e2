"""The course's tiny language model: bytes in, scores of the next byte out, small enough to read."""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from glassbox.arguments import bad_type, bad_value, expect_whole
from glassbox.tiny.rotation import rotate
from glassbox.tiny.seeds import normal, xavier

Linear = partial(nn.Linear, bias=False)
Norm = partial(nn.RMSNorm, eps=1e-6)
Stream = Float[Tensor, "b t m"]


def keep(trace: dict | None, name: str, value: Tensor) -> Tensor:
    """Return `value`, noted under `name` when there is a trace to write to."""
    if trace is not None:
        trace[name] = value
    return value


class Attention(nn.Module):
    """Causal self-attention with rotated queries and keys."""

    def __init__(self, width: int, heads: int, base: float):
        super().__init__()
        self.heads, self.base = heads, base
        self.query, self.key, self.value = Linear(width, width), Linear(width, width), Linear(width, width)
        self.output = Linear(width, width)

    def forward(self, x: Stream, trace: dict | None = None, name: str = "") -> Stream:
        projected = (project(x) for project in (self.query, self.key, self.value))
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in projected)
        q = keep(trace, f"{name}.query", rotate(q, self.base))
        k = keep(trace, f"{name}.key", rotate(k, self.base))
        v = keep(trace, f"{name}.value", v)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate x) * up x)."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.gate, self.up, self.down = Linear(width, hidden), Linear(width, hidden), Linear(hidden, width)

    def forward(self, x: Stream) -> Stream:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """Pre-norm: each sub-layer reads a normed copy of the residual stream and adds to it."""

    def __init__(self, width: int, heads: int, hidden: int, base: float):
        super().__init__()
        self.attention_norm, self.attention = Norm(width), Attention(width, heads, base)
        self.ffn_norm, self.ffn = Norm(width), FeedForward(width, hidden)

    def forward(self, x: Stream, trace: dict | None = None, name: str = "") -> Stream:
        normed = self.attention_norm(keep(trace, f"{name}.norm_in_attention", x))
        normed = keep(trace, f"{name}.norm_out_attention", normed)
        x = x + keep(trace, f"{name}.attention", self.attention(normed, trace, name))
        normed = keep(trace, f"{name}.norm_out_ffn", self.ffn_norm(keep(trace, f"{name}.norm_in_ffn", x)))
        return keep(trace, f"{name}.residual", x + keep(trace, f"{name}.ffn", self.ffn(normed)))


class TinyLM(nn.Module):
    """A causal language model over bytes: RoPE, pre-norm RMSNorm with a final norm, SwiGLU, untied head.

    With its defaults it has 115,008 parameters: twice 16,384 in embedding and head, twice 40,960 in the
    matrices of a block, five times 64 gains. The starting weights depend on `seed` alone.
    """

    def __init__(self, *, width: int = 64, layers: int = 2, heads: int = 4, hidden: int = 128,
                 vocabulary: int = 256, base: float = 10_000.0, seed: int = 0):  # fmt: skip
        super().__init__()
        sizes = {"width": width, "layers": layers, "heads": heads, "hidden": hidden, "vocabulary": vocabulary}
        for name, size in sizes.items():
            expect_whole(name, size, 1)
        if width % (2 * heads):
            raise bad_value("width", f"a multiple of 2 * heads = {2 * heads}", width)
        self.config = sizes | {"base": base}
        self.embed = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden, base) for _ in range(layers))
        self.final_norm, self.head = Norm(width), Linear(width, vocabulary)
        self._initialise(1000 * seed)

    @torch.no_grad()
    def _initialise(self, seed: int) -> None:
        self.embed.weight.copy_(normal(self.embed.weight.shape, seed))
        self.head.weight.copy_(0.02 * normal(self.head.weight.shape, seed + 1))
        matrices = [weight for weight in self.blocks.parameters() if weight.ndim == 2]
        for index, weight in enumerate(matrices):
            weight.copy_(xavier(weight.shape, seed + 2 + index))

    def forward(self, tokens: Int[Tensor, "b t"], trace: dict | None = None) -> Float[Tensor, "b t v"]:
        """Return the scores (logits) of the byte after each position.

        `trace`, when given, receives the activations by name: "embed"; for each block i
        "block{i}.norm_in_attention", ".norm_out_attention", ".query", ".key" (both rotated), ".value",
        ".attention", ".norm_in_ffn", ".norm_out_ffn", ".ffn", ".residual" (the stream after the block);
        "norm_in_final", "norm_out_final", "logits". They stay part of the autograd graph.

        Raises: TypeError, ValueError if `tokens` is not a matrix of int64.
        """
        if not isinstance(tokens, Tensor) or tokens.dtype != torch.int64:
            raise bad_type("tokens", "an int64 tensor (batch, time)", tokens)
        if tokens.ndim != 2 or tokens.shape[1] == 0:
            raise bad_value("tokens", "shape (batch, time) with at least one position", tokens)
        x = keep(trace, "embed", self.embed(tokens))
        for index, block in enumerate(self.blocks):
            x = block(x, trace, f"block{index}")
        normed = keep(trace, "norm_out_final", self.final_norm(keep(trace, "norm_in_final", x)))
        return keep(trace, "logits", self.head(normed))
