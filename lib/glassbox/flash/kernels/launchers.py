"""From tensors to launches: strides as they are where they fit, tiles out of the tables."""

from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.attention.kernels.launchers import padded
from glassbox.attention.kernels.pieces import fold
from glassbox.flash.kernels.backward import flash_backward_keys, flash_backward_queries, flash_delta
from glassbox.flash.kernels.forward import flash_forward
from glassbox.flash.kernels.plan import Plan, fitting
from glassbox.machine import configs, empty, launch, triton

LARGEST_FUSED = 128  # beyond it the shares of dq do not fit into the registers beside dk and dv
DELTA_ELEMENTS = 4096  # a tile of this many numbers keeps four warps busy


class Made(NamedTuple):
    """What the forward launch makes: outputs (b, h, t, e), and log-sum-exps (b, h, t) in float32."""

    output: Tensor
    lse: Tensor


class Gradients(NamedTuple):
    """What the backward launches make; delta is rowsum(do * o) - dlse, (b, h, t) in float32."""

    dq: Tensor
    dk: Tensor
    dv: Tensor
    delta: Tensor


def forward(
    q: Tensor, k: Tensor, v: Tensor, plan: Plan, sinks: Tensor | None = None, *, backend: str,
    config: dict | None = None, fold=fold,
) -> Made:  # fmt: skip
    """Launch the forward kernel.

    Shapes: q (b, h, t, d), k (b, g, n, d), v (b, g, n, e), sinks (h,). `config` is the table's unless given:
        QUERIES, KEYS, STAGES, ROLES, TWO_LOOPS, num_warps. `fold` takes a tile into the running result.
    """
    q, k, v = fitting(q), fitting(k), fitting(v)
    (b, h, t, _), e = q.shape, v.shape[3]
    made = Made(_made((b, h, t, e), q), _made((b, h, t), q, torch.float32))
    operation = "flash_forward_masked" if plan.causal or plan.scores or not plan.bare else "flash_forward"
    config = dict(config or configs.choose(operation, q.dtype, _size(q, v, plan), backend=backend))
    config["TWO_LOOPS"] = config["TWO_LOOPS"] and plan.bare
    work, blocks = plan.work(config["QUERIES"], q.device)
    blocks = triton.cdiv(t, config["QUERIES"]) if work is None else blocks
    tiles = {"CAUSAL": plan.causal, "SCORES": plan.functions()["SCORES"], "FOLD": fold, **_sides(q, v)}
    if blocks * h * b:
        launch(
            flash_forward, (blocks, h, b), q, k, v, sinks, work, *made, *_sizes(q, k, v), t,
            *_shared(q, k, plan), *_strides(q, k, v), **tiles, **config, backend=backend,
        )  # fmt: skip
    return made


def backward(
    q: Tensor, k: Tensor, v: Tensor, made: Made, do: Tensor, dlse: Tensor | None, plan: Plan, *,
    deterministic: bool, backend: str,
) -> Gradients:  # fmt: skip
    """Launch the backward kernels: D first, then dk and dv, and dq by itself or by atomics on the way.

    Convention: with `deterministic`, or heads beyond LARGEST_FUSED, dq has a kernel of its own.
    """
    q, k, v, do = fitting(q, heads=True), fitting(k), fitting(v), fitting(do, heads=True)
    delta = _delta(made, do, dlse, backend)
    fused = not deterministic and max(q.shape[3], v.shape[3]) <= LARGEST_FUSED
    read = (q, k, v, do, made.lse, delta)
    dq = q.new_zeros(*q.shape[:3], triton.cdiv(q.shape[3], 4) * 4, dtype=torch.float32) if fused else None
    dk, dv = _keys(read, dq, plan, backend)
    dq = _queries(read, plan, backend) if dq is None else dq[..., : q.shape[3]].to(q.dtype)
    return Gradients(dq.contiguous(), dk, dv, delta)


def _delta(made: Made, do: Tensor, dlse: Tensor | None, backend: str) -> Tensor:
    (b, h, t, e), delta = made.output.shape, _made(made.lse.shape, do, torch.float32)
    rows, dlse = max(1, DELTA_ELEMENTS // padded(e)), None if dlse is None else dlse.contiguous()
    if delta.numel():
        launch(
            flash_delta, (triton.cdiv(t, rows), h, b), do, made.output, dlse, delta, t, e,
            *do.stride()[:3], ROWS=rows, E=padded(e), num_warps=4, backend=backend,
        )  # fmt: skip
    return delta


def _keys(read: tuple[Tensor, ...], dq: Tensor | None, plan: Plan, backend: str) -> tuple[Tensor, Tensor]:
    q, k, v, do, *_ = read
    dk, dv = _made(k.shape, k), _made(v.shape, v)
    operation = "flash_backward_keys" if dq is None else "flash_backward_fused"
    config = configs.choose(operation, q.dtype, _size(q, v, plan), backend=backend)
    work, blocks = plan.work(config["KEYS"], q.device, of_keys=True)
    blocks = triton.cdiv(k.shape[2], config["KEYS"]) if work is None else blocks
    if blocks * k.shape[1] * k.shape[0]:
        launch(
            flash_backward_keys, (blocks, k.shape[1], k.shape[0]), *read, work, dq, dk, dv,
            *_sizes(q, k, v), q.shape[2], k.shape[2], *_shared(q, k, plan), *_strides(q, k, v, do, dq),
            CAUSAL=plan.causal, **plan.functions(), **_sides(q, v), **config, backend=backend,
        )  # fmt: skip
    return dk, dv


def _queries(read: tuple[Tensor, ...], plan: Plan, backend: str) -> Tensor:
    q, k, v, do, *_ = read
    dq = _made(q.shape, q)
    config = configs.choose("flash_backward_queries", q.dtype, _size(q, v, plan), backend=backend)
    work, blocks = plan.work(config["QUERIES"], q.device)
    blocks = triton.cdiv(q.shape[2], config["QUERIES"]) if work is None else blocks
    if blocks * q.shape[1] * q.shape[0]:
        launch(
            flash_backward_queries, (blocks, q.shape[1], q.shape[0]), *read, work, dq,
            *_sizes(q, k, v), q.shape[2], *_shared(q, k, plan), *_strides(q, k, v, do),
            CAUSAL=plan.causal, **plan.functions(), **_sides(q, v), **config, backend=backend,
        )  # fmt: skip
    return dq


def _made(shape: tuple[int, ...], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    return empty(*shape, dtype=dtype or like.dtype, device=like.device)


def _sizes(q: Tensor, k: Tensor, v: Tensor) -> tuple[int, ...]:
    return q.shape[2], k.shape[2], q.shape[3], v.shape[3]


def _shared(q: Tensor, k: Tensor, plan: Plan) -> tuple:
    return q.shape[1] // k.shape[1], plan.scale, plan.rules(), plan.given()


def _size(q: Tensor, v: Tensor, plan: Plan) -> int:
    """Return the size that the tables go by: ranges, packing, masks, scores need registers."""
    size = max(padded(q.shape[3]), padded(v.shape[3]))
    if plan.scores or plan.mask is not None:
        return 2 * size
    return size if plan.bare and plan.lengths is None else 3 * size // 2


def _strides(*tensors: Tensor | None) -> tuple[tuple[int, ...], ...]:
    return tuple((0, 0, 0) if x is None else x.stride()[:3] for x in tensors)


def _sides(q: Tensor, v: Tensor) -> dict[str, int]:
    return {"D": padded(q.shape[3]), "E": padded(v.shape[3])}
