"""The FlashAttention kernels give what a matrix in float64 gives, forward and backward, on every shape."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from flash_cases import (
    FORMS,
    TOLERANCE,
    Case,
    called,
    case,
    cotangents,
    defined,
    disagreement,
    interpreted,
    plan_of,
    tiles,
)
from glassbox.attention.kernels.pieces import fold
from glassbox.flash import flash_attention
from glassbox.flash.kernels import backward, forward
from glassbox.machine import tl, triton

SHAPES = {
    "one query, one key": case(t=1, n=1),
    "one query": case(h=4, g=2, t=1, n=37),
    "one key": case(t=37, n=1),
    "a tile less one": case(t=15, n=31),
    "a tile": case(t=16, n=32),
    "a tile and one": case(t=17, n=33),
    "whole tiles": case(t=32, n=48),
    "a diagonal that ends one key before a tile": case(t=20, n=34),
    "a diagonal that ends with a tile": case(t=20, n=35),
    "ragged": case(b=2, h=1, t=41, n=77),
    "more queries than keys": case(t=50, n=20),
    "grouped": case(b=2, h=4, g=2, t=20, n=37),
    "one key head": case(h=5, g=1, t=20, n=37),
    "odd sizes": case(t=20, d=5, e=3),
    "one feature": case(t=20, d=1, e=1),
    "24 and 40": case(t=20, n=35, d=24, e=40),
    "40 and 24": case(t=20, n=35, d=40, e=24),
    "64": case(t=20, n=35, d=64),
    "80": case(t=20, n=35, d=80),
    "128": case(t=20, n=35, d=128),
    "192 and 128": case(t=20, n=35, d=192, e=128),
    "256": case(t=20, n=35, d=256),
    "no queries": case(t=0, n=20),
    "no sequences": case(b=0, t=20),
}


def on_kernels(given, form="fused", tile=(16, 16), **how):
    with tiles(*tile):
        return called(given, backend="simulated", deterministic=FORMS[form], **how)


@pytest.mark.parametrize("causal, form", [(False, "fused"), (True, "deterministic")])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_equals_float64(shape, causal, form):
    given = SHAPES[shape]._replace(rules={"causal": causal})
    assert disagreement(on_kernels(given, form), defined(given)) < TOLERANCE


@pytest.mark.parametrize("tile", [(16, 32), (32, 16), (64, 64), (16, 16, False)], ids=str)
def test_every_tile_gives_the_same(tile):
    for causal, form in ((False, "deterministic"), (True, "fused")):
        given = case(h=2, g=1, t=41, n=60, d=24, e=16, causal=causal)
        assert disagreement(on_kernels(given, form, tile), defined(given)) < TOLERANCE


@pytest.mark.parametrize("d", [16, 64, 65, 128, 129, 256])
def test_the_tiles_of_the_tables_give_the_same(d):
    given = case(h=2, g=1, t=33, n=66, d=d, causal=True)
    assert disagreement(called(given, backend="simulated"), defined(given)) < TOLERANCE


def test_the_definition_is_the_matrix_in_float64():
    for given in SHAPES.values():
        for causal in (False, True):
            this = given._replace(rules={"causal": causal}).to(torch.float64)
            assert disagreement(called(this, backend="reference"), defined(this)) < 1e-12


def test_the_output_is_that_of_pytorch():
    q, k, v = case(h=6, g=2, t=41, n=77).leaves
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    assert (flash_attention(q, k, v, backend="simulated") - theirs).abs().max() < TOLERANCE
    q, k, v = case(h=2, t=41).leaves
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert (flash_attention(q, k, v, causal=True, backend="simulated") - theirs).abs().max() < TOLERANCE


def test_queries_that_see_nothing_give_zeros_and_pass_no_gradient():
    for form in FORMS:
        output, lse, dq, dk, dv = on_kernels(case(t=50, n=20, causal=True), form)
        assert output[:, :, :30].eq(0).all() and dq[:, :, :30].eq(0).all()
        assert lse[:, :, :30].eq(-torch.inf).all() and lse[:, :, 30:].isfinite().all()
        assert all(x.isfinite().all() and x.ne(0).any() for x in (output, dq, dk, dv))


# ---- numbers


def shifted(by):
    """Return a case whose scores lie around `by`."""
    q, k, v = case(h=1, t=37).leaves
    ones = torch.ones_like(q[..., :8])
    return Case((torch.cat((q, ones), -1), torch.cat((k, ones * (by / 8)), -1), v), {"scale": 1.0})


@pytest.mark.parametrize("by", [-1e5, -1e3, 1e3, 1e5])
def test_scores_far_from_zero_are_as_good_as_in_float32(by):
    """The limit is the rounding of the log-sum-exp to float32; to base 2 and back it is rounded thrice."""
    given = shifted(by)
    made, right = on_kernels(given), defined(given)
    assert abs(right[1].mean() / by - 1) < 0.02 and made[0].ne(0).all()
    bound = disagreement(called(given, backend="reference"), right)
    assert disagreement(made, right) < 8 * bound + TOLERANCE


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_halves_are_as_good_as_an_honest_run(form, dtype):
    """Honest: the whole matrix in the same dtype, step by step, as autograd differentiates it."""
    for causal in (False, True):
        given = case(h=2, g=1, t=70, n=100, d=32, causal=causal, dtype=dtype)
        made, honest, exact = on_kernels(given, form, (32, 32)), defined(given, dtype), defined(given)
        for mine, other, true in zip(made, honest, exact, strict=True):
            error, allowed = ((x.double() - true).square().mean().sqrt() for x in (mine, other))
            assert error <= 2 * allowed
        assert [x.dtype for x in made] == [dtype, torch.float32, *[dtype] * 3]


def test_the_deterministic_pair_agrees_with_itself_to_the_bit():
    given = case(h=4, g=2, t=40, causal=True, score="alibi")
    first, second = (on_kernels(given, "deterministic") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


# ---- the tolerance


@triton.jit
def unscaled_output(m, l, o, s, v):
    new = tl.maximum(m, tl.max(s, axis=1, keep_dims=True))
    p = tl.exp2(s - new)
    return new, l * tl.exp2(m - new) + tl.sum(p, axis=1, keep_dims=True), o + tl.dot(p, v)


@triton.jit
def unscaled_sum(m, l, o, s, v):
    new = tl.maximum(m, tl.max(s, axis=1, keep_dims=True))
    p = tl.exp2(s - new)
    return new, l + tl.sum(p, axis=1, keep_dims=True), o * tl.exp2(m - new) + tl.dot(p, v)


@triton.jit
def natural_exponential(m, l, o, s, v):
    new = tl.maximum(m, tl.max(s, axis=1, keep_dims=True))
    keep, p = tl.exp(m - new), tl.exp(s - new)
    return new, l * keep + tl.sum(p, axis=1, keep_dims=True), o * keep + tl.dot(p, v)


@triton.jit
def halves(m, l, o, s, v):
    return fold(m, l, o, s, v.to(tl.float16))


def folded(function):
    given = case(t=40, causal=True)
    with tiles():
        made = forward(*given.leaves, plan_of(given), backend="simulated", fold=function)
    return disagreement(made, defined(given)[:2])


def test_the_tolerance_sees_mistakes_of_the_fold():
    assert folded(fold) < TOLERANCE
    for wrong in (unscaled_output, unscaled_sum, natural_exponential, halves):
        assert folded(wrong) > 2 * TOLERANCE


def gradients(given, delta=None, dlse=True, **other):
    """Return the gradients of the kernels, with a mistake in what they read."""
    (q, k, v), plan = given.leaves, plan_of(given)
    with tiles():
        out = forward(q, k, v, plan, backend="simulated")
        do, above = cotangents(*out)
        out = out._replace(**{name: change(getattr(out, name)) for name, change in other.items()})
        return backward(
            q, k, v, out, do, above if dlse else None, plan, deterministic=True, backend="simulated"
        )[:3]


def test_the_tolerance_sees_mistakes_of_the_backward_pass():
    given = case(t=40, causal=True)
    right = defined(given)[2:]
    assert disagreement(gradients(given), right) < TOLERANCE
    wrong = {
        "delta left out": gradients(given, output=torch.zeros_like),
        "the gradient of the lse left out": gradients(given, dlse=False),
        "an lse that is a little too large": gradients(given, lse=lambda lse: lse + 1e-4),
        "an output rounded to half": gradients(given, output=lambda o: o.half().float()),
        "no mask": gradients(given._replace(rules={})),
    }
    for name, value in wrong.items():
        assert disagreement(value, right) > 2 * TOLERANCE, name


# ---- Triton's interpreter


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here (Linux only)")
def test_every_kernel_gives_what_the_interpreter_gives(tmp_path):
    script, out = Path(__file__).with_name("flash_cases.py"), tmp_path / "out.pt"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-W", "ignore", str(script), str(out)], env=environment, check=True)
    theirs, ours = torch.load(out), interpreted("simulated")
    assert theirs.keys() == ours.keys() and len(theirs) == 6 * (2 + 2 * 4)
    for name, expected in theirs.items():
        assert torch.equal(ours[name].isinf(), expected.isinf()), name
        error = (ours[name].double() - expected.double()).nan_to_num().abs().max()
        # one unit in the last place of a half, where a tie in float32 may round either way
        size = expected.double().nan_to_num(neginf=0.0).abs().max().clamp_min(1.0)
        assert error <= (2e-3 if "float16" in name else 4e-6) * size, name
