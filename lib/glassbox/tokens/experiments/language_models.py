"""A tiny language model over the tokens of any tokenizer: its batches, its training, its loss per byte."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import log

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional

from glassbox.arguments import bad_value, expect_whole
from glassbox.attention.experiments.training import held_out_stories, rate
from glassbox.tiny.text import stories
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import train_bpe

BATCH = 4


@lru_cache(maxsize=8)
def story_tokenizer(vocabulary: int) -> Tokenizer:
    """Return the byte-level BPE of so many tokens that the training stories give; 256 are the bytes alone."""
    return train_bpe([stories().decode("utf-8")], vocabulary)


@lru_cache(maxsize=8)
def story_ids(vocabulary: int, held_out: bool = False) -> tuple[int, ...]:
    """Return the stories as ids of that tokenizer."""
    text = held_out_stories() if held_out else stories()
    return tuple(story_tokenizer(vocabulary).encode(text.decode("utf-8")))


def windows(ids: Sequence[int], length: int, seed: int, batch: int = BATCH) -> Iterator[Int[Tensor, "b n"]]:
    """Yield for ever `batch` random windows of `length + 1` ids: inputs [:, :-1], targets [:, 1:].

    Raises: ValueError for fewer ids than a window takes.
    """
    expect_whole("length", length, 1)
    if len(ids) <= length:
        raise bad_value("ids", f"more than length = {length}", len(ids))
    source, offsets = torch.tensor(ids), torch.arange(length + 1)
    state = np.random.RandomState(seed)
    while True:
        start = state.randint(0, len(ids) - length, size=(batch, 1), dtype=np.int64)
        yield source[torch.from_numpy(start) + offsets]


def descend(
    model: nn.Module, batches: Iterator[Int[Tensor, "b n"]], steps: int, peak: float, decay: float = 0.0
) -> Iterator[float]:
    """Take `steps` steps of AdamW, the rate as in attention's toys; yield each loss in bits per token."""
    settings = {"betas": (0.9, 0.98), "weight_decay": decay, "fused": True}
    optimiser = torch.optim.AdamW(model.parameters(), **settings)
    for step, window in zip(range(steps), batches, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps, peak)
        loss = functional.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield loss.item() / log(2)


@torch.no_grad()
def total_bits(model: nn.Module, ids: Sequence[int], length: int) -> float:
    """Return -log2 p of all ids but the first, in windows of `length` that do not overlap."""
    tokens, nats = torch.tensor(ids), 0.0
    full = (len(tokens) - 1) // length * length
    inputs = [*tokens[:full].view(-1, length).split(32), tokens[None, full:-1]]
    targets = [*tokens[1 : full + 1].view(-1, length).split(32), tokens[None, full + 1 :]]
    for x, y in zip(inputs, targets, strict=True):
        if x.numel():
            scores = model(x).flatten(0, 1)
            nats += functional.cross_entropy(scores, y.flatten(), reduction="sum").item()
    return nats / log(2)
