"""Peers as plugins: who else computes this, whether it is here, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import torch

from glassbox.machine.bench.provenance import reason
from glassbox.machine.versions import numbers


def _always(case) -> str:
    return ""


@dataclass(frozen=True)
class Peer:
    """Another implementation.

    `build(case)` returns a function of the operation's tensors, or raises. `skip(case)` returns why it is
    not measured on a case, '' if it is. `package` is what must be importable, `distribution` what it is
    installed as, `minimum` the oldest version whose interface `build` knows.
    """

    name: str
    build: Callable[..., Callable]
    package: str = "torch"
    distribution: str = ""
    minimum: str = ""
    skip: Callable[..., str] = _always


def absence(peer: Peer) -> str:
    """Return why a peer cannot be measured here, '' if it is installed in a version that is known."""
    distribution = peer.distribution or peer.package
    try:
        import_module(peer.package)
        found = version(distribution)
    except (PackageNotFoundError, ModuleNotFoundError) as error:
        missing = getattr(error, "name", None) or distribution
        return f"{missing} is not installed"
    except Exception as error:  # a package that does not fit its own dependencies raises anything
        return reason(error)
    if peer.minimum and numbers(found) < numbers(peer.minimum):
        return f"{distribution} {found} is older than {peer.minimum}"
    return ""


def compiled(function: Callable, mode: str | None = None) -> Callable:
    """Return `torch.compile` of a function, for exactly the shapes that it is called with.

    Convention: fullgraph, so that it fails instead of falling back to eager; without CUDA graphs, which the
        protocol measures for every provider alike.
    """
    return torch.compile(function, fullgraph=True, dynamic=False, mode=mode)
