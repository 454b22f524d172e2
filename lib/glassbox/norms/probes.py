"""What kind of norm is this, and where is it? Found out from outside, by running it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from glassbox.norms.models import Block
from glassbox.norms.modules import Residual
from glassbox.tiny.seeds import normal

AXES = ("batch", "time", "feature")


@torch.no_grad()
def probe(block: Block) -> dict:
    """Return what a block's norms are: `norm`, `placement`, `alpha`, `eps`, `bias`, `qk_norm`, `parallel`.

    Each follows from an experiment: a zero sub-layer (does the stream come through?), a louder sub-layer
    (does more come through?), a shifted input (does the norm see its mean?), a sub-layer that cancels the
    stream (by what factor does it come?), a tiny input (how large is eps?). `bias` counts parameters.
    """
    first = block.residuals[0]
    width = _width(first)
    placement, alpha = _placement(first, normal((2, 5, width), 0))
    norm = _norm_of(first, placement, alpha)
    return {
        "norm": "layer"
        if _close(norm(normal((1, 1, width), 1)), norm(normal((1, 1, width), 1) + 3))
        else "rms",
        "placement": placement,
        "alpha": alpha,
        "eps": _eps(norm, width),
        "bias": any(name.endswith("bias") for name in norm_parameters(first)),
        "qk_norm": _qk_norm(block, normal((1, 6, width), 2)),
        "parallel": _parallel(block, normal((1, 6, width), 3)),
    }


def norm_parameters(residual: Residual) -> dict[str, Tensor]:
    """Return the parameters of a wrapper's own norms by name, without those of its sub-layer."""
    return {name: p for name, p in residual.named_parameters() if not name.startswith("sublayer")}


def _width(residual: Residual) -> int:
    return next(iter(norm_parameters(residual).values())).numel()


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-6, atol=1e-9)


@contextmanager
def _swapped(residual: Residual, sublayer: Callable[[Tensor], Tensor]) -> Iterator[Residual]:
    """Put another sub-layer into the wrapper, for a while."""
    kept = residual._modules.pop("sublayer")
    residual.sublayer = sublayer
    try:
        yield residual
    finally:
        del residual.sublayer
        residual.sublayer = kept


def _run(residual: Residual, sublayer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with _swapped(residual, sublayer):
        return residual(x)


def _placement(residual: Residual, x: Tensor) -> tuple[str, float]:
    """Return the placement, and what multiplies the stream."""
    if not torch.equal(_run(residual, torch.zeros_like, x), x):
        alpha = _alpha(residual, x)
        return ("deep" if alpha > 1.001 else "post"), alpha
    seen: list[Tensor] = []
    _run(residual, lambda y: seen.append(y) or y, x)
    quiet, loud = (_run(residual, lambda y, s=size: s * y.cos(), x) - x for size in (1.0, 100.0))
    reads, writes = not torch.equal(seen[0], x), not _close(loud, 100 * quiet)
    return {(True, False): "pre", (True, True): "sandwich", (False, True): "res-post"}[reads, writes], 1.0


def _alpha(residual: Residual, x: Tensor) -> float:
    """Return the factor of the stream: a sub-layer -t x turns the output's sign where t passes it."""
    upright = _run(residual, torch.zeros_like, x)
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        turned = (_run(residual, lambda y, t=middle: -t * y, x) * upright).sum() < 0
        low, high = (low, middle) if turned else (middle, high)
    return round((low + high) / 2, 6)


def _norm_of(residual: Residual, placement: str, alpha: float) -> Callable[[Tensor], Tensor]:
    """Return one norm of the block as a function, reached from outside."""
    if placement in ("post", "deep"):
        return lambda x: _run(residual, torch.zeros_like, x / alpha)
    if placement == "res-post":
        return lambda x: _run(residual, lambda _: x, torch.zeros_like(x))

    def read(x: Tensor) -> Tensor:
        seen: list[Tensor] = []
        _run(residual, lambda y: seen.append(y) or y, x)
        return seen[0]

    return read


def _eps(norm: Callable[[Tensor], Tensor], width: int, size: float = 1e-4) -> float:
    """Return eps from a tiny row of mean zero: y = s / sqrt(s^2 + eps)."""
    row = size * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(width // 2)[None, None]
    return float(f"{size**2 * (1 / norm(row)[0, 0, 0].item() ** 2 - 1):.3g}")


@contextmanager
def _scaled(weight: Tensor, rows: slice, factor: float) -> Iterator[None]:
    weight[rows] *= factor
    try:
        yield
    finally:
        weight[rows] /= factor


def _qk_norm(block: Block, x: Tensor) -> str:
    """Make the queries of all heads, then of one head, 1024 times as large: a norm undoes it."""
    attention = block.attention
    before = attention(x)
    with _scaled(attention.query.weight, slice(None), 1024.0):
        if not torch.allclose(attention(x), before, rtol=1e-3, atol=1e-4):
            return "none"
    one = slice(0, attention.query.weight.shape[0] // attention.heads)
    with _scaled(attention.query.weight, one, 1024.0):
        return "head" if torch.allclose(attention(x), before, rtol=1e-3, atol=1e-4) else "width"


def _parallel(block: Block, x: Tensor) -> bool:
    """Silence the attention: in a parallel block the feed-forward reads the same as before."""
    seen: list[Tensor] = []
    hook = block.ffn.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    block(x)
    with _scaled(block.attention.output.weight, slice(None), 2.0**-40):
        block(x)
    hook.remove()
    return torch.equal(*seen)


def statistics_axes(
    norm: Callable[[Tensor], Tensor], shape: tuple[int, int, int] = (3, 4, 6)
) -> tuple[str, ...]:
    """Return the axes over which a norm takes its statistics: of "batch", "time" and "feature".

    One entry is changed. Where another output entry changes too, the two share a statistic, and the axes in
    which their places differ are axes of the statistics.
    """
    x = normal(shape, 0)
    changed = x.clone()
    changed[0, 0, 0] += 1
    moved = (norm(changed) - norm(x)).abs() > 1e-9
    moved[0, 0, 0] = False
    touched = moved.nonzero()
    return tuple(name for axis, name in enumerate(AXES) if (touched[:, axis] > 0).any())
