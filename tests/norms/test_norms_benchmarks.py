"""What `glassbox bench norms` measures: the same function by everyone, bytes that are compulsory, goals."""

import sys
from dataclasses import replace
from math import prod
from types import SimpleNamespace

import pytest
import torch
from glassbox.machine import configs
from glassbox.machine.bench import Case
from glassbox.machine.bench.accuracy import truth
from glassbox.machine.bench.direction import as_tuple, provider
from glassbox.machine.bench.run import problem
from glassbox.norms.benchmarks import CASES, OPERATIONS, candidates

BY_NAME = {operation.name: operation for operation in OPERATIONS}
CPU = torch.device("cpu")
SMALL = Case({"rows": 6, "columns": 40}, "float32")


def simulated(operation):
    """Return our function on the simulator."""
    return lambda *tensors: operation.ours(*tensors, backend="simulated")


def tensors_of(operation, case=SMALL):
    """Return inputs and the gradients of the outputs."""
    torch.manual_seed(0)
    tensors = operation.inputs(case, CPU)
    return tensors, [torch.randn_like(each) for each in as_tuple(operation.reference(*tensors))]


@pytest.mark.parametrize("name", BY_NAME)
def test_ours_computes_what_the_reference_does(name):
    operation = BY_NAME[name]
    this = problem(operation, SMALL, CPU)
    made = provider(operation.direction, simulated(operation), this.tensors, this.gradients)
    judged = this.truth.judge(made.call())
    assert judged.refused == "" and judged.ratio < 4


@pytest.mark.parametrize("name", BY_NAME)
def test_torch_computes_what_the_reference_does(name):
    operation = BY_NAME[name]
    tensors, gradients = tensors_of(operation, replace(SMALL, dtype="float64"))
    own = next(peer for peer in operation.peers if peer.name == "torch").build(SMALL)
    found = provider(operation.direction, own, tensors, gradients).call()
    wanted = provider(operation.direction, operation.reference, tensors, gradients).call()
    assert len(found) == len(wanted)
    for each, exact in zip(found, wanted, strict=True):
        torch.testing.assert_close(each, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BY_NAME)
def test_one_norm_does_not_pass_for_another(name):
    operation = BY_NAME[name]
    case = Case({"rows": 64, "columns": 256}, "bfloat16")
    tensors, gradients = tensors_of(operation, case)

    def without_the_mean(*given):
        return operation.reference(given[0] - given[0].mean(-1, keepdim=True), *given[1:])

    def without_the_gain(*given):
        vectors = [each * 0 + 1 if each.ndim == 1 else each for each in given]
        return operation.reference(*vectors)

    right = truth(operation.direction, operation.reference, tensors, gradients)
    blind = operation.name.startswith("layer") or operation.name == "deep_norm"
    for mistake in (without_the_gain,) if blind else (without_the_mean, without_the_gain):
        assert right.judge(provider(operation.direction, mistake, tensors, gradients).call()).refused


def distinct_bytes(tensors):
    """Return the bytes of some tensors."""
    return sum(each.numel() * each.element_size() for each in tensors)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bytes_are_inputs_once_and_outputs_once(name, dtype):
    operation, case = BY_NAME[name], replace(SMALL, dtype=dtype)
    tensors, gradients = tensors_of(operation, case)
    streams = [each for each in tensors if each.ndim == 2]
    bias = tensors[-1:] if len(tensors) - len(streams) == 2 else ()
    forward = distinct_bytes([*tensors, *gradients])
    # the bias is not needed, and the gradients of what is only added are one tensor
    kept = streams[:1] if name.startswith("add") else streams
    backward = distinct_bytes([*kept, *gradients, tensors[len(streams)], *kept, tensors[len(streams)], *bias])
    wanted = {"forward": forward, "backward": backward, "forward+backward": forward + backward}
    assert operation.bytes(case) == wanted[operation.direction]


