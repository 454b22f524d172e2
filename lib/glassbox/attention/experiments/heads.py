"""Heads of the trained tiny model, removed one by one; and heads that share one query."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox import tiny
from glassbox.attention.reference.core import softmax, split_heads
from glassbox.tiny.seeds import xavier
from glassbox.tiny.text import read_text, split

Head = tuple[int, int]  # layer, head


def held_out(length: int) -> bytes:
    """Return the first bytes of the held-out stories."""
    return split(read_text("en", ["stories"]))[1].encode("utf-8")[:length]


@contextmanager
def without(model: tiny.TinyLM, heads: Iterable[Head]) -> Iterator[tiny.TinyLM]:
    """Let the model run without these (layer, head): what they found is multiplied by zero."""
    size = model.config["width"] // model.config["heads"]
    before = [block.attention.output.weight.detach().clone() for block in model.blocks]
    with torch.no_grad():
        for layer, head in heads:
            model.blocks[layer].attention.output.weight[:, head * size : (head + 1) * size] = 0
        try:
            yield model
        finally:
            for block, weight in zip(model.blocks, before, strict=True):
                block.attention.output.weight.copy_(weight)


def _loss(model: tiny.TinyLM, gone: Iterable[Head], text: bytes) -> float:
    with without(model, gone):
        return tiny.bits_per_byte(model, text)


def _setting(text_bytes: int) -> tuple[tiny.TinyLM, list[Head], bytes]:
    model = tiny.load().double()
    all_heads = list(product(range(model.config["layers"]), range(model.config["heads"])))
    return model, all_heads, held_out(text_bytes)


def single_heads(text_bytes: int = 1025) -> list[dict]:
    """Remove each head of the trained tiny model alone.

    A row has `layer`, `head` (both from 0), `loss` (bits per byte of held-out stories without it) and
    `increase` (over the whole model's).
    """
    model, heads, text = _setting(text_bytes)
    whole = _loss(model, (), text)
    losses = {head: _loss(model, [head], text) for head in heads}
    return [
        {"layer": layer, "head": head, "loss": loss, "increase": loss - whole}
        for (layer, head), loss in losses.items()
    ]


def prune_heads(text_bytes: int = 1025) -> list[dict]:
    """Remove heads greedily: each time the one whose loss is missed least, until none is left.

    A row has `heads` (left), `removed` ("layer.head", None in the first row) and `loss` (bits per byte of
    held-out stories). Nothing is trained in between.
    """
    model, left, text = _setting(text_bytes)
    gone: list[Head] = []
    rows = [{"heads": len(left), "removed": None, "loss": _loss(model, (), text)}]
    while left:
        losses = {head: _loss(model, [*gone, head], text) for head in left}
        best = min(losses, key=losses.__getitem__)
        left.remove(best)
        gone.append(best)
        rows.append({"heads": len(left), "removed": f"{best[0]}.{best[1]}", "loss": losses[best]})
    return rows


SHARED = {
    "nothing": (),
    "query": ("query",),
    "key": ("key",),
    "value": ("value",),
    "key and value": ("key", "value"),
    "query and key": ("query", "key"),
}


def head_maps_with_shared_query(
    heads: int = 8, size: int = 16, length: int = 64, seeds: Iterable[int] = range(3)
) -> list[dict]:
    """Share queries, keys or values among heads with random weights: do the maps differ, what is cached?

    A row has `shared`, `seed`, `correlation` (of the entries of two heads' maps, mean over pairs of heads)
    and `cached_numbers` (per token).

    Convention: maps both ways, since all causal ones agree in their zeros and their first rows. The inputs
        are the trained tiny model's embeddings of bytes of the stories, through its first norm. A matrix that
        is shared is that of the first head.
    """
    return [
        {"shared": name, "seed": seed, "correlation": correlation} | {"cached_numbers": cached}
        for seed in seeds
        for name, correlation, cached in _shared(heads, size, length, seed)
    ]


def _shared(heads: int, size: int, length: int, seed: int) -> Iterator[tuple[str, float, int]]:
    x = _normed(length)
    width = x.shape[-1]
    made = {
        name: split_heads(x @ xavier((heads * size, width), 10 * seed + part).T, heads)
        for part, name in enumerate(("query", "key"))
    }
    for name, shared in SHARED.items():
        q, k = (y[:, :1].expand_as(y) if part in shared else y for part, y in made.items())
        cached = size * sum(1 if part in shared else heads for part in ("key", "value"))
        yield name, map_correlation(q, k), cached


@torch.no_grad()
def _normed(length: int) -> Float[Tensor, "1 n m"]:
    trace: dict[str, Tensor] = {}
    tiny.load().double()(tiny.as_tokens(held_out(length))[None], trace)
    return trace["block0.norm_out_attention"]


def map_correlation(q: Float[Tensor, "1 h n d"], k: Float[Tensor, "1 h n d"]) -> float:
    """Return the mean correlation of the heads' maps, pair by pair."""
    weights = softmax(q @ k.mT * q.shape[-1] ** -0.5)[0]
    correlation = torch.corrcoef(weights[0].flatten(1))
    pairs = torch.ones_like(correlation).triu(1).bool()
    return correlation[pairs].mean().item()
