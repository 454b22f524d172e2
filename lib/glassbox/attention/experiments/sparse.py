"""How far a token is felt through layers of sparse attention."""

from collections.abc import Sequence

import torch

from glassbox.attention.masks import Mask, causal, dilated, sinks, sliding_window, strided
from glassbox.attention.modules import MultiHeadAttention
from glassbox.tiny.seeds import normal


def patterns(window: int) -> dict[str, Mask]:
    """Return causal sparse masks by name, each with about `window` keys per query."""
    return {
        "window": causal() & sliding_window(window),
        "dilated": causal() & sliding_window(2 * (window - 1) + 1) & dilated(2),
        "window and sinks": causal() & (sliding_window(window) | sinks(1)),
        "strided": causal() & strided(window),
    }


@torch.no_grad()
def reach(
    layers: int = 6, window: int = 4, length: int = 64, names: Sequence[str] | None = None, seed: int = 0
) -> list[dict]:
    """Change one token and see which positions notice, after each layer of sparse attention.

    A row has `pattern`, `layer` (1 is the first), `reach` (how far behind the token its change is felt),
    `felt` (how many positions feel it) and `keys` (most keys that a query sees).

    Convention: real layers with random weights and a residual stream, in float64; "felt" is any difference at
        all. A window counts the query's own key, so that L layers reach L (window - 1) back. The token stands
        at position `window`, no sink. "strided" sees the last `window` keys and every `window`-th before.
    """
    chosen = {name: mask for name, mask in patterns(window).items() if names is None or name in names}
    stack = [MultiHeadAttention(16, 2, seed=seed + at).double() for at in range(layers)]
    x = normal((1, length, 16), seed + layers)
    changed = x.clone()
    changed[:, window] += 1
    rows = []
    for name, mask in chosen.items():
        both = torch.cat((x, changed))
        for layer, attention in enumerate(stack, start=1):
            both = both + attention(both, mask=mask)
            felt = (both[0] != both[1]).any(-1).nonzero().flatten() - window
            row = {"pattern": name, "layer": layer, "reach": felt.max().item(), "felt": len(felt)}
            rows.append(row | {"keys": int(mask.dense(length, length).sum(-1).max())})
    return rows
