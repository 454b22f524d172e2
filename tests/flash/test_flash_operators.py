"""The FlashAttention operators keep PyTorch's contract: graphs, meta tensors, gradients."""

from importlib.util import find_spec

import pytest
import torch
from flash_cases import FORMS, SAMPLES, arguments, called, case, cotangents, plan_of, tiles
from flash_graphs import GRAPHS
from glassbox.flash import flash_attention
from glassbox.flash.kernels import operators
from machine.graphs import printed

EMPTY = {"no queries": case(t=0, n=5), "no sequences": case(b=0, t=5)}


def sample(given, grad=True, deterministic=True):
    """Return the arguments of the operator."""
    plan, leaves = plan_of(given), [x.clone().requires_grad_(grad) for x in given.leaves]
    lengths = [None if each is None else list(each) for each in (plan.lengths, plan.key_lengths)]
    sinks = leaves[3] if len(leaves) > 3 else None
    names = "\n".join(name for name, _, _ in plan.scores)
    numbers = [x for _, numbers, _ in plan.scores for x in numbers]
    counts = [count for _, numbers, tables in plan.scores for count in (len(numbers), tables)]
    planned = (plan.prefix, plan.mask, list(plan.tensors), names, numbers or None, counts or None, *lengths)
    return (
        *leaves[:3],
        sinks,
        deterministic,
        *planned,
        plan.scale,
        plan.causal,
        plan.window,
        plan.sink_tokens,
    )


@pytest.mark.parametrize("name", SAMPLES | EMPTY)
def test_the_operators_keep_pytorchs_contract(name):
    given = (SAMPLES | EMPTY)[name]
    with tiles(32, 32):
        torch.library.opcheck(operators.flash_attention, sample(given))
        q, k, v, _, deterministic, *rest = sample(given, grad=False)
        made = operators.flash_attention(*sample(given, grad=False))
        above = (*cotangents(*made), *made, q, k, v, deterministic, *rest)
        torch.library.opcheck(operators.flash_attention_backward, above)


def test_a_compiled_graph_holds_the_operator_whole():
    assert printed("flash/flash_graphs.py") == [*GRAPHS, "of any size"]


@pytest.mark.parametrize("backend", ["simulated", "compiled"])
@pytest.mark.parametrize("name", GRAPHS)
def test_meta_tensors_pass_through(name, backend):
    if backend == "compiled" and find_spec("triton") is None:
        pytest.skip("the compiled way needs Triton, which is for Linux")
    given = GRAPHS[name]
    rules = {k: x.to("meta") if isinstance(x, torch.Tensor) else x for k, x in arguments(given.rules).items()}
    leaves = [x.to("meta").requires_grad_() for x in given.leaves]
    sinks = leaves[3] if len(leaves) > 3 else None
    made = flash_attention(*leaves[:3], sinks=sinks, **rules, return_lse=True, backend=backend)
    gradients = torch.autograd.grad(made, leaves, [torch.ones_like(x) for x in made])
    for one, other in zip((*made, *gradients), called(given, backend="reference"), strict=True):
        assert one.is_meta and (one.shape, one.dtype) == (other.shape, other.dtype)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_way_to_call_gives_the_same(name):
    given = SAMPLES[name]
    simulated = called(given, backend="simulated")
    for backend in ("reference", "auto"):
        for one, other in zip(called(given, backend=backend), simulated, strict=True):
            assert torch.allclose(one, other, rtol=1e-4, atol=2e-5)
    q, k, v, *sinks = given.leaves
    rules = arguments(given.rules) | ({"sinks": sinks[0]} if sinks else {})
    alone = flash_attention(q, k, v, **rules, backend="simulated")
    assert isinstance(alone, torch.Tensor) and torch.equal(alone, simulated[0])


def test_both_forms_of_the_backward_pass_give_the_same():
    for name, given in SAMPLES.items():
        one, other = (called(given, backend="simulated", deterministic=form) for form in FORMS.values())
        assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(one, other, strict=True)), name


@pytest.mark.parametrize("backend", ["simulated", "reference"])
def test_a_second_derivative_is_refused(backend):
    leaves = [x.requires_grad_() for x in case(t=5).leaves]
    output = flash_attention(*leaves, backend=backend)
    (dq, *_) = torch.autograd.grad(output.sum(), leaves, create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(dq.sum(), leaves)


def test_a_score_without_jit_functions_runs_on_the_definition_alone():
    given = case(h=4, t=5, score="own")
    bare = arguments(given.rules)["score"]._replace(parts=())
    q, k, v = given.leaves
    whole = flash_attention(q, k, v, score=bare)
    assert torch.allclose(whole, called(given, backend="simulated")[0], rtol=1e-4, atol=1e-5)
