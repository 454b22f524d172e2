"""FlashAttention as PyTorch operators: known to autograd, torch.compile, meta tensors.

What belongs to the plan of a launch travels as plain arguments. An operator takes no functions: their names
stand for those of the score, one a line; `counts` says how many of `numbers` and of `tensors` each takes.
"""

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor

from glassbox.flash.kernels.launchers import Made, backward, forward
from glassbox.flash.kernels.plan import Plan


def _backend(q: Tensor) -> str:
    return "compiled" if q.is_cuda else "simulated"


def _tuple(value) -> tuple | None:
    return None if value is None else tuple(value)


def _plan(
    prefix, mask, tensors, names, numbers, counts, lengths, key_lengths, scale, causal, window, sink_tokens
) -> Plan:  # fmt: skip
    numbers, counts = iter(numbers or ()), counts or ()
    each = zip(names.splitlines(), counts[::2], counts[1::2], strict=True)
    functions = tuple((name, tuple(islice(numbers, taken)), tables) for name, taken, tables in each)
    return Plan(
        scale, causal, window, sink_tokens, prefix, mask, _tuple(lengths), _tuple(key_lengths),
        functions, tuple(tensors),
    )  # fmt: skip


@torch.library.custom_op("glassbox::flash_attention", mutates_args=())
def flash_attention(
    q: Tensor, k: Tensor, v: Tensor, sinks: Tensor | None, deterministic: bool,
    prefix: Tensor | None, mask: Tensor | None, tensors: Sequence[Tensor], names: str,
    numbers: Sequence[float] | None, counts: Sequence[int] | None,
    lengths: Sequence[int] | None, key_lengths: Sequence[int] | None,
    scale: float, causal: bool, window: int | None, sink_tokens: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the output and the log-sum-exp."""
    plan = _plan(
        prefix, mask, tensors, names, numbers, counts, lengths, key_lengths, scale, causal, window,
        sink_tokens,
    )  # fmt: skip
    return tuple(forward(q, k, v, plan, sinks, backend=_backend(q)))


@flash_attention.register_fake
def _(q, k, v, *others):
    return q.new_empty(*q.shape[:3], v.shape[3]), q.new_empty(q.shape[:3], dtype=torch.float32)


@torch.library.custom_op("glassbox::flash_attention_backward", mutates_args=())
def flash_attention_backward(
    do: Tensor, dlse: Tensor | None, o: Tensor, lse: Tensor, q: Tensor, k: Tensor, v: Tensor,
    deterministic: bool, prefix: Tensor | None, mask: Tensor | None, tensors: Sequence[Tensor],
    names: str, numbers: Sequence[float] | None, counts: Sequence[int] | None,
    lengths: Sequence[int] | None, key_lengths: Sequence[int] | None,
    scale: float, causal: bool, window: int | None, sink_tokens: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Return dq, dk, dv, and delta = rowsum(do * o) - dlse."""
    plan = _plan(
        prefix, mask, tensors, names, numbers, counts, lengths, key_lengths, scale, causal, window,
        sink_tokens,
    )  # fmt: skip
    how = {"deterministic": deterministic, "backend": _backend(q)}
    return tuple(backward(q, k, v, Made(o, lse), do, dlse, plan, **how))


@flash_attention_backward.register_fake
def _(do, dlse, o, lse, q, k, v, *others):
    return q.new_empty(q.shape), k.new_empty(k.shape), v.new_empty(v.shape), torch.empty_like(lse)


def _save(ctx, inputs, output):
    q, k, v, sinks, deterministic, prefix, mask, tensors, *rest = inputs
    ctx.save_for_backward(q, k, v, *output, sinks, prefix, mask, *tensors)
    ctx.deterministic, ctx.rest = deterministic, rest
    ctx.set_materialize_grads(False)


def _gradients(ctx, do, dlse):
    q, k, v, o, lse, sinks, prefix, mask, *tensors = ctx.saved_tensors
    do = torch.zeros_like(o) if do is None else do
    planned = (ctx.deterministic, prefix, mask, tensors, *ctx.rest)
    dq, dk, dv, delta = flash_attention_backward(do, dlse, o, lse, q, k, v, *planned)
    dsinks = None
    if sinks is not None:  # a sink is a key whose value is 0: its weight times -D
        weight = (sinks.float()[:, None] - lse).exp()
        dsinks = -(weight * delta).sum((0, 2)).to(sinks.dtype)
    return dq, dk, dv, dsinks, None, None, None, [None] * len(tensors), *[None] * len(ctx.rest)


flash_attention.register_autograd(_gradients, setup_context=_save)


def attend(
    q,
    k,
    v,
    sinks,
    prefix,
    mask,
    lengths,
    key_lengths,
    parts,
    scale,
    causal,
    window,
    sink_tokens,
    deterministic,
) -> tuple[Tensor, Tensor]:
    """Call the operator with a score given as its parts."""
    tensors = [x for part in parts for x in part.tensors]
    names = "\n".join([part.name for part in parts])
    numbers = [x for part in parts for x in part.numbers]
    counts = [count for part in parts for count in (len(part.numbers), len(part.tensors))]
    return flash_attention(
        q, k, v, sinks, deterministic, prefix, mask, tensors, names, numbers or None, counts or None,
        None if lengths is None else list(lengths), None if key_lengths is None else list(key_lengths),
        scale, causal, window, sink_tokens,
    )  # fmt: skip
