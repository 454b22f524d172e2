"""The functions of NVIDIA's device library that kernels use most."""

import numpy as np
import torch

from ..errors import UnsupportedOperation
from .elementwise import _by_torch, _unary

tanh, tan = _unary("tanh", np.tanh), _unary("tan", np.tan)
log1p, expm1 = _unary("log1p", np.log1p), _unary("expm1", np.expm1)
erfc, lgamma = _unary("erfc", _by_torch(torch.erfc)), _unary("lgamma", _by_torch(torch.lgamma))
rint, trunc = _unary("rint", np.rint, "plain"), _unary("trunc", np.trunc, "plain")


def __getattr__(name: str):
    if name.startswith("__"):
        raise AttributeError(name)
    raise UnsupportedOperation(f"libdevice.{name} is not simulated")
