"""The norm kernels, their launchers, and the operators that they are called through."""

from glassbox.norms.kernels.backward import norm_long_row_backward, norm_long_row_means, norm_rows_backward
from glassbox.norms.kernels.forward import norm_long_row, norm_rows
from glassbox.norms.kernels.launchers import backward, forward
from glassbox.norms.kernels.operators import norm, norm_backward

__all__ = (
    "backward",
    "forward",
    "norm",
    "norm_backward",
    "norm_long_row",
    "norm_long_row_backward",
    "norm_long_row_means",
    "norm_rows",
    "norm_rows_backward",
)