def test_cases_are_those_of_the_plan():
    bf16 = [case for case in CASES if case.dtype == "bfloat16"]
    assert [case["columns"] for case in bf16] == [2**power for power in range(10, 19)]
    assert {prod(case.sizes.values()) for case in CASES} == {2**26}
    assert {str(case) for case in CASES} >= {"16384 x 4096 bfloat16", "4096 x 16384 float32"}
    assert all(operation.cases == CASES for operation in OPERATIONS)
    assert 1 < sum(case.headline for case in CASES) < len(CASES)


GOALS = {
    "rms_norm_forward": {"liger": 1.0, "compile": 1.2, None: 0.9},
    "rms_norm_backward": {"liger": 1.5, "torch": 1.8, None: 0.75},
    "layer_norm_forward": {},
    "layer_norm_backward": {"liger": 1.5, "torch": 1.8, None: 0.75},
    "add_rms_norm_forward": {"liger": 1.0},
    "add_rms_norm_backward": {"liger": 1.4},
    "deep_norm": {"compile": 1.2, "eager": 2.5},
}


def test_every_goal_has_its_peer():
    assert {name: {goal.peer: goal.at_least for goal in BY_NAME[name].goals} for name in BY_NAME} == GOALS
    for operation in OPERATIONS:
        peers = [peer.name for peer in operation.peers]
        assert {goal.peer for goal in operation.goals} - {None} <= set(peers)
        assert len(peers) == len(set(peers)) and peers[:4] == ["eager", "torch", "compile", "compile-max"]


def test_the_slow_compiler_is_measured_on_headlines():
    peer = next(peer for peer in OPERATIONS[0].peers if peer.name == "compile-max")
    assert [bool(peer.skip(case)) for case in CASES] == [not case.headline for case in CASES]


def test_liger_gets_its_arguments_in_order(monkeypatch):
    got = []
    norm = SimpleNamespace(apply=lambda *arguments: got.append(arguments))
    names = {"rms_norm": "LigerRMSNormFunction", "layer_norm": "LigerLayerNormFunction"}
    names["fused_add_rms_norm"] = "LigerFusedAddRMSNormFunction"
    for package in ("liger_kernel", "liger_kernel.ops"):
        monkeypatch.setitem(sys.modules, package, SimpleNamespace())
    for module, name in names.items():
        monkeypatch.setitem(sys.modules, f"liger_kernel.ops.{module}", SimpleNamespace(**{name: norm}))
    for name, arguments in (
        ("rms_norm_forward", ("x", "gain")),
        ("layer_norm_forward", ("x", "gain", "bias")),
        ("add_rms_norm_forward", ("x", "residual", "gain")),
    ):
        for peer in BY_NAME[name].peers:
            if peer.name.startswith("liger"):
                peer.build(SMALL)(*arguments)
    assert got == [
        ("x", "gain", 1e-6, 0.0, "gemma"),
        ("x", "gain", 1e-6, 0.0, "llama"),
        ("x", "gain", "bias", 1e-5),
        ("x", "residual", "gain", 1e-6, 0.0, "gemma"),
        ("x", "residual", "gain", 1e-6, 0.0, "llama"),
    ]


# ---- candidates


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_case_has_candidates_and_none_twice(case):
    for make in (candidates.forward, candidates.backward):
        found = make(case)
        assert 8 <= len(found) <= 80
        assert len({tuple(sorted(config.items())) for config in found}) == len(found)


def test_the_table_in_use_is_near_the_candidates():
    for case in CASES:
        for table, make in (("norm_forward", candidates.forward), ("norm_backward", candidates.backward)):
            with configs.target("sm_90"):
                used = configs.choose(table, case.torch_dtype, case["columns"])
            assert used.keys() in [config.keys() for config in make(case)]


@pytest.mark.parametrize("name", ["rms_norm_forward", "rms_norm_backward"])
@pytest.mark.parametrize("columns", [1024, 16384])
def test_candidates_compute_the_norm(name, columns):
    operation, case = BY_NAME[name], Case({"rows": 3, "columns": columns}, "float32")
    this = problem(operation, case, CPU)
    made = provider(operation.direction, simulated(operation), this.tensors, this.gradients)
    found = operation.table.candidates(case)
    for config in found[:: max(1, len(found) // 5)]:
        with configs.override(operation.table.name, config):
            assert this.truth.judge(made.call()).refused == "", config
