"""Tiled attention, forward and backward, in float64: against attention and autograd, under every rule."""

import pytest
import torch
from glassbox import attention
from glassbox.attention.masks import causal, documents, sinks, sliding_window
from glassbox.flash.reference import tiled
from glassbox.flash.reference.recomputing import Recomputing
from glassbox.flash.reference.scoring import Rules, alibi, soft_cap, then
from glassbox.tiny.seeds import normal

SLOPES = torch.tensor([0.5, 0.25, 0.125, 0.0625]).double()
SCALE = 0.4


def inputs(b=2, h=4, g=2, t=7, n=7, d=5, e=3, seed=0):
    return normal((b, h, t, d), seed), normal((b, g, n, d), seed + 1), normal((b, g, n, e), seed + 2)


def one_by_one(q, k, v, rules):
    """The same by a whole matrix of scores; autograd goes through."""
    h, t, n = q.shape[1], q.shape[2], k.shape[2]
    k, v = (x.repeat_interleave(h // k.shape[1], 1) for x in (k, v))
    scores = rules.scale * torch.einsum("bhtd,bhnd->bhtn", q, k)
    if rules.score is not None:
        head = torch.arange(h)[:, None, None]
        scores = rules.score.value(scores, head, torch.arange(n - t, n)[:, None], torch.arange(n))
    mask = rules.mask.dense(t, n) if rules.mask is not None else torch.ones(t, n, dtype=torch.bool)
    scores = scores.masked_fill(~mask, -torch.inf)
    empty = ~mask.any(-1, keepdim=True)
    weights = scores.masked_fill(empty, 0).softmax(-1).masked_fill(empty, 0)
    return weights @ v, scores.masked_fill(empty, 0).logsumexp(-1).masked_fill(empty[..., 0], -torch.inf)


CASES = {
    "plain": ({}, {}),
    "causal": ({}, {"mask": causal()}),
    "more keys": ({"t": 3, "n": 8}, {"mask": causal()}),
    "more queries, empty rows": ({"t": 8, "n": 3}, {"mask": causal()}),
    "multi-query window": ({"g": 1}, {"mask": causal() & sliding_window(3)}),
    "window and sinks": ({}, {"mask": causal() & (sinks(1) | sliding_window(2))}),
    "documents": (
        {},
        {"mask": causal() & documents(torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 2, 2, 2]]))},
    ),
    "soft-cap": ({"g": 4}, {"score": soft_cap(0.7)}),
    "alibi": ({}, {"mask": causal(), "score": alibi(SLOPES)}),
    "soft-cap, then alibi": (
        {"t": 4, "n": 9},
        {"mask": causal(), "score": then(soft_cap(0.7), alibi(SLOPES))},
    ),
}
BLOCKS = [(2, 3), (16, 4), (1, 1)]


def close(got, expected, tolerance=1e-10):
    return all(
        torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(got, expected, strict=True)
    )


def finite_sum(output, lse, do, dlse):
    """A number that depends on the output and on every lse that is finite."""
    inside = lse > -torch.inf
    return (output * do).sum() + (lse[inside] * dlse[inside]).sum()


def gradients(attend, case, seed=9):
    leaves = [x.clone().requires_grad_() for x in case]
    output, lse = attend(*leaves)
    total = finite_sum(output, lse, normal(output.shape, seed), normal(lse.shape, seed + 1))
    return torch.autograd.grad(total, leaves)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("blocks", BLOCKS)
def test_forward_and_backward_equal_the_whole(name, blocks):
    sizes, options = CASES[name]
    case, rules = inputs(**sizes), Rules(SCALE, **options)
    assert close(tiled.forward(*case, rules, *blocks), one_by_one(*case, rules))
    got = gradients(lambda *x: Recomputing.apply(*x, None, rules, *blocks), case)
    assert close(got, gradients(lambda *x: one_by_one(*x, rules), case))


