"""The backward kernels: dx, and each program's share of dgain and dbias.

With u = (s - mean) rstd and w = dy gain, for each row:

    ds = (w - u mean(w u) - [CENTRE] mean(w)) rstd + dtotal
    dgain = sum of dy u over rows,  dbias = sum of dy over rows

where s = alpha x + added, so that dx = alpha ds and dadded = ds.
"""

from glassbox.machine import tl, triton
from glassbox.norms.kernels.pieces import affine, store_gradients, store_shares, stream


@triton.jit
def norm_rows_backward(
    dy_ptr, x_ptr, added_ptr, gain_ptr, mean_ptr, rstd_ptr, dtotal_ptr,
    dx_ptr, dadded_ptr, dgain_ptr, dbias_ptr,
    rows, n, dy_stride, x_stride, added_stride, dtotal_stride, alpha,
    CENTRE: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Walk over the rows, ROWS at a time; the shares of dgain and dbias stay on chip until the end.

    Bytes: rows n (dy + x + added + dtotal + dx + dadded) + 4 rows (1 + CENTRE)
        + programs n gain + 4 programs n (dgain + dbias)
    FLOPs: about 10 per feature, 1 more for added and dtotal each, 2 for alpha, and 3 for CENTRE.
    """
    column = tl.arange(0, BLOCK)[None, :]
    there = column < n
    gain = affine(tl.full([1, BLOCK], 1.0, tl.float32), gain_ptr, None, column, there)
    dgain, dbias = tl.full([1, BLOCK], 0.0, tl.float32), tl.full([1, BLOCK], 0.0, tl.float32)
    for first in tl.range(tl.program_id(0) * ROWS, rows, tl.num_programs(0) * ROWS, num_stages=STAGES):
        row = tl.arange(0, ROWS)[:, None].to(tl.int64) + first
        known = row < rows
        inside = known & there
        dy = tl.load(dy_ptr + row * dy_stride + column, mask=inside, other=0.0).to(tl.float32)
        s = stream(x_ptr, added_ptr, row * x_stride + column, row * added_stride + column, inside, alpha)
        rstd = tl.load(rstd_ptr + row, mask=known, other=0.0)
        if CENTRE:
            s -= tl.load(mean_ptr + row, mask=known, other=0.0)
        u, w = s * rstd, dy * gain
        ds = w - u * (tl.sum(w * u, axis=1, keep_dims=True) / n)
        if CENTRE:
            ds -= tl.sum(w, axis=1, keep_dims=True) / n
        store_gradients(
            ds * rstd, alpha, dtotal_ptr, row * dtotal_stride + column,
            dx_ptr, dadded_ptr, row * n + column, inside,
        )  # fmt: skip
        dgain += tl.sum(dy * u, axis=0, keep_dims=True)
        dbias += tl.sum(dy, axis=0, keep_dims=True)
    store_shares(dgain, dbias, dgain_ptr, dbias_ptr, tl.program_id(0) * n + column, there)


@triton.jit
def norm_long_row_means(
    dy_ptr, x_ptr, added_ptr, gain_ptr, mean_ptr, rstd_ptr, mean_w_ptr, mean_wu_ptr,
    n, dy_stride, x_stride, added_stride, alpha,
    CENTRE: tl.constexpr, BLOCK: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Take mean(w u) and mean(w) of one row per program: the first of two passes over long rows.

    Bytes: rows n (dy + x + added + gain) + 8 rows (1 + CENTRE)
    """
    row, lane = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    rstd, mean = tl.load(rstd_ptr + row), 0.0
    if CENTRE:
        mean = tl.load(mean_ptr + row)
    sum_w, sum_wu = tl.full([BLOCK], 0.0, tl.float32), tl.full([BLOCK], 0.0, tl.float32)
    for start in tl.range(0, n, BLOCK, num_stages=STAGES):
        column = start + lane
        inside = column < n
        dy = tl.load(dy_ptr + row * dy_stride + column, mask=inside, other=0.0).to(tl.float32)
        s = stream(x_ptr, added_ptr, row * x_stride + column, row * added_stride + column, inside, alpha)
        w = affine(dy, gain_ptr, None, column, inside)
        sum_w += w
        sum_wu += w * ((s - mean) * rstd)
    tl.store(mean_wu_ptr + row, tl.sum(sum_wu, axis=0) / n)
    if CENTRE:
        tl.store(mean_w_ptr + row, tl.sum(sum_w, axis=0) / n)


@triton.jit
def norm_long_row_backward(
    dy_ptr, x_ptr, added_ptr, gain_ptr, mean_ptr, rstd_ptr, mean_w_ptr, mean_wu_ptr, dtotal_ptr,
    dx_ptr, dadded_ptr, dgain_ptr, dbias_ptr,
    rows, n, dy_stride, x_stride, added_stride, dtotal_stride, alpha,
    CENTRE: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Walk down a strip of BLOCK columns, ROWS rows at a time: the second pass, the means at hand.

    Bytes, with a grid of strips x groups: rows n (dy + x + added + dtotal + dx + dadded)
        + 8 strips rows (1 + CENTRE) + groups n gain + 4 groups n (dgain + dbias)
    """
    column = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[None, :]
    there = column < n
    gain = affine(tl.full([1, BLOCK], 1.0, tl.float32), gain_ptr, None, column, there)
    dgain, dbias = tl.full([1, BLOCK], 0.0, tl.float32), tl.full([1, BLOCK], 0.0, tl.float32)
    for first in tl.range(tl.program_id(1) * ROWS, rows, tl.num_programs(1) * ROWS, num_stages=STAGES):
        row = tl.arange(0, ROWS)[:, None].to(tl.int64) + first
        known = row < rows
        inside = known & there
        dy = tl.load(dy_ptr + row * dy_stride + column, mask=inside, other=0.0).to(tl.float32)
        s = stream(x_ptr, added_ptr, row * x_stride + column, row * added_stride + column, inside, alpha)
        rstd = tl.load(rstd_ptr + row, mask=known, other=0.0)
        if CENTRE:
            s -= tl.load(mean_ptr + row, mask=known, other=0.0)
        u, w = s * rstd, dy * gain
        ds = w - u * tl.load(mean_wu_ptr + row, mask=known, other=0.0)
        if CENTRE:
            ds -= tl.load(mean_w_ptr + row, mask=known, other=0.0)
        store_gradients(
            ds * rstd, alpha, dtotal_ptr, row * dtotal_stride + column,
            dx_ptr, dadded_ptr, row * n + column, inside,
        )  # fmt: skip
        dgain += tl.sum(dy * u, axis=0, keep_dims=True)
        dbias += tl.sum(dy, axis=0, keep_dims=True)
    store_shares(dgain, dbias, dgain_ptr, dbias_ptr, tl.program_id(1) * n + column, there)
