"""What `glassbox bench flash` measures: the same function by everyone, compulsory bytes, FLOPs, goals."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest
import torch
from glassbox.flash.benchmarks import OPERATIONS, candidates, forms, functions, inputs, peers
from glassbox.flash.kernels.launchers import LARGEST_FUSED
from glassbox.machine import configs
from glassbox.machine.bench import Case
from glassbox.machine.bench.direction import provider
from glassbox.machine.bench.run import problem
from torch.nn.attention import varlen

BY_NAME = {operation.name: operation for operation in OPERATIONS}
TABLED = [operation for operation in OPERATIONS if operation.table]
CPU = torch.device("cpu")
SMALL = Case({"batch": 1, "heads": 2, "kv_heads": 1, "tokens": 40, "size": 16}, "float32")
BATCH = replace(SMALL, sizes=SMALL.sizes | {"batch": 3, "heads": 4, "kv_heads": 2})
FORMS = (forms.FULL, forms.CAUSAL, *forms.VARIANTS)
ONE_OF_EACH_KIND = (
    *(f"flash_{form.name}_forward_64" for form in (forms.FULL, forms.CAUSAL)),
    *(f"flash_{form.name}_forward" for form in forms.VARIANTS),
    "flash_causal_backward_64",
    "flash_causal_deterministic_64",
    "flash_sinks_backward",
)
MOST_ERROR = {"flash_soft_cap_forward": 32}  # tanh made of one exponential: LIMIT 2^-24 in each score
TILES = {"QUERIES": 16, "KEYS": 16, "STAGES": 2, "num_warps": 4}
LOOPS = {"ROLES": False, "TWO_LOOPS": True}
TABLES = {"flash_forward": LOOPS, "flash_forward_masked": LOOPS} | {
    f"flash_backward_{kernel}": {} for kernel in ("keys", "queries", "fused")
}


def judged(operation, function, case=SMALL):
    this = problem(operation, case, CPU)
    made = provider(operation.direction, function, this.tensors, this.gradients)
    made.prepare()
    return this.truth.judge(made.call())


@pytest.fixture
def small_tiles():
    """Tiles that leave some to skip in 40 tokens: those of the tables would hold them all."""
    with ExitStack() as stack:
        for name, more in TABLES.items():
            stack.enter_context(configs.override(name, TILES | more))
        yield


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_ours_computes_what_the_reference_does(name, small_tiles):
    found = judged(BY_NAME[name], partial(BY_NAME[name].ours, backend="simulated"))
    assert found.refused == "" and found.ratio < MOST_ERROR.get(name, 8)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_peers_of_torch_compute_what_the_reference_does(form, monkeypatch):
    """FlexAttention as it is, not compiled; what needs a GPU is left out."""
    monkeypatch.setattr(peers.flex, "compiled", lambda function: function)
    operation = next(each for each in OPERATIONS if each.name.startswith(f"flash_{form.name}_forward"))
    case = SMALL if form is forms.PACKED else BATCH
    here = [peer for peer in operation.peers if peer.name not in ("fa2", "cudnn")]
    for peer in here:
        found = judged(operation, peer.build(case), case)
        assert found.refused == "", (peer.name, found)
    assert "flex" in [peer.name for peer in here]


def test_plain_attention_has_the_gradients_of_the_reference():
    for form in (forms.FULL, forms.CAUSAL):
        operation = BY_NAME[f"flash_{form.name}_backward_64"]
        for name in ("eager", "sdpa"):
            peer = next(peer for peer in operation.peers if peer.name == name)
            assert judged(operation, peer.build(BATCH), BATCH).refused == ""


def test_flash_attention_by_lengths_is_told_the_same_rule(monkeypatch):
    """torch's function needs a GPU: one in its place attends row by row from what it is told."""

    def attend(q, k, v, ends, key_ends, longest, longest_key, *, window_size, enable_gqa=False):
        place, sequence = torch.arange(len(q)), torch.bucketize(torch.arange(len(q)), ends[1:], right=True)
        behind = place[:, None] - place
        seen = (sequence[:, None] == sequence) & (behind >= 0)
        seen &= (behind <= window_size[0]) | (window_size[0] < 0)
        assert window_size[1] == 0 and longest == longest_key == int(ends.diff().max())
        sdpa = torch.nn.functional.scaled_dot_product_attention
        heads = (x.transpose(0, 1)[None] for x in (q, k, v))
        return sdpa(*heads, attn_mask=seen, enable_gqa=enable_gqa)[0].transpose(0, 1)

    monkeypatch.setattr(varlen, "varlen_attn", attend)
    for form in (forms.PACKED, forms.WINDOW):
        found = judged(BY_NAME[f"flash_{form.name}_forward"], partial(peers.by_length, form=form))
        assert found.refused == ""
    wrong = partial(peers.by_length, form=forms.WINDOW)
    assert judged(BY_NAME["flash_packed_forward"], wrong).refused


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("form", forms.VARIANTS, ids=lambda form: form.name)
def test_a_variant_is_not_passed_by_plain_causal_attention(form, dtype):
    """Nor the causal form by one without a mask."""

    def blind(q, k, v, *sinks):
        return functions.definition(q, k, v, form=forms.CAUSAL)

    operation = BY_NAME[f"flash_{form.name}_forward"]
    case = replace(SMALL, dtype=dtype)
    if form is not forms.SOFT_CAP:  # scores of random features are far below its limit
        assert judged(operation, blind, case).refused
    unmasked = partial(functions.definition, form=forms.FULL)
    assert judged(BY_NAME["flash_causal_forward_64"], unmasked, case).refused


