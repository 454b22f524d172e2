"""From tensors to launches: rows out of any leading shape, tiles out of the table, one call per kernel."""

from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.machine import configs, launch, triton
from glassbox.machine.simulator.memory import poison
from glassbox.norms.kernels.backward import norm_long_row_backward, norm_long_row_means, norm_rows_backward
from glassbox.norms.kernels.forward import norm_long_row, norm_rows


class Forward(NamedTuple):
    """What the forward launch makes; `total`, `mean` are None where they are not asked for."""

    y: Tensor
    total: Tensor | None
    mean: Tensor | None
    rstd: Tensor


class Backward(NamedTuple):
    """What the backward launches make; None for the gradient of what was not given."""

    dx: Tensor
    dadded: Tensor | None
    dgain: Tensor | None
    dbias: Tensor | None


def as_rows(x: Tensor | None) -> Tensor | None:
    """Return `x` as (rows, n) with neighbouring features side by side: a view wherever one exists."""
    if x is None:
        return None
    rows = x.reshape(-1, x.shape[-1])
    return rows if rows.stride(-1) == 1 or rows.shape[-1] == 1 else rows.contiguous()


def stride(rows: Tensor | None) -> int:
    """Return how far apart two rows lie; 0 for rows that are not there."""
    return 0 if rows is None else rows.stride(0)


def fresh(x: Tensor, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
    """Return memory for an output beside `x`, marked as unwritten where the simulator will see it."""
    out = x.new_empty(shape, dtype=dtype)
    return poison(out) if out.device.type == "cpu" else out


def forward(
    x: Tensor,
    added: Tensor | None,
    gain: Tensor | None,
    bias: Tensor | None,
    alpha: float,
    eps: float,
    *,
    centre: bool,
    keep_total: bool,
    backend: str,
) -> Forward:
    """Launch the forward kernel that fits the row length.

    Shapes: x and added (..., n) of one dtype; gain and bias (n,); y and total like x; mean and rstd (rows,)
        in float32.
    """
    x, added = as_rows(x), as_rows(added)
    rows, n = x.shape
    made = Forward(
        y=fresh(x, rows, n),
        total=fresh(x, rows, n) if keep_total else None,
        mean=fresh(x, rows, dtype=torch.float32) if centre else None,
        rstd=fresh(x, rows, dtype=torch.float32),
    )
    if rows == 0:
        return made
    config = configs.choose("norm_forward", x.dtype, n, backend=backend)
    shared = (x.stride(0), stride(added), alpha if alpha != 1 else None, eps)
    if "STAGES" in config:
        arguments = (x, added, gain, bias, *made, n, *shared)
        launch(norm_long_row, (rows,), *arguments, CENTRE=centre, backend=backend, **config)
    else:
        grid, block = (triton.cdiv(rows, config["ROWS"]),), triton.next_power_of_2(n)
        arguments = (x, added, gain, bias, *made, rows, n, *shared)
        launch(norm_rows, grid, *arguments, CENTRE=centre, BLOCK=block, backend=backend, **config)
    return made


def backward(
    dy: Tensor,
    dtotal: Tensor | None,
    x: Tensor,
    added: Tensor | None,
    gain: Tensor | None,
    mean: Tensor | None,
    rstd: Tensor,
    alpha: float,
    *,
    gain_wanted: bool,
    bias_wanted: bool,
    backend: str,
) -> Backward:
    """Launch the backward kernels that fit the row length, and add up the shares of dgain and dbias.

    Shapes: dy, dtotal, x and added (..., n) of one dtype; mean and rstd (rows,) in float32, as `forward`
        made them; dx and dadded (rows, n) in that dtype; dgain and dbias (n,) in float32.
    Convention: the shares are added in a fixed order, so that two runs agree to the bit.
    """
    dy, dtotal, x, added = map(as_rows, (dy, dtotal, x, added))
    rows, n = x.shape
    dx = fresh(x, rows, n)
    dadded = fresh(x, rows, n) if added is not None else None
    config = configs.choose("norm_backward", x.dtype, n, backend=backend)
    shares = min(config.pop("SHARES"), triton.cdiv(rows, config["ROWS"]))
    made = [fresh(x, shares, n, dtype=torch.float32) if w else None for w in (gain_wanted, bias_wanted)]
    if rows:
        given, out = (dy, x, added, gain, mean, rstd), (dtotal, dx, dadded, *made)
        sizes, alpha = (rows, n, *map(stride, (dy, x, added, dtotal))), alpha if alpha != 1 else None
        how = dict(config, CENTRE=mean is not None, backend=backend)
        (_long_rows if "STRIP" in config else _rows)(given, out, sizes, alpha, shares, how)
    return Backward(dx, dadded, *(None if share is None else share.sum(0) for share in made))


def _rows(given, out, sizes, alpha, shares, how) -> None:
    block = triton.next_power_of_2(sizes[1])
    launch(norm_rows_backward, (shares,), *given, *out, *sizes, alpha, BLOCK=block, **how)


def _long_rows(given, out, sizes, alpha, shares, how) -> None:
    rows, n, *strides = sizes
    block, rows_at_once, strip = how.pop("BLOCK"), how.pop("ROWS"), how.pop("STRIP")
    warps, strip_warps = how.pop("num_warps"), how.pop("STRIP_WARPS")
    rstd, mean = given[5], given[4]
    means = [None if needless else fresh(rstd, rows) for needless in (mean is None, False)]
    shapes = (n, *strides[:3], alpha)
    launch(norm_long_row_means, (rows,), *given, *means, *shapes, BLOCK=block, num_warps=warps, **how)
    grid = (triton.cdiv(n, strip), shares)
    tile = dict(how, BLOCK=strip, ROWS=rows_at_once, num_warps=strip_warps)
    launch(norm_long_row_backward, grid, *given, *means, *out, *sizes, alpha, **tile)
