"""Loss in bits per byte, of the tiny model and of the counting models it must beat."""

from math import log

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional as F

from glassbox.arguments import bad_type, bad_value, expect_choice, expect_whole


def as_tokens(text: bytes, name: str = "text") -> Int[Tensor, " t"]:
    """Return the bytes as int64 tokens; `name` is what an error calls them."""
    if not isinstance(text, bytes):
        raise bad_type(name, "bytes", type(text).__name__)
    return torch.frombuffer(bytearray(text), dtype=torch.uint8).long() if text else torch.empty(0).long()


@torch.no_grad()
def bits_per_byte(model: nn.Module, text: bytes, context: int = 256) -> float:
    """Return the mean of -log2 p(byte | the bytes before it in its window).

    Convention: windows of `context` inputs that do not overlap; the first byte of the text is not scored,
    and a last window that is not full is left out.
    """
    expect_whole("context", context, 1)
    tokens = as_tokens(text)
    windows = (len(tokens) - 1) // context
    if windows < 1:
        raise bad_value("text", f"more than context = {context} bytes", len(text))
    inputs = tokens[: windows * context].view(windows, context)
    targets = tokens[1 : windows * context + 1].view(windows, context)
    total = sum(
        F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        for x, y in zip(inputs.split(32), targets.split(32), strict=True)
    )
    return total / (windows * context) / log(2)


def counted_bits_per_byte(train: bytes, validation: bytes, order: int) -> float:
    """Return the bits per byte of a table of counts: order 1 (unigram) or 2 (bigram).

        p(b | a) = (count(ab) + 1/256) / (count(a) + 1)

    Convention: counted on `train`, scored on `validation` from its second byte on.
    """
    expect_choice("order", order, (1, 2))
    seen, new = as_tokens(train), as_tokens(validation)
    before, after = (torch.zeros_like(t[1:]) if order == 1 else t[:-1] for t in (seen, new))
    counts = torch.zeros(256, 256, dtype=torch.float64)
    counts.index_put_((before, seen[1:]), torch.ones(len(before), dtype=torch.float64), accumulate=True)
    p = (counts + 1 / 256) / (counts.sum(-1, keepdim=True) + 1)
    return -p[after, new[1:]].log2().mean().item()