def test_a_soft_cap_that_is_left_out_is_refused():
    operation = BY_NAME["flash_soft_cap_forward"]
    this = problem(operation, SMALL, CPU)
    loud = [16 * this.tensors[0], *this.tensors[1:]]
    capped, plain = (functions.definition(*loud, form=form) for form in (forms.SOFT_CAP, forms.CAUSAL))
    exact = functions.definition(*(x.double() for x in loud), form=forms.SOFT_CAP)
    truth = this.truth._replace(exact=(exact,), honest=(capped,))
    assert truth.judge((plain,)).refused
    assert truth.judge((functions.ours(*loud, form=forms.SOFT_CAP, backend="simulated"),)).refused == ""


def test_a_wrong_gradient_is_refused():
    def without_the_last_key(q, k, v):
        return functions.definition(q, k.detach(), v, form=forms.FULL) + 0 * k.sum()

    assert judged(BY_NAME["flash_full_backward_64"], without_the_last_key).refused


# ---- costs


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_pairs_are_those_that_the_mask_shows(form):
    """A triangle counts as half a square: half of its diagonal is left out."""
    t = 64
    shown = int(form.mask(t).dense(t, t).sum())
    diagonal = {"full": 0, "window": forms.eighth(t), "prefix": t - forms.eighth(t)}.get(form.name, t)
    assert shown - form.pairs(t) == diagonal / 2


def test_lengths_of_packed_sequences_are_ragged_and_use_every_token():
    for tokens in (40, inputs.TOKENS):
        found = forms.lengths(tokens)
        assert sum(found) == tokens and len(set(found)) == len(found) == forms.SEQUENCES
        assert len(forms.document_ids(tokens)) == tokens
    assert any(length % 16 for length in forms.lengths(inputs.TOKENS))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("form", (forms.CAUSAL, forms.SINKS), ids=lambda form: form.name)
def test_bytes_are_the_inputs_once_and_the_outputs_once(form, dtype):
    case = replace(BATCH, dtype=dtype)
    given = inputs.tensors(case, CPU, form)
    size = sum(x.numel() * x.element_size() for x in given)
    output = given[0].numel() * given[0].element_size()
    assert inputs.forward_bytes(case, form) == size + output
    assert inputs.backward_bytes(case, form) == 2 * size + output  # gradients are like the inputs


def test_operations_follow_the_convention_of_the_field():
    b, h, s, d = 3, 4, 40, 16
    assert inputs.forward_flops(BATCH, forms.FULL) == 4 * s * s * d * h * b
    assert inputs.forward_flops(BATCH, forms.CAUSAL) == 2 * s * s * d * h * b
    assert inputs.backward_flops(BATCH, forms.CAUSAL) == 5 * s * s * d * h * b


# ---- cases and goals


