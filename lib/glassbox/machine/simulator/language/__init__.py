"""`triton.language`, on NumPy: what `tl` is while a kernel is simulated."""

import builtins
from difflib import get_close_matches as _get_close_matches
from types import SimpleNamespace as _Namespace

from ..block import Block as tensor
from ..dtypes import *  # noqa: F403
from ..errors import UnsupportedOperation as _UnsupportedOperation
from ..pointer import Pointer as _Pointer
from ..state import run as _run
from . import elementwise as math  # noqa: F401
from . import libdevice as _libdevice
from .atomics import *  # noqa: F403
from .constants import *  # noqa: F403
from .control import *  # noqa: F403
from .creation import *  # noqa: F403
from .creation import to as _to
from .descriptors import *  # noqa: F403
from .descriptors import Descriptor as tensor_descriptor  # noqa: F401
from .elementwise import *  # noqa: F403
from .linear import *  # noqa: F403
from .memory_access import *  # noqa: F403
from .random import *  # noqa: F403
from .reductions import *  # noqa: F403
from .scans import *  # noqa: F403
from .shapes import *  # noqa: F403
from .shapes import transposed as _transposed

extra = _Namespace(libdevice=_libdevice, cuda=_Namespace(libdevice=_libdevice))
tuple = builtins.tuple
const = None

_METHODS = """
    abs argmax argmin associative_scan broadcast_to cast cdiv cos cumprod cumsum exp exp2 expand_dims flip
    gather histogram item log log2 max min permute ravel reduce reduce_or reshape rsqrt sigmoid sin softmax
    sort split sqrt sum trans view xor_sum
"""
_POINTER_METHODS = """
    atomic_add atomic_and atomic_cas atomic_max atomic_min atomic_or atomic_xchg atomic_xor broadcast_to cast
    expand_dims load permute reshape store trans
"""
for _kind, _names in ((tensor, _METHODS), (_Pointer, _POINTER_METHODS)):
    for _name in _names.split():
        setattr(_kind, _name, globals()[_name])
    _kind.to = _to
tensor.T = property(_transposed)
tensor.__abs__ = globals()["abs"]


def __getattr__(name: str):
    if name.startswith("_") or not _run.active:
        raise AttributeError(f"tl.{name} is not part of the simulated language")
    near = _get_close_matches(name, globals(), 1)
    look = f"did you mean tl.{near[0]}?" if near else ""
    raise _UnsupportedOperation(f"tl.{name} is not part of the simulated language", look=look)
