"""What `glassbox bench attention` measures: the same function by everyone, compulsory bytes, goals."""

from dataclasses import replace

import pytest
import torch
from glassbox.attention.benchmarks import OPERATIONS, candidates, functions, inputs, peers
from glassbox.machine import configs
from glassbox.machine.bench import Case
from glassbox.machine.bench.direction import provider
from glassbox.machine.bench.run import problem

BY_NAME = {operation.name: operation for operation in OPERATIONS}
CPU = torch.device("cpu")
GROUPED = {"batch": 3, "heads": 4, "kv_heads": 2, "keys": 70, "size": 32}
SMALL = {
    "decode_attention": Case(GROUPED, "float32"),
    "paged_decode_attention": Case(GROUPED | {"page": 16}, "float32"),
    "latent_decode_attention": Case({"batch": 1, "heads": 3, "keys": 20}, "float32"),
}


def simulated(operation):
    """Return our function on the simulator."""
    return lambda *tensors: operation.ours(*tensors, backend="simulated")


def judged(name, function, case=None):
    operation = BY_NAME[name]
    this = problem(operation, case or SMALL[name], CPU)
    return this.truth.judge(provider("forward", function, this.tensors, ()).call())


@pytest.mark.parametrize("name", SMALL)
def test_ours_computes_what_the_reference_does(name):
    found = judged(name, simulated(BY_NAME[name]))
    assert found.refused == "" and found.ratio < 8


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("name", ["decode_attention", "paged_decode_attention"])
def test_peers_of_torch_compute_what_the_reference_does(name, monkeypatch):
    """FlexAttention as it is, not compiled: cuDNN's attention needs its GPU."""
    monkeypatch.setattr(peers, "compiled", lambda function: function)
    for peer in BY_NAME[name].peers:
        if peer.name in ("sdpa", "flex"):
            found = judged(name, peer.build(SMALL[name]))
            assert found.refused == "", (peer.name, found)


def test_a_mistake_is_refused():
    def without_the_last_key(q, k, v):
        return functions.decode(q, k[:, :, :-1], v[:, :, :-1])

    def key_heads_tiled(q, k, v):
        return functions.decode(q[:, [0, 2, 1, 3]], k, v)

    def blind_to_the_lengths(q, key_pages, value_pages, table, lengths):
        return functions.paged(q, key_pages, value_pages, table, lengths * 0 + 30)

    def without_the_rotary_part(q, q_rotary, rows, k_rotary):
        return functions.latent(q, q_rotary * 0, rows, k_rotary)

    case = Case(GROUPED, "bfloat16")
    assert judged("decode_attention", without_the_last_key).refused
    assert judged("decode_attention", key_heads_tiled, case).refused
    assert judged("paged_decode_attention", blind_to_the_lengths).refused
    assert judged("latent_decode_attention", without_the_rotary_part).refused


def test_a_layout_is_made_once_for_the_same_tensors():
    made = []
    layout = peers.kept(lambda *tensors: made.append(tensors) or len(made))
    a, b = torch.zeros(2), torch.zeros(2)
    assert [layout(a), layout(a), layout(b), layout(b)] == [1, 1, 2, 2]


def distinct_bytes(*tensors):
    return sum(each.numel() * each.element_size() for each in tensors)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bytes_are_what_is_in_use_once_and_the_outputs_once(dtype):
    for name in ("decode_attention", "latent_decode_attention"):
        case = replace(SMALL[name], dtype=dtype)
        given = BY_NAME[name].inputs(case, CPU)
        assert BY_NAME[name].bytes(case) == distinct_bytes(*given, given[0])  # the output is like q
    case = replace(SMALL["paged_decode_attention"], dtype=dtype)
    q, keys, _, table, lengths = inputs.paged(case, CPU)
    used = int(lengths.sum()) * 2 * 2 * 32 * keys.element_size()
    assert inputs.paged_bytes(case) == used + distinct_bytes(q, q, table, lengths)


def test_operations_are_those_of_two_products():
    assert inputs.flops(SMALL["decode_attention"]) == 2 * 3 * 4 * 70 * (32 + 32)
    assert inputs.flops(SMALL["paged_decode_attention"]) == 2 * (70 + 59 + 47) * 4 * (32 + 32)
    assert inputs.latent_flops(SMALL["latent_decode_attention"]) == 2 * 3 * 20 * (512 + 64 + 512)


def test_the_pages_of_a_case_are_each_used_once():
    _, keys, _, table, lengths = inputs.paged(SMALL["paged_decode_attention"], CPU)
    assert sorted(table[table >= 0].tolist()) == list(range(len(keys)))
    assert ((table >= 0).sum(1) == -(-lengths // 16)).all() and len(set(lengths.tolist())) == 3


def test_caches_hold_a_gigabyte_and_more():
    for operation in OPERATIONS:
        assert all(operation.bytes(case) > 1e9 for case in operation.cases)
        assert any(case.headline for case in operation.cases)


GOALS = {
    "decode_attention": {},
    "paged_decode_attention": {"flex": 1.3, None: 0.80},
    "latent_decode_attention": {None: 0.75},
    "latent_decode_attention_128_heads": {None: 0.44},
}


def test_every_goal_has_its_peer():
    assert {name: {goal.peer: goal.at_least for goal in BY_NAME[name].goals} for name in BY_NAME} == GOALS
    for operation in OPERATIONS:
        names = [peer.name for peer in operation.peers]
        assert {goal.peer for goal in operation.goals} - {None} <= set(names)
        assert len(names) == len(set(names)) and names[:3] == ["eager", "compile", "compile-max"]
    wide = BY_NAME["latent_decode_attention_128_heads"]
    assert all(wide.flops(case) / wide.bytes(case) > 184 for case in wide.cases)  # beyond the ridge


# ---- candidates


EVERY = [(operation, case) for operation in OPERATIONS for case in operation.cases]


@pytest.mark.parametrize("operation, case", EVERY, ids=lambda value: getattr(value, "name", str(value)))
def test_every_case_has_candidates_and_none_twice(operation, case):
    found = operation.table.candidates(case)
    assert 8 <= len(found) <= 80
    assert len({tuple(sorted(config.items())) for config in found}) == len(found)
    with configs.target("sm_90"):
        used = configs.choose(operation.table.name, case.torch_dtype, operation.table.size(case))
    assert used in found


@pytest.mark.parametrize("name", SMALL)
def test_candidates_compute_the_same(name):
    operation = BY_NAME[name]
    this = problem(operation, SMALL[name], CPU)
    wide = replace(SMALL[name], sizes=SMALL[name].sizes | {"size": 128, "heads": 64})
    found = operation.table.candidates(wide)
    for config in found[:: max(1, len(found) // 4)]:
        with configs.override(operation.table.name, config):
            made = provider("forward", simulated(operation), this.tensors, ()).call()
            assert this.truth.judge(made).refused == "", config


def test_a_tile_of_more_heads_waits_for_more_heads():
    few, many = (candidates.latent(Case({"batch": 1, "heads": h, "keys": 64}, "bfloat16")) for h in (16, 64))
    assert {config["HEADS"] for config in few} == {16}
    assert {config["HEADS"] for config in many} == {16, 64}
