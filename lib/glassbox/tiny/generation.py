"""Bytes drawn from a model, one after another."""

import numpy as np
import torch
from torch import Tensor, nn

from glassbox.arguments import bad_value, expect_positive, expect_whole
from glassbox.tiny.loss import as_tokens


@torch.no_grad()
def generate(
    model: nn.Module, prompt: bytes, n: int, temperature: float = 0.0, seed: int = 0, context: int = 256
) -> bytes:
    """Return the `n` bytes that the model writes after `prompt`.

        p = softmax(logits / temperature);   the byte is the first whose cumulated p exceeds u ~ Uniform[0, 1)

    Convention: temperature 0 is greedy, the lowest byte winning a tie; the model reads at most the last
    `context` bytes; the prompt is not part of the result.
    Precision: probabilities in float64; `u` from NumPy's frozen `RandomState(seed)`.
    Raises: TypeError, ValueError for a prompt that is not bytes or is empty, or n, temperature < 0.
    """
    tokens = as_tokens(prompt, "prompt")
    if not len(tokens):
        raise bad_value("prompt", "at least one byte", prompt)
    expect_whole("n", n, 0)
    expect_whole("context", context, 1)
    expect_positive("temperature", temperature, zero_allowed=True)
    draws = np.random.RandomState(seed).random_sample(n)
    for u in draws:
        chosen = _choose(model(tokens[None, -context:])[0, -1], temperature, u)
        tokens = torch.cat((tokens, chosen.view(1)))
    return bytes(tokens[len(tokens) - n :].tolist())


def _choose(logits: Tensor, temperature: float, u: float) -> Tensor:
    if temperature == 0:
        return logits.argmax()
    cumulated = (logits.double() / temperature).softmax(-1).cumsum(-1)
    return torch.searchsorted(cumulated, u * cumulated[-1], right=True).clamp(max=len(logits) - 1)
