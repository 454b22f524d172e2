"""FlexAttention: the same attention as rules of positions and functions of the score that it compiles."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask, flex_attention

from glassbox.flash.benchmarks import forms
from glassbox.flash.benchmarks.forms import Form
from glassbox.machine.bench import Case, compiled


def causal_rule() -> Callable:
    """Return the rule that a query sees itself and what is before it."""
    return lambda b, h, query, key: query >= key


def window_rule(width: int) -> Callable:
    """Return the rule of a causal window."""
    return lambda b, h, query, key: (query >= key) & (query - key < width)


def prefix_rule(prefix: int) -> Callable:
    """Return the rule of a prefix that all see."""
    return lambda b, h, query, key: (query >= key) | (key < prefix)


def packed_rule(ids: Tensor) -> Callable:
    """Return the rule of sequences that lie end to end."""
    return lambda b, h, query, key: (query >= key) & (ids[query] == ids[key])


def rule_of(form: Form, tokens: int, device: torch.device) -> Callable | None:
    """Return a form's `mask_mod`, None where all is seen."""
    width = forms.eighth(tokens)
    makers = {
        forms.FULL: lambda: None,
        forms.WINDOW: lambda: window_rule(width),
        forms.PREFIX: lambda: prefix_rule(width),
        forms.PACKED: lambda: packed_rule(forms.document_ids(tokens).to(device)),
    }
    return makers.get(form, causal_rule)()


def score_of(form: Form, heads: int, device: torch.device) -> Callable | None:
    """Return a form's `score_mod`, None where scores stay as they are."""
    if form is forms.SOFT_CAP:
        return lambda score, b, h, query, key: forms.LIMIT * torch.tanh(score / forms.LIMIT)
    if form is forms.ALIBI:
        slopes = forms.slopes(heads, device)
        return lambda score, b, h, query, key: score - slopes[h] * (query - key).abs()
    return None


def flex(form: Form, case: Case) -> Callable:
    """Return FlexAttention of a form; the map of blocks is made at the first call and kept."""
    run = compiled(with_sinks if form.sinks else without_sinks)

    @cache
    def settled(heads: int, tokens: int, device: torch.device) -> tuple:
        return score_of(form, heads, device), _blocks(rule_of(form, tokens, device), tokens, device)

    def call(q: Tensor, k: Tensor, v: Tensor, *sinks: Tensor) -> Tensor:
        return run(q, k, v, *sinks, *settled(q.shape[1], q.shape[2], q.device))

    return call


def without_sinks(q: Tensor, k: Tensor, v: Tensor, score_mod, block_mask) -> Tensor:
    """Return FlexAttention."""
    how = {"score_mod": score_mod, "block_mask": block_mask}
    return flex_attention(q, k, v, enable_gqa=q.shape[1] != k.shape[1], **how)


def with_sinks(q: Tensor, k: Tensor, v: Tensor, sinks: Tensor, score_mod, block_mask) -> Tensor:
    """Return FlexAttention, its outputs scaled down by what the sinks take: sigmoid(lse - sink)."""
    how = {"score_mod": score_mod, "block_mask": block_mask, "return_aux": AuxRequest(lse=True)}
    output, more = flex_attention(q, k, v, enable_gqa=q.shape[1] != k.shape[1], **how)
    kept = torch.sigmoid(more.lse - sinks[:, None])
    return (output * kept[..., None]).to(q.dtype)


def _blocks(rule: Callable | None, tokens: int, device: torch.device):
    if rule is None:
        return None
    return create_block_mask(rule, None, None, tokens, tokens, device=str(device))
