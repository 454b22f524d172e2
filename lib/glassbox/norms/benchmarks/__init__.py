"""What `glassbox bench norms` measures: four norms, forward and backward, against whoever else has them."""

from functools import partial

import torch
from torch import Tensor

from glassbox.machine.bench import Case, Goal, Operation, Table
from glassbox.norms.benchmarks import candidates, functions, peers

__all__ = ("CASES", "OPERATIONS")

ELEMENTS = 2**26
HEADLINES = (4096, 65536)
CASES = (
    *(
        Case({"rows": ELEMENTS // n, "columns": n}, "bfloat16", headline=n in HEADLINES)
        for n in (2**power for power in range(10, 19))
    ),
    Case({"rows": 4096, "columns": 16384}, "float32", headline=True),
)


def inputs(case: Case, device: torch.device, streams: int, bias: bool) -> tuple[Tensor, ...]:
    """Return `streams` matrices of rows, a gain, and a bias where one is wanted.

    Convention: a mean that is not zero and a gain that is not one, so that no norm passes for another.
    """
    random = partial(torch.randn, dtype=case.torch_dtype, device=device)
    rows, n = case["rows"], case["columns"]
    made = [random(rows, n) + 0.5 for _ in range(streams)] + [1 + 0.1 * random(n)]
    return (*made, 0.1 * random(n)) if bias else tuple(made)


def traffic(case: Case, streams: int, vectors: int) -> int:
    """Return the bytes of `streams` matrices and `vectors` vectors of features."""
    return (streams * case["rows"] + vectors) * case["columns"] * case.element_bytes


def columns(case: Case) -> int:
    """Return the size that the config tables are keyed by."""
    return case["columns"]


RMS = {
    "cases": CASES,
    "inputs": partial(inputs, streams=1, bias=False),
    "ours": functions.our_rms,
    "reference": functions.rms,
    "peers": (
        *peers.general_peers(functions.rms, functions.torch_rms),
        *peers.liger_peers(peers.liger_rms),
        peers.quack_peer(),
    ),
}
LAYER = {
    "cases": CASES,
    "inputs": partial(inputs, streams=1, bias=True),
    "ours": functions.our_layer,
    "reference": functions.layer,
    "peers": (*peers.general_peers(functions.layer, functions.torch_layer), peers.liger_layer_peer()),
}
ADD_RMS = {
    "cases": CASES,
    "inputs": partial(inputs, streams=2, bias=False),
    "ours": functions.our_add_rms,
    "reference": functions.add_rms,
    "peers": (
        *peers.general_peers(functions.add_rms, functions.torch_add_rms),
        *peers.liger_peers(peers.liger_add_rms),
    ),
}
DEEP = {
    "cases": CASES,
    "inputs": partial(inputs, streams=2, bias=True),
    "ours": functions.our_deep,
    "reference": functions.deep,
    "peers": peers.general_peers(functions.deep, functions.torch_deep),
}

FORWARD = Table("norm_forward", columns, candidates.forward)
BACKWARD = Table("norm_backward", columns, candidates.backward)
BACKWARD_GOALS = (Goal(1.5, "liger"), Goal(1.8, "torch"), Goal(0.75))

OPERATIONS = (
    Operation(
        "rms_norm_forward",
        "forward",
        **RMS,
        bytes=partial(traffic, streams=2, vectors=1),  # x, gain in; y out
        goals=(Goal(1.0, "liger"), Goal(1.2, "compile"), Goal(0.90)),
        table=FORWARD,
    ),
    Operation(
        "rms_norm_backward",
        "backward",
        **RMS,
        bytes=partial(traffic, streams=3, vectors=2),  # x, dy, gain in; dx, dgain out
        goals=BACKWARD_GOALS,
        table=BACKWARD,
    ),
    Operation(
        "layer_norm_forward",
        "forward",
        **LAYER,
        bytes=partial(traffic, streams=2, vectors=2),  # x, gain, bias in; y out
        table=FORWARD,
    ),
    Operation(
        "layer_norm_backward",
        "backward",
        **LAYER,
        bytes=partial(traffic, streams=3, vectors=3),  # x, dy, gain in; dx, dgain, dbias out
        goals=BACKWARD_GOALS,
        table=BACKWARD,
    ),
    Operation(
        "add_rms_norm_forward",
        "forward",
        **ADD_RMS,
        bytes=partial(traffic, streams=4, vectors=1),  # x, residual, gain in; y, sum out
        goals=(Goal(1.0, "liger"),),
        table=FORWARD,
    ),
    Operation(
        "add_rms_norm_backward",
        "backward",
        **ADD_RMS,
        bytes=partial(traffic, streams=4, vectors=2),  # sum, dsum, dy, gain in; dx, dgain out
        goals=(Goal(1.4, "liger"),),
        table=BACKWARD,
    ),
    Operation(
        "deep_norm",
        "forward+backward",
        **DEEP,
        # x, fx, gain, bias in, y out; then x, fx, dy, gain in, dx, dfx, dgain, dbias out
        bytes=partial(traffic, streams=8, vectors=5),
        goals=(Goal(1.2, "compile"), Goal(2.5, "eager")),
    ),
)