@pytest.mark.parametrize("name", ["causal", "more keys", "more queries, empty rows", "window and sinks"])
def test_forward_and_backward_equal_attention_and_its_autograd(name):
    sizes, options = CASES[name]
    case, rules = inputs(**sizes), Rules(SCALE, **options)

    def attend(q, k, v):
        return attention.scaled_dot_product_attention(q, k, v, rules.mask, scale=SCALE, return_lse=True)

    assert close(tiled.forward(*case, rules, 2, 3), attend(*case))
    got = gradients(lambda *x: Recomputing.apply(*x, None, rules, 2, 3), case)
    assert close(got, gradients(attend, case))


@pytest.mark.parametrize("name", ["more keys", "soft-cap, then alibi"])
def test_gradcheck(name):
    options = CASES[name][1]
    case = [x.requires_grad_() for x in inputs(b=1, g=2, t=2, n=3, d=2, e=1)]
    rules = Rules(SCALE, **options)
    assert torch.autograd.gradcheck(lambda *x: Recomputing.apply(*x, None, rules, 1, 2), case)


def test_rows_that_see_nothing_are_zero_and_pass_no_gradient():
    case, rules = inputs(t=8, n=3), Rules(SCALE, causal())
    output, lse = tiled.forward(*case, rules, 3, 2)
    assert (
        (output[:, :, :5] == 0).all()
        and (lse[:, :, :5] == -torch.inf).all()
        and lse[:, :, 5:].isfinite().all()
    )
    dq, dk, dv = gradients(lambda *x: Recomputing.apply(*x, None, rules, 3, 2), case)
    assert (dq[:, :, :5] == 0).all() and all(x.isfinite().all() and x.ne(0).any() for x in (dq, dk, dv))


def test_after_each_step_the_result_is_exact_for_the_keys_seen_so_far():
    q, k, v = inputs(t=2, n=9)
    rules = Rules(SCALE, causal())
    (queries,) = tiled.query_blocks(q, 2, 9, 2)
    part, reached = tiled.forward_start(queries, 3), 0
    for keys in tiled.key_blocks(k, v, 4):
        part, reached = tiled.forward_step(part, queries, keys, rules), reached + keys.k.shape[3]
        mask = causal().dense(2, 9)[:, :reached]
        expected = attention.scaled_dot_product_attention(
            q, k[:, :, :reached], v[:, :, :reached], mask, scale=SCALE, return_lse=True
        )
        assert close([x.flatten(1, 2) for x in tiled.finish(part)], expected)


def test_halves_are_computed_in_float32():
    case = [x.to(torch.bfloat16) for x in inputs()]
    rules = Rules(SCALE, causal())
    output, lse = tiled.forward(*case, rules, 2, 3)
    single = tiled.forward(*(x.float() for x in case), rules, 2, 3)
    assert output.dtype == torch.bfloat16 and lse.dtype == torch.float32
    assert torch.equal(output, single.output.to(torch.bfloat16)) and torch.equal(lse, single.lse)


def no_delta(o, lse, do, dlse, groups, block, correct=tiled.returned_blocks):
    return [back._replace(delta=0 * back.delta) for back in correct(o, lse, do, dlse, groups, block)]


def no_lse_gradient(o, lse, do, dlse, groups, block, correct=tiled.returned_blocks):
    return correct(o, lse, do, None, groups, block)


def no_slope(*arguments, slope=True, correct=tiled.score_and_slope):
    return correct(*arguments, slope=False)


def top_left(q, groups, keys, block, correct=tiled.query_blocks):
    return correct(q, groups, q.shape[2], block)


@pytest.mark.parametrize(
    "name, broken",
    [
        ("returned_blocks", no_delta),
        ("returned_blocks", no_lse_gradient),
        ("score_and_slope", no_slope),
        ("query_blocks", top_left),
    ],
)
def test_the_tolerance_can_see(name, broken, monkeypatch):
    monkeypatch.setattr(tiled, name, broken)
    with pytest.raises(AssertionError):
        test_forward_and_backward_equal_the_whole("soft-cap, then alibi", (2, 3))
