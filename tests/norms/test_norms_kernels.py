"""The norm kernels give what the definition gives, on every shape, and refuse what they cannot take."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from glassbox import norms
from glassbox.machine import metered
from glassbox.machine.dispatch import uses_kernel
from glassbox.norms.kernels import norm, norm_backward
from kernel_cases import EPS, NORMS, draw, in_double, inputs, launched, value_and_gradients
from machine.graphs import printed

# rows x features: one feature, ragged, tile edges, many rows, and the kernels for long rows
SHAPES = [
    (3, 1),
    (1, 5),
    (7, 37),
    (2, 3, 64),
    (33, 65),
    (300, 20),
    (3, 1000),
    (2, 8192),
    (3, 8193),
    (2, 33_000),
]
TOLERANCE = 2e-5


def disagreement(name, given, dy, **how):
    """Return the largest difference from float64, in the output and in each gradient, relative to each."""
    got, gradients = value_and_gradients(name, given, dy, backend="simulated", **how)
    expected, right = value_and_gradients(name, in_double(given), dy.double(), backend="reference")
    pairs = [(got, expected), *zip(gradients, right, strict=True)]
    return [((a - b).abs().max() / b.abs().max().clamp_min(1.0)).item() for a, b in pairs]


def output_like(name, x):
    shape = (2, *x.shape) if name == "add_rms_norm" else x.shape
    return draw(*shape, seed=9, dtype=x.dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NORMS)
def test_forward_and_backward_equal_float64(name, shape):
    given = inputs(name, shape)
    assert max(disagreement(name, given, output_like(name, given[0]))) < TOLERANCE


@pytest.mark.parametrize("weights", ["none", "gain", "bias"])
@pytest.mark.parametrize("n", [37, 9000])
def test_weights_are_optional(weights, n):
    for name in NORMS:
        given = inputs(name, (4, n), weights)
        assert max(disagreement(name, given, output_like(name, given[0]))) < TOLERANCE


VIEWS = {
    "every other row": lambda x: x[::2],
    "a window": lambda x: x[1:5, 3:40],
    "a slice of the features": lambda x: x[:, :30],
    "transposed": lambda x: x.T,
    "expanded": lambda x: x[:1].expand(6, -1),
    "offset by one": lambda x: x.flatten()[1:-1].view(-1, 37)[:, :36],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", NORMS)
def test_views_are_taken_as_they_are(name, view):
    look = VIEWS[view]
    storage = 2 + 9 * 37 if view == "offset by one" else None
    whole = [draw(storage, seed=s) if storage else draw(12, 41, seed=s) for s in (1, 2)]
    x, added = (look(w) for w in whole)
    given = inputs(name, tuple(x.shape))
    given[0], given[1] = x, added if given[1] is not None else None
    dy = output_like(name, x)
    dy = look(dy) if name != "add_rms_norm" and view == "every other row" else dy
    if dy.shape[-2:] != x.shape[-2:]:
        dy = output_like(name, x)
    assert max(disagreement(name, given, dy)) < TOLERANCE


def test_a_row_stride_costs_no_copy():
    x = draw(12, 40)[::2]
    with metered() as reports:
        norms.rms_norm(x, backend="simulated")
    assert reports[0].arguments["x_ptr"].loaded == 6 * 40 * 4
    assert reports[0].arguments["x_ptr"].shape == (6, 40)


@pytest.mark.parametrize("name", NORMS)
def test_no_rows_give_no_rows_and_zero_gradients(name):
    given = inputs(name, (0, 37))
    out, gradients = value_and_gradients(name, given, output_like(name, given[0]), backend="simulated")
    assert out.shape[-2:] == (0, 37)
    assert all(g.abs().sum() == 0 for g in gradients)


@pytest.mark.parametrize("n", [37, 9_000, 33_000])
def test_a_large_mean_does_not_cancel(n):
    x = draw(2, n) + 1e4
    got = norms.layer_norm(x, backend="simulated")
    assert (got - norms.layer_norm(x.double())).abs().max() < 2e-3


def test_the_tolerance_sees_small_mistakes():
    """Each of these differs from the definition by little, and by more than the tolerance."""
    x, g = draw(7, 37), draw(37, seed=3)
    right = norms.rms_norm(x.double(), g.double(), EPS)
    wrong = {
        "eps outside the root": x / (x.square().mean(-1, keepdim=True).sqrt() + EPS) * g,
        "eps forgotten": norms.rms_norm(x, g, 0.0, backend="simulated"),
        "one feature too few": x * torch.rsqrt(x.square().sum(-1, keepdim=True) / 36 + EPS) * g,
        "rounded to half": norms.rms_norm(x.half(), g, EPS, backend="simulated").float(),
    }
    for name, value in wrong.items():
        assert ((value - right).abs().max() / right.abs().max()) > 2 * TOLERANCE, name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("n", [37, 9000, 33_000])
@pytest.mark.parametrize("name", NORMS)
def test_halves_are_as_good_as_an_honest_run(name, n, dtype):
    given = inputs(name, (4, n), dtype=dtype)
    dy = output_like(name, given[0])
    got, gradients = value_and_gradients(name, given, dy, backend="simulated")
    honest, theirs = value_and_gradients(name, given, dy, backend="reference")
    exact, right = value_and_gradients(name, in_double(given), dy.double(), backend="reference")
    for mine, other, true in [(got, honest, exact), *zip(gradients, theirs, right, strict=True)]:
        assert mine.dtype == dtype
        error, allowed = ((t.double() - true).square().mean().sqrt() for t in (mine, other))
        assert error <= 2 * allowed


def test_statistics_are_kept_in_float32_and_the_stream_is_rounded_once():
    x, added = draw(3, 40, dtype=torch.bfloat16), draw(3, 40, seed=2, dtype=torch.bfloat16)
    _, total, mean, rstd = norm(x, added, None, None, 1.0, EPS, True, True)
    assert mean.dtype == rstd.dtype == torch.float32
    assert torch.equal(total, x + added)
    assert torch.allclose(mean, total.float().mean(-1), rtol=1e-6)


def test_two_runs_agree_to_the_bit():
    given = inputs("deep_norm", (300, 20))
    dy = output_like("deep_norm", given[0])
    first, second = (value_and_gradients("deep_norm", given, dy, backend="simulated") for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert all(torch.equal(a, b) for a, b in zip(first[1], second[1], strict=True))


# ---- operators


SAMPLES = {
    "rms": (None, "gain", None, 1.0, False, False),
    "layer": (None, "gain", "bias", 1.0, True, False),
    "bare": (None, None, None, 1.0, False, False),
    "added": ("added", "gain", None, 1.0, False, True),
    "deep": ("added", "gain", "bias", 1.7, True, False),
}


def sample(kind, grad=True):
    added, gain, bias, alpha, centre, keep = SAMPLES[kind]
    tensors = [
        draw(3, 20, seed=1),
        added and draw(3, 20, seed=2),
        gain and draw(20, seed=3),
        bias and draw(20),
    ]
    tensors = [None if t is None else t.requires_grad_(grad) for t in tensors]
    return (*tensors, alpha, EPS, centre, keep)


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_operators_keep_pytorchs_contract(kind):
    torch.library.opcheck(norm, sample(kind))
    x, added, gain, bias, alpha, *_, keep = sample(kind, grad=False)
    y, total, mean, rstd = norm(*sample(kind, grad=False))
    source = (total, None) if keep else (x, added)
    dtotal = draw(3, 20, seed=7) if keep else None
    arguments = (y, dtotal, *source, gain, mean, rstd, alpha, gain is not None, bias is not None)
    torch.library.opcheck(norm_backward, arguments)


def test_a_compiled_graph_holds_the_operator_whole():
    assert printed("norms/compiled_graphs.py") == list(NORMS)


@pytest.mark.parametrize("backend", ["simulated", "compiled"])
@pytest.mark.parametrize("name", NORMS)
def test_meta_tensors_pass_through(name, backend):
    if backend == "compiled" and find_spec("triton") is None:
        pytest.skip("the compiled way needs Triton, which is for Linux")
    given = [None if t is None else t.to("meta") for t in inputs(name, (2, 3, 20))]
    out = NORMS[name].call(*given, backend=backend)
    assert out.is_meta and out.shape[-3:] == (2, 3, 20)


def test_the_norms_modules_of_a_gpu_would_take_the_kernel():
    class OnGpu(torch.Tensor):
        is_cuda = True

    x = draw(2, 4)
    assert uses_kernel("auto", "x", x) is False
    on_gpu = x.as_subclass(OnGpu)
    assert uses_kernel("auto", "x", on_gpu) is (find_spec("triton") is not None)
    assert uses_kernel("auto", "x", on_gpu.double()) is False


REFUSED = {
    "an unknown way": (
        lambda: norms.rms_norm(draw(2, 4), backend="fast"),
        ValueError,
        "backend: expected one of",
    ),
    "doubles": (
        lambda: norms.rms_norm(draw(2, 4).double(), backend="simulated"),
        TypeError,
        "x: expected float32, float16 or bfloat16 for backend='simulated'",
    ),
    "a CPU tensor compiled": (
        lambda: norms.layer_norm(draw(2, 4), backend="compiled"),
        ValueError,
        "x: expected a CUDA tensor for backend='compiled'; came 'one on cpu'",
    ),
    "a residual of another shape": (
        lambda: norms.add_rms_norm(draw(2, 4), draw(1, 4), backend="simulated"),
        ValueError,
        r"residual: expected shape \(2, 4\)",
    ),
    "a residual of another type": (
        lambda: norms.add_rms_norm(draw(2, 4), draw(2, 4).half(), backend="simulated"),
        TypeError,
        "residual: expected the dtype of x",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_run_is_refused_by_name(name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


# ---- Triton's interpreter


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here (Linux only)")
def test_every_kernel_gives_what_the_interpreter_gives(tmp_path):
    script, out = Path(__file__).with_name("kernel_cases.py"), tmp_path / "out.pt"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-W", "ignore", str(script), str(out)], env=environment, check=True)
    interpreted, simulated = torch.load(out), launched("simulated")
    assert interpreted.keys() == simulated.keys() and len(interpreted) > 100
    for name, expected in interpreted.items():
        scale = expected.double().abs().max()
        error = (simulated[name].double() - expected.double()).abs().max() / scale
        # one unit in the last place of a half, where a tie in float32 may round either way
        assert error <= (1e-3 if "float16" in name and expected.dtype == torch.float16 else 1e-6), name
