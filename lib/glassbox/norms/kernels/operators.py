"""The norms as PyTorch operators: known to autograd, torch.compile, meta tensors.

One pair of operators serves every norm of the topic: LayerNorm and RMSNorm differ in `centre`, the fused
additions in `added` and `alpha`. An operator cannot return None: what is not there is an empty tensor.
"""

import torch
from torch import Tensor

from glassbox.norms.kernels.launchers import backward, forward


def _backend(x: Tensor) -> str:
    return "compiled" if x.is_cuda else "simulated"


def _none(x: Tensor) -> Tensor:
    return x.new_empty(0)


def _given(x: Tensor) -> Tensor | None:
    return x if x.numel() else None


@torch.library.custom_op("glassbox::norm", mutates_args=())
def norm(
    x: Tensor,
    added: Tensor | None,
    gain: Tensor | None,
    bias: Tensor | None,
    alpha: float,
    eps: float,
    centre: bool,
    keep_total: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return y, total, mean and rstd of the norm of alpha x + added."""
    made = forward(
        x, added, gain, bias, alpha, eps, centre=centre, keep_total=keep_total, backend=_backend(x)
    )
    y, total, mean, rstd = made
    total = _none(x) if total is None else total.view(x.shape)
    return y.view(x.shape), total, _none(rstd) if mean is None else mean, rstd


@norm.register_fake
def _(x, added, gain, bias, alpha, eps, centre, keep_total):
    rows = x.numel() // x.shape[-1]
    y, rstd = x.new_empty(x.shape), x.new_empty(rows, dtype=torch.float32)
    total = x.new_empty(x.shape) if keep_total else _none(x)
    return y, total, torch.empty_like(rstd) if centre else _none(rstd), rstd


@torch.library.custom_op("glassbox::norm_backward", mutates_args=())
def norm_backward(
    dy: Tensor,
    dtotal: Tensor | None,
    x: Tensor,
    added: Tensor | None,
    gain: Tensor | None,
    mean: Tensor,
    rstd: Tensor,
    alpha: float,
    gain_wanted: bool,
    bias_wanted: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return dx, dadded, dgain and dbias; the last two in float32."""
    wanted = {"gain_wanted": gain_wanted, "bias_wanted": bias_wanted}
    made = backward(dy, dtotal, x, added, gain, _given(mean), rstd, alpha, backend=_backend(x), **wanted)
    dx, dadded, dgain, dbias = made
    dadded = _none(x) if dadded is None else dadded.view(x.shape)
    return dx.view(x.shape), dadded, *(_none(rstd) if d is None else d for d in (dgain, dbias))


@norm_backward.register_fake
def _(dy, dtotal, x, added, gain, mean, rstd, alpha, gain_wanted, bias_wanted):
    def feature_sums(wanted):
        return rstd.new_empty(x.shape[-1] if wanted else 0)

    dadded = _none(x) if added is None else x.new_empty(x.shape)
    return x.new_empty(x.shape), dadded, feature_sums(gain_wanted), feature_sums(bias_wanted)


def _save(ctx, inputs, output):
    x, added, gain, bias, alpha, _, _, keep_total = inputs
    _, total, mean, rstd = output
    ctx.alpha, ctx.keep_total = alpha, keep_total
    ctx.dtypes = [None if p is None else p.dtype for p in (gain, bias)]
    ctx.added = added is not None
    # the stream that was stored says all about x + added; without it, both are read again
    source = (total, None) if keep_total else (x, added)
    ctx.save_for_backward(*source, gain, mean, rstd)
    ctx.mark_non_differentiable(mean, rstd)
    ctx.set_materialize_grads(False)


def _gradients(ctx, dy, dtotal, dmean, drstd):
    x, added, gain, mean, rstd = ctx.saved_tensors
    wanted = [d is not None and need for d, need in zip(ctx.dtypes, ctx.needs_input_grad[2:4], strict=True)]
    dy, dtotal = torch.zeros_like(x) if dy is None else dy, dtotal if ctx.keep_total else None
    dx, dadded, *sums = norm_backward(dy, dtotal, x, added, gain, mean, rstd, ctx.alpha, *wanted)
    if ctx.keep_total:
        dadded = dx
    dgain, dbias = (s.to(dtype) if w else None for s, dtype, w in zip(sums, ctx.dtypes, wanted, strict=True))
    return dx, dadded if ctx.added else None, dgain, dbias, None, None, None, None


norm.register_autograd(_gradients, setup_context=_save)
