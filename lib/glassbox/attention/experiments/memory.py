"""Segment recurrence on the trained tiny model: each segment sees the states of the segments before it."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from glassbox import tiny
from glassbox.attention.api.softmax import scaled_dot_product_attention
from glassbox.attention.experiments.heads import held_out
from glassbox.attention.masks import causal
from glassbox.attention.reference.core import merge_heads, split_heads
from glassbox.tiny.model import Block
from glassbox.tiny.rotation import rotate
from glassbox.tiny.seeds import normal

SEGMENT = 32


def block_with_memory(
    block: Block, x: Float[Tensor, "b t m"], memory: Float[Tensor, "b p m"]
) -> Float[Tensor, "b t m"]:
    """Run one block of the tiny model on a segment; keys and values also come from the states in `memory`.

    Convention: memory holds what the block itself read, the stream before its first norm. Positions are
        counted from the oldest state in memory: RoPE cares for distances alone.
    Source: Dai et al. 2019, section 3.2 (arXiv:1901.02860), with RoPE in place of its relative positions.
    """
    layer, normed = block.attention, block.attention_norm(torch.cat((memory, x), 1))
    q, k, v = (split_heads(part(normed), layer.heads) for part in (layer.query, layer.key, layer.value))
    q, k = rotate(q, layer.base)[:, :, -x.shape[1] :], rotate(k, layer.base)
    x = x + layer.output(merge_heads(scaled_dot_product_attention(q, k, v, causal())))
    return x + block.ffn(block.ffn_norm(x))


@torch.no_grad()
def read_in_segments(
    model: tiny.TinyLM, tokens: Int[Tensor, "b t"], memory: int, segment: int = SEGMENT
) -> Float[Tensor, "b t v"]:
    """Return the logits of a text that is read segment by segment, with so many states kept for each layer.

    Convention: no gradient passes into memory. With a memory as long as the text it is the model's
        forward pass. With L layers a byte is felt up to L * (memory + segment - 1) positions later.
    """
    kept = [model.embed(tokens[:, :0]) for _ in model.blocks]
    logits = []
    for part in tokens.split(segment, 1):
        x = model.embed(part)
        for index, block in enumerate(model.blocks):
            read = torch.cat((kept[index], x), 1)
            x = block_with_memory(block, x, kept[index])
            kept[index] = read[:, max(0, read.shape[1] - memory) :]
        logits.append(model.head(model.final_norm(x)))
    return torch.cat(logits, 1)


def bits(logits: Float[Tensor, "b t v"], tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b s"]:
    """Return -log2 p of each byte from the second on, given the logits after the byte before it."""
    return functional.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none") / math.log(2)


def segment_memory(
    memory: Sequence[int] = (0, 16, 32, 64, 96), windows: int = 16, segment: int = SEGMENT
) -> list[dict]:
    """Read held-out stories in segments; score the same bytes for every size of memory.

    A row has `memory` (states kept for each layer), `loss` (bits per byte) and `bytes` (how many are scored).

    Convention: windows of 6 segments that do not overlap; the last 3 segments of each are scored.
    """
    length = 6 * segment
    text = held_out(windows * length)
    tokens = tiny.as_tokens(text)[: len(text) // length * length].view(-1, length)
    model = tiny.load().double()
    rows = []
    for size in memory:
        scored = bits(read_in_segments(model, tokens, size, segment), tokens)[:, -3 * segment :]
        rows.append({"memory": size, "loss": scored.mean().item(), "bytes": scored.numel()})
    return rows


def segment_reach(
    memory: Sequence[int] = (0, 16, 32, 64), segments: int = 5, segment: int = SEGMENT
) -> list[dict]:
    """Change the last byte of the first segment; see in which later segments a logit moves.

    A row has `memory`, `segment` (1 is the first) and `felt` (whether any logit in it differs at all).
    """
    tokens = tiny.as_tokens(held_out(segments * segment))[None]
    changed = tokens.clone()
    changed[0, segment - 1] = (changed[0, segment - 1] + 1) % 128
    model = tiny.load().double()
    rows = []
    for size in memory:
        one, other = read_in_segments(model, torch.cat((tokens, changed)), size, segment)
        felt = (one != other).any(-1).split(segment)
        for number, part in enumerate(felt, start=1):
            rows.append({"memory": size, "segment": number, "felt": bool(part.any())})
    return rows


def segment_retrieval(
    memory: Sequence[int] = (0, 16, 32, 48, 64, 96), facts: int = SEGMENT, size: int = 64, seed: int = 0
) -> list[dict]:
    """Ask in segment 3 for each of the facts (a key and a value) that stood in segment 1.

    A row has `memory` (keys and values kept from before segment 3) and `found` (share of the answers that are
    nearest to their own value).

    Convention: one layer of attention over normal keys of the memory and of the own segment, every fact one
        key, asked for with that key at 4 times the usual scale. Segments have as many keys as facts.
    """
    keys, values = (normal((3 * facts, size), seed + part) for part in (0, 1))
    rows = []
    for kept in memory:
        seen = slice(max(0, 2 * facts - kept), 3 * facts)
        q, k, v = (x[None, None] for x in (4 * keys[:facts], keys[seen], values[seen]))
        answers = scaled_dot_product_attention(q, k, v)[0, 0]
        nearest = torch.cdist(answers, values).argmin(-1)
        found = (nearest == torch.arange(facts)).double().mean().item()
        rows.append({"memory": kept, "found": found})
    return rows