def test_every_case_has_the_same_tokens_and_features():
    for operation in OPERATIONS:
        for case in operation.cases:
            assert case["batch"] * case["tokens"] == inputs.TOKENS
            assert case["heads"] * case["size"] == inputs.FEATURES
        assert any(case.headline for case in operation.cases)
    for size in inputs.SIZES:
        assert [c["tokens"] for c in inputs.of_size(size) if c["heads"] == c["kv_heads"]] == [*inputs.LENGTHS]
    assert any(c["heads"] == 4 * c["kv_heads"] for c in inputs.of_size(128))


def test_one_headline_and_the_last_case_decide_each_row_of_a_table():
    for operation in TABLED:
        sizes = [operation.table.size(case) for case in operation.cases if case.headline]
        assert len(sizes) == len(set(sizes))
        assert operation.cases[-1]["heads"] == operation.cases[-1]["kv_heads"]


GOALS = {
    "forward_64": {"fa2": 1.15, "cudnn": 0.95},
    "forward_128": {"fa2": 1.30, "flex": 1.35, "cudnn": 0.80},
    "backward_64": {"fa2": 1.10, "flex": 1.3, "cudnn": 0.65},
    "backward_128": {"fa2": 1.10, "flex": 1.3, "cudnn": 0.65},
    "deterministic_64": {"fa2": 0.90, "flex": 1.0},
    "deterministic_128": {"fa2": 0.90, "flex": 1.0},
    "forward": {"flex": 1.3},
    "backward": {"flex": 1.15},
}


def test_every_goal_has_its_peer():
    for operation in OPERATIONS:
        own = operation.name
        for form in sorted(FORMS, key=lambda form: -len(form.name)):
            own = own.removeprefix(f"flash_{form.name}_")
        assert {goal.peer: goal.at_least for goal in operation.goals} == GOALS.get(own, {})
        names = [peer.name for peer in operation.peers]
        assert {goal.peer for goal in operation.goals} <= set(names) and len(names) == len(set(names))
    assert len(BY_NAME) == len(OPERATIONS)


def test_a_peer_that_cannot_take_a_case_says_why():
    large, short = inputs.of_size(64)[-1], inputs.of_size(64)[0]
    eager = next(peer for peer in BY_NAME["flash_full_forward_64"].peers if peer.name == "eager")
    assert "34 GB" in eager.skip(large) and eager.skip(short) == ""
    by_length = next(peer for peer in BY_NAME["flash_window_forward"].peers if peer.name == "fa2")
    assert [bool(by_length.skip(case)) for case in inputs.VARIED] == [True, False]
    (fused,) = BY_NAME["flash_determinism"].peers
    assert [bool(fused.skip(case)) for case in inputs.HEADLINES] == [False, False, True]
    assert all(bool(fused.skip(case)) == (case["size"] > LARGEST_FUSED) for case in inputs.HEADLINES)


# ---- candidates


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_every_case_has_candidates_and_none_twice(arch):
    for operation in TABLED:
        for case in operation.cases:
            with configs.target(arch):
                found = operation.table.candidates(case)
                used = configs.choose(operation.table.name, case.torch_dtype, operation.table.size(case))
            assert 8 <= len(found) <= 80
            assert len({tuple(sorted(config.items())) for config in found}) == len(found)
            assert used in found, (operation.name, case, used)


def test_every_table_of_flash_is_tuned_by_an_operation():
    assert {operation.table.name for operation in TABLED} == set(TABLES)


def test_roles_take_four_warps_and_one_loop_and_hopper():
    case = inputs.of_size(128)[-1]
    with configs.target("sm_80"):
        assert not any(config["ROLES"] for config in candidates.forward(case))
    with configs.target("sm_90"):
        given = [config for config in candidates.forward(case) if config["ROLES"]]
    assert given and all(config["num_warps"] == 4 and not config["TWO_LOOPS"] for config in given)


@pytest.mark.parametrize("name", ["flash_causal_forward_64", "flash_causal_backward_64", "flash_determinism"])
def test_candidates_compute_the_same(name):
    operation = BY_NAME[name]
    this = problem(operation, SMALL, CPU)
    with configs.target("sm_90"):
        found = operation.table.candidates(inputs.of_size(64)[-1])
    for config in found[:: len(found) // 2]:
        with configs.override(operation.table.name, config):
            ours = partial(operation.ours, backend="simulated")
            made = provider(operation.direction, ours, this.tensors, this.gradients)
            made.prepare()
            assert this.truth.judge(made.call()).refused == "", config
