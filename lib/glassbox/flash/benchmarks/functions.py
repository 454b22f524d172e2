"""Attention as functions of tensors alone: the definition tile by tile, the plain one, and ours."""

from functools import cache

import torch
from torch import Tensor

from glassbox.attention.reference.core import attention
from glassbox.flash import api
from glassbox.flash.benchmarks.forms import Form
from glassbox.flash.reference.recomputing import Recomputing
from glassbox.flash.reference.scoring import Rules

BLOCK = 1024  # few tiles, so few launches in eager PyTorch; in float64 one of all heads is 2 GB


def definition(q: Tensor, k: Tensor, v: Tensor, sinks: Tensor | None = None, *, form: Form) -> Tensor:
    """Return the reference's attention: tile by tile, since no card holds the whole matrix in float64."""
    rules = Rules(q.shape[3] ** -0.5, form.mask(k.shape[2]), form.score(q))
    return Recomputing.apply(q, k, v, sinks, rules, BLOCK, BLOCK)[0]


def plain(q: Tensor, k: Tensor, v: Tensor, *, form: Form) -> Tensor:
    """Return attention with its whole matrix of scores; the mask is made at the first call and kept."""
    return attention(q, k, v, drawn_out(form, k.shape[2], q.device)).output


@cache
def drawn_out(form: Form, tokens: int, device: torch.device) -> Tensor:
    """Return the mask of a form as a matrix that broadcasts to (b, h, t, t)."""
    return form.mask(tokens).dense(tokens, tokens, device=device)


def ours(
    q: Tensor, k: Tensor, v: Tensor, sinks: Tensor | None = None, *, form: Form,
    deterministic: bool = False, backend: str = "compiled",
) -> Tensor:  # fmt: skip
    """Return our attention."""
    told = form.told(q)
    return api.flash_attention(q, k, v, sinks=sinks, deterministic=deterministic, backend=backend, **told)
