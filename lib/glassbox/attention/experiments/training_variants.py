"""What sharing keys and values costs: the same toy with other heads, at equal width, parameters or cache."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import torch

from glassbox.arguments import expect_choice
from glassbox.attention.experiments.training import (
    HEADS,
    LENGTH,
    PEAK,
    STEPS,
    WIDTH,
    curve,
    held_out_stories,
)
from glassbox.attention.toy import ToyAttention, ToyLatentAttention, ToyLM
from glassbox.tiny.seeds import batches


class Variant(NamedTuple):
    """An attention of width 64, and the inner width of the feed-forward beside it."""

    heads: int
    kv_heads: int  # 0 is a latent
    head_size: int
    hidden: int = 256
    rank: int = 0
    rotary: int = 0

    def model(self, seed: int) -> ToyLM:
        """Return the toy with this attention, untrained."""
        if self.rank:
            sizes = (WIDTH, self.heads, self.rank, self.head_size, self.rotary)
            return ToyLM(partial(ToyLatentAttention, *sizes), WIDTH, self.hidden, seed=seed)
        sizes = (WIDTH, self.heads, self.kv_heads, self.head_size)
        return ToyLM(partial(ToyAttention, *sizes), WIDTH, self.hidden, seed=seed)


# The inner width makes up for the parameters that a smaller attention saves, except at equal width.
COMPARISONS = {
    "width": {
        "MHA": Variant(8, 8, 8),
        "GQA": Variant(8, 2, 8),
        "MQA": Variant(8, 1, 8),
        "MHA, 4 heads of 16": Variant(4, 4, 16),
    },
    "parameters": {
        "MHA": Variant(8, 8, 8),
        "GQA": Variant(8, 2, 8, hidden=304),
        "MQA": Variant(8, 1, 8, hidden=312),
    },
    "cache": {
        "MHA, narrow heads": Variant(4, 4, 4, hidden=360),
        "MHA, few heads": Variant(2, 2, 8, hidden=360),
        "GQA": Variant(8, 2, 8, hidden=312),
        "MQA": Variant(8, 1, 16, hidden=248),
        "MLA": Variant(8, 0, 8, rank=24, rotary=8),
        "MLA, heads of 16": Variant(8, 0, 16, rank=24, rotary=8, hidden=168),
    },
}


def quality(
    comparisons: Sequence[str] = tuple(COMPARISONS), seeds: Iterable[int] = range(5), steps: int = STEPS
) -> list[dict]:
    """Train each variant of a comparison; return the loss curves.

    Rows are those of `curve`, with what names the run: `comparison` (what the variants have in common:
    "width", "parameters" or "cache"), `variant`, `heads`, `kv_heads`, `head_size`, `hidden`, `cached` (the
    numbers that a cache keeps per token and layer), `parameters`, and `seed`.

    Convention: "parameters" widens the feed-forward by what the keys and values save, as Shazeer 2019 did;
        "cache" keeps 32 numbers per token and layer, and the parameters too.
    """
    rows, known = [], {}
    for comparison in comparisons:
        expect_choice("comparison", comparison, COMPARISONS)
        for name, variant in COMPARISONS[comparison].items():
            for seed in seeds:
                if (variant, seed) not in known:  # MHA stands in two comparisons
                    known[variant, seed] = _trained(variant, seed, steps)
                run = {"comparison": comparison, "variant": name}
                rows += [run | row for row in known[variant, seed]]
    return rows


def _trained(variant: Variant, seed: int, steps: int) -> list[dict]:
    model = variant.model(seed)
    sizes = {key: getattr(variant, key) for key in ("heads", "kv_heads", "head_size", "hidden")}
    run = sizes | described(model) | {"seed": seed}
    return [run | row for row in curve(model, seed, steps, PEAK)]


def described(model: ToyLM) -> dict:
    """Return how many numbers a token's cache holds in a layer, and the model's parameters."""
    return {"cached": model.attentions[0].cached, "parameters": sum(p.numel() for p in model.parameters())}


SHARED = {
    "nothing": (),
    "queries": ("query",),
    "keys": ("key",),
    "values": ("value",),
    "keys and values": ("key", "value"),
}


def sharing(
    shared: Sequence[str] = tuple(SHARED), seeds: Iterable[int] = range(3), steps: int = STEPS
) -> list[dict]:
    """Train the toy with one head of queries, keys or values for all; return the loss curves.

    Rows are those of `curve`, with `shared` (what has one head instead of eight), `cached`, `parameters`,
    `seed`, and `alike` (see `likeness`, after training). The width is the same, so what shares has fewer
    parameters.
    """
    rows = []
    for name in shared:
        expect_choice("shared", name, SHARED)
        for seed in seeds:
            model = ToyLM(partial(ToyAttention, WIDTH, HEADS, shared=SHARED[name]), WIDTH, seed=seed)
            found = curve(model, seed, steps, PEAK)
            run = {"shared": name} | described(model) | {"seed": seed, "alike": likeness(model)}
            rows += [run | row for row in found]
    return rows


@torch.no_grad()
def likeness(model: ToyLM) -> float:
    """Return how alike the heads of a layer look: the mean correlation of two heads' maps on held-out text.

    Convention: over what the causal mask lets through, of 8 windows; the mean of the layers. 1 is one map for
        all heads; maps that share nothing but the mask correlate too, because early rows are short.
    """
    stream = model.embed(next(batches(held_out_stories(), 8, LENGTH, 0))[:, :-1])
    seen = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    found = []
    for block, layer in zip(model.layers[::2], model.layers[1::2], strict=True):
        maps = block.sublayer.maps(block.before(stream)).transpose(0, 1)[..., seen].flatten(1)
        pairs = torch.corrcoef(maps)
        found.append((pairs.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1)))
        stream = layer(block(stream))
    return round(torch.stack(found).mean().item(), 3)
