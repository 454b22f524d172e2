"""The forward kernels: LayerNorm and RMSNorm, alone or with the residual addition in front.

With what is None left out, and mean = 0 unless CENTRE:

    s = alpha x + added
    y = (s - mean) rstd gain + bias,  rstd = 1 / sqrt(mean((s - mean)^2) + eps)
"""

from glassbox.machine import tl, triton
from glassbox.norms.kernels.pieces import affine, stream


@triton.jit
def norm_rows(
    x_ptr, added_ptr, gain_ptr, bias_ptr, y_ptr, total_ptr, mean_ptr, rstd_ptr,
    rows, n, x_stride, added_stride, alpha, eps,
    CENTRE: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Normalise ROWS whole rows of n <= BLOCK features per program.

    Bytes: every row is loaded once and stored once; every program loads the gain and the bias.
        rows n (x + added + y + total) + ceil(rows / ROWS) n (gain + bias) + 4 rows (1 + CENTRE)
    FLOPs: about 3 per feature, 1 more for each of gain, bias, added and alpha, and 2 for CENTRE.
    """
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.arange(0, BLOCK)[None, :]
    known, there = row < rows, column < n
    inside = known & there
    s = stream(x_ptr, added_ptr, row * x_stride + column, row * added_stride + column, inside, alpha)
    if total_ptr is not None:  # the norm reads the stream as it is stored, rounded
        rounded = s.to(total_ptr.dtype.element_ty)
        tl.store(total_ptr + row * n + column, rounded, mask=inside)
        s = rounded.to(tl.float32)
    if CENTRE:
        mean = tl.sum(s, axis=1, keep_dims=True) / n
        tl.store(mean_ptr + row, mean, mask=known)
        s = tl.where(inside, s - mean, 0.0)
    rstd = tl.rsqrt(tl.sum(s * s, axis=1, keep_dims=True) / n + eps)
    tl.store(rstd_ptr + row, rstd, mask=known)
    tl.store(y_ptr + row * n + column, affine(s * rstd, gain_ptr, bias_ptr, column, there), mask=inside)


@triton.jit
def norm_long_row(
    x_ptr, added_ptr, gain_ptr, bias_ptr, y_ptr, total_ptr, mean_ptr, rstd_ptr,
    n, x_stride, added_stride, alpha, eps,
    CENTRE: tl.constexpr, BLOCK: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Normalise one row of any length per program, BLOCK features at a time, in two passes.

        n mean = sum of count lane_mean,  n var = sum of m2 + count (lane_mean - mean)^2     over the lanes

    Each lane keeps the running mean and squared deviations of its own features, so that no difference of
    large sums is taken; the lanes are combined once, at the end of the first pass.
    Bytes: rows n (2 x + 2 added + y + total + gain + bias) + 4 rows (1 + CENTRE). The second reading of a
        row comes from L2 as long as all rows in flight fit there.
    FLOPs: about 6 per feature, 1 more for gain and bias each, 2 for added and alpha each, and 3 for CENTRE.
    Source: Welford 1962 for the lanes; Chan, Golub, LeVeque 1983, eq. 2.1, for the combination.
    """
    row, lane = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    x_ptr += row * x_stride
    if added_ptr is not None:
        added_ptr += row * added_stride
    lane_mean, m2 = tl.full([BLOCK], 0.0, tl.float32), tl.full([BLOCK], 0.0, tl.float32)
    for start in tl.range(0, n, BLOCK, num_stages=STAGES):
        column = start + lane
        s = stream(x_ptr, added_ptr, column, column, column < n, alpha)
        if total_ptr is not None:
            s = s.to(total_ptr.dtype.element_ty).to(tl.float32)
        away = s - lane_mean
        if CENTRE:
            lane_mean += tl.where(column < n, away / (start // BLOCK + 1), 0.0)
        m2 += tl.where(column < n, away * (s - lane_mean), 0.0)
    mean = tl.sum(lane_mean, axis=0)
    if CENTRE:
        count = (n - lane + BLOCK - 1) // BLOCK
        mean = tl.sum(lane_mean * count, axis=0) / n
        m2 += count * (lane_mean - mean) * (lane_mean - mean)
        tl.store(mean_ptr + row, mean)
    rstd = tl.rsqrt(tl.sum(m2, axis=0) / n + eps)
    tl.store(rstd_ptr + row, rstd)
    for start in tl.range(0, n, BLOCK, num_stages=STAGES):
        column = start + lane
        s = stream(x_ptr, added_ptr, column, column, column < n, alpha)
        if total_ptr is not None:
            rounded = s.to(total_ptr.dtype.element_ty)
            tl.store(total_ptr + row * n + column, rounded, mask=column < n)
            s = rounded.to(tl.float32)
        y = affine((s - mean) * rstd, gain_ptr, bias_ptr, column, column < n)
        tl.store(y_ptr + row * n + column, y, mask=column < n)
