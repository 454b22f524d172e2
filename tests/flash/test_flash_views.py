"""The FlashAttention kernels take tensors as they lie in memory, and copy what no descriptor takes."""

import pytest
import torch
from flash_cases import FORMS, TOLERANCE, Case, called, case, defined, disagreement, draw, plan_of, tiles
from glassbox.flash import flash_attention
from glassbox.flash.kernels import Made, backward, forward
from glassbox.flash.kernels.plan import fitting
from glassbox.machine import captured

TAKEN = {
    "tokens before heads": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "the start of a longer one": lambda x: torch.cat((x, x * torch.nan), 2)[:, :, : x.shape[2]],
    "the end of a longer one": lambda x: torch.cat((x * torch.nan, x), 2)[:, :, x.shape[2] :],
    "one of three, side by side": lambda x: torch.stack((x, x, x), 3)[:, :, :, 1],
    "half of the features": lambda x: torch.cat((x, x * torch.nan), 3)[..., : x.shape[3]],
    "one head expanded": lambda x: x[:, :1].expand_as(x),
    "every other row": lambda x: x.repeat_interleave(2, 2)[:, :, ::2],
}
COPIED = {
    "features first": lambda x: x.mT.contiguous().mT,
    "every other feature": lambda x: x.repeat_interleave(2, 3)[..., ::2],
    "one element on": lambda x: torch.cat((x[..., :1], x), 3)[..., 1:],
    "rows of an odd length": lambda x: torch.cat((x, x[..., :1]), 3)[..., :-1],
    "one number expanded": lambda x: x[:1, :1, :1, :1].expand_as(x),
}


def launches(*leaves):
    with captured() as found:
        forward(*leaves, plan_of(case(t=20)), backend="simulated")
    return found[0].args[:3]


@pytest.mark.parametrize("view", TAKEN | COPIED)
def test_views_give_what_contiguous_tensors_give(view):
    look = (TAKEN | COPIED)[view]
    given = case(b=2, h=2, t=20, n=33, causal=True)
    given = given._replace(leaves=tuple(look(x) for x in given.leaves))
    plain = given._replace(leaves=tuple(x.contiguous() for x in given.leaves))
    with tiles(32, 32):
        made, right = (called(each, backend="simulated", deterministic=True) for each in (given, plain))
    assert all(torch.equal(a, b) for a, b in zip(made, right, strict=True))
    assert disagreement(made, defined(plain)) < TOLERANCE


def test_what_a_descriptor_takes_is_not_copied():
    for view, look in TAKEN.items():
        leaves = [look(x) for x in case(b=2, h=2, t=20).leaves]
        passed = launches(*leaves)
        assert [x.data_ptr() for x in passed] == [x.data_ptr() for x in leaves], view
    for view, look in COPIED.items():
        leaves = [look(x) for x in case(b=2, h=2, t=20).leaves]
        assert all(x.data_ptr() != y.data_ptr() for x, y in zip(launches(*leaves), leaves, strict=True)), view


def test_a_descriptor_spans_nothing_that_stands_still():
    """A stride of 0 between rows, or between heads that one descriptor spans, is no rectangle in memory."""
    rows, heads = draw(2, 2, 1, 16).expand(2, 2, 20, 16), draw(2, 1, 20, 16).expand(2, 2, 20, 16)
    assert fitting(rows).stride(2) > 0 and fitting(rows).equal(rows)
    assert fitting(heads) is heads and fitting(heads, heads=True).stride(1) > 0


def test_rows_that_are_no_multiple_of_16_bytes_are_lengthened():
    for dtype, d, stride in ((torch.float32, 5, 8), (torch.float16, 20, 24)):
        for x in launches(*case(t=20, d=d, dtype=dtype).leaves):
            assert x.stride(2) == stride and x.shape[3] == d


GRADIENTS = {
    "one number": lambda do: do.new_ones(()).expand_as(do),
    "the same for each query": lambda do: do[:, :, :1].expand_as(do),
    "tokens before heads": TAKEN["tokens before heads"],
    "features first": COPIED["features first"],
    "part of more": TAKEN["half of the features"],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("view", GRADIENTS)
def test_a_gradient_may_lie_as_it_likes(view, form):
    given = case(b=2, h=2, g=1, t=20, n=33, e=24, causal=True)
    leaves, plan = given.leaves, plan_of(given)
    with tiles(32, 32):
        made = forward(*leaves, plan, backend="simulated")
        do = GRADIENTS[view](draw(*made.output.shape, seed=7))
        dlse = draw(1, 1, 20).expand_as(made.lse)
        how = {"deterministic": FORMS[form], "backend": "simulated"}
        one = backward(*leaves, made, do, dlse, plan, **how)
        other = backward(*leaves, made, do.contiguous(), dlse.contiguous(), plan, **how)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_gradients_are_contiguous_and_fit_their_leaves():
    given = case(b=2, h=2, g=1, t=20, n=33, d=5, e=3, dtype=torch.float16)
    given = given._replace(leaves=tuple(TAKEN["tokens before heads"](x) for x in given.leaves))
    for form in FORMS.values():
        gradients = called(given, backend="simulated", deterministic=form)[2:]
        assert all(x.is_contiguous() for x in gradients)
        assert [(x.shape, x.dtype) for x in gradients] == [(x.shape, x.dtype) for x in given.leaves]


def test_only_the_gradients_that_are_wanted_are_returned():
    q, k, v = case(h=2, t=20).leaves
    sinks = draw(2).requires_grad_()
    flash_attention(q, k, v, sinks=sinks, backend="simulated").sum().backward()
    right = called(Case((q, k, v, sinks), {}), backend="reference")
    made = called(Case((q, k, v, sinks), {}), backend="simulated")
    assert sinks.grad.ne(0).all() and q.grad is None
    assert (made[5] - right[5]).abs().max() < TOLERANCE


def test_a_gradient_through_the_log_sum_exp_alone():
    leaves = [x.double().requires_grad_() for x in case(t=20, n=33, causal=True).leaves]
    flash_attention(*leaves, causal=True, return_lse=True, backend="reference").lse.sum().backward()
    small = [x.detach().float().requires_grad_() for x in leaves]
    flash_attention(*small, causal=True, return_lse=True, backend="simulated").lse.sum().backward()
    assert all((a.grad - b.grad).abs().max() < TOLERANCE for a, b in zip(small[:2], leaves[:2], strict=True))
    assert small[2].grad.eq(0).all() and small[0].grad.ne(0).any()


def test_what_autograd_keeps_grows_with_the_length_alone():
    kept = {}
    for t in (20, 40):
        sizes, leaves = [], [x.requires_grad_() for x in case(t=t, d=24).leaves]
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x, s=sizes: s.append(x.numel()) or x, lambda x: x
        ):
            flash_attention(*leaves, causal=True, backend="simulated")
        kept[t] = sum(sizes)
    assert kept == {t: t * (4 * 24 + 1) for t in kept}  # q, k, v, o and the lse


def test_delta_is_taken_from_the_output_as_it_was_rounded():
    given = case(t=20, dtype=torch.float16)
    with tiles():
        made = forward(*given.leaves, plan_of(given), backend="simulated")
        do = draw(*made.output.shape, seed=7, dtype=torch.float16)
        how = {"deterministic": True, "backend": "simulated"}
        delta = backward(*given.leaves, Made(*made), do, None, plan_of(given), **how).delta
    assert made.output.dtype == torch.float16 and made.lse.dtype == delta.dtype == torch.float32
    assert torch.allclose(delta, (do.float() * made.output.float()).sum(-1), rtol=1e-5, atol=1e-6)
