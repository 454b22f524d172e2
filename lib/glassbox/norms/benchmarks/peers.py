"""Who else computes the norms. Liger's signatures are those of liger-kernel 0.8.5."""

from collections.abc import Callable
from functools import partial

from glassbox.machine.bench import Case, Peer, compiled
from glassbox.norms.benchmarks.functions import LAYER_EPS, RMS_EPS

LIGER = {"package": "liger_kernel", "distribution": "liger-kernel", "minimum": "0.6"}
QUACK = {"package": "quack", "distribution": "quack-kernels", "minimum": "0.2"}


def general_peers(definition: Callable, own_of_torch: Callable) -> tuple[Peer, ...]:
    """Return the peers that every norm has: the reference, torch's functions, and torch.compile twice.

    Convention: max-autotune without its CUDA graphs, which copy every input first; the protocol replays the
        graph of every provider alike.
    """
    slow = "max-autotune-no-cudagraphs"
    return (
        Peer("eager", lambda case: definition),
        Peer("torch", lambda case: own_of_torch),
        Peer("compile", lambda case: compiled(definition)),
        Peer("compile-max", lambda case: compiled(definition, slow), skip=_headlines_only),
    )


def liger_peers(build: Callable) -> tuple[Peer, ...]:
    """Return Liger with our order of the last cast (its "gemma"), and with its default ("llama")."""
    names = {"liger": "gemma", "liger-llama": "llama"}
    return tuple(Peer(name, partial(build, casting=casting), **LIGER) for name, casting in names.items())


def liger_layer_peer() -> Peer:
    """Return Liger's LayerNorm."""
    return Peer("liger", _liger_layer, **LIGER)


def quack_peer() -> Peer:
    """Return Quack's RMSNorm; it needs the CuTe DSL, so it is absent on most machines."""
    return Peer("quack", _quack_rms, **QUACK)


def liger_rms(case: Case, casting: str) -> Callable:
    """Return Liger's RMSNorm. Its backward pass writes the input's gradient over the output's."""
    from liger_kernel.ops.rms_norm import LigerRMSNormFunction as Norm

    return lambda x, gain: Norm.apply(x, gain, RMS_EPS, 0.0, casting)


def liger_add_rms(case: Case, casting: str) -> Callable:
    """Return Liger's residual addition with RMSNorm."""
    from liger_kernel.ops.fused_add_rms_norm import LigerFusedAddRMSNormFunction as Norm

    return lambda x, residual, gain: Norm.apply(x, residual, gain, RMS_EPS, 0.0, casting)


def _liger_layer(case: Case) -> Callable:
    from liger_kernel.ops.layer_norm import LigerLayerNormFunction as Norm

    return lambda x, gain, bias: Norm.apply(x, gain, bias, LAYER_EPS)


def _quack_rms(case: Case) -> Callable:
    from quack import rmsnorm

    return lambda x, gain: rmsnorm(x, weight=gain, eps=RMS_EPS)


def _headlines_only(case: Case) -> str:
    return "" if case.headline else "measured on the headline cases only: it takes long to compile"
