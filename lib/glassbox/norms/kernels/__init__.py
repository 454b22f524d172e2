"""The norm kernels, their launchers, and the operators that they are called through."""

from glassbox.norms.kernels.launchers import backward, forward
from glassbox.norms.kernels.operators import norm, norm_backward

__all__ = ("backward", "forward", "norm", "norm_backward")
