"""Every byte that a norm kernel moves is in the formula of its docstring, and no other."""

from itertools import pairwise

import pytest
import torch
from glassbox import norms
from glassbox.machine import configs, metered
from glassbox.norms.kernels import backward, forward
from kernel_cases import ALPHA, EPS, NORMS, draw, inputs

SIZES = {torch.float32: 4, torch.bfloat16: 2}
SHORT = [(7, 37), (33, 65), (300, 20), (5, 4096)]
LONG = [(3, 33_000), (2, 8193)]


def ceil(a, b):
    return -(-a // b)


def run(name, rows, n, dtype, weights="both"):
    """Return the reports of the forward and the backward launches, and the sizes in the formulas."""
    x, added, gain, bias = inputs(name, (rows, n), weights, dtype)
    alpha, keep = (ALPHA, False) if name == "deep_norm" else (1.0, name == "add_rms_norm")
    centre = NORMS[name].biased
    with metered() as first:
        made = forward(x, added, gain, bias, alpha, EPS, centre=centre, keep_total=keep, backend="simulated")
    dy = draw(rows, n, seed=5, dtype=dtype)
    with metered() as second:
        backward(
            dy, dy if keep else None, *((made.total, None) if keep else (x, added)), gain,
            made.mean, made.rstd, alpha,
            gain_wanted=gain is not None, bias_wanted=bias is not None, backend="simulated",
        )  # fmt: skip
    return first, second


def streams(name):
    """Return whether the norm has: a second input, a stored stream, a centre, a factor."""
    return name in ("add_rms_norm", "deep_norm"), name == "add_rms_norm", NORMS[name].biased


def forward_bytes(name, rows, n, e, weights):
    added, total, centre = streams(name)
    parameters = ("gain" in weights or weights == "both") + (centre and weights in ("both", "bias"))
    config = configs.choose("norm_forward", torch.float32, n)
    if "STAGES" in config:
        return rows * n * e * (2 + 2 * added + 1 + total + parameters) + 4 * rows * (1 + centre)
    programs = ceil(rows, config["ROWS"])
    return rows * n * e * (2 + added + total) + programs * n * e * parameters + 4 * rows * (1 + centre)


def backward_bytes(name, rows, n, e, weights):
    added, total, centre = streams(name)
    gain, bias = weights in ("both", "gain"), centre and weights in ("both", "bias")
    second = added and not total  # the stored stream stands for both inputs
    walk = rows * n * e * (3 + total + 2 * second)
    config = configs.choose("norm_backward", torch.float32, n)
    shares = min(config["SHARES"], ceil(rows, config["ROWS"]))
    ends = shares * n * e * gain + 4 * shares * n * (gain + bias)
    if "STRIP" not in config:
        return [walk + 4 * rows * (1 + centre) + ends]
    means = rows * n * e * (2 + second + gain) + 8 * rows * (1 + centre)
    return [means, walk + 8 * ceil(n, config["STRIP"]) * rows * (1 + centre) + ends]


@pytest.mark.parametrize("weights", ["both", "gain", "none"])
@pytest.mark.parametrize("dtype", SIZES, ids=str)
@pytest.mark.parametrize("rows, n", SHORT + LONG)
@pytest.mark.parametrize("name", NORMS)
def test_the_bytes_are_those_of_the_formula(name, rows, n, dtype, weights):
    first, second = run(name, rows, n, dtype, weights)
    e = SIZES[dtype]
    assert [r.bytes_moved for r in first] == [forward_bytes(name, rows, n, e, weights)]
    assert [r.bytes_moved for r in second] == backward_bytes(name, rows, n, e, weights)
    for report in first + second:
        assert report.bytes_moved >= report.bytes_compulsory


def test_what_must_move_is_each_tensor_once():
    first, _ = run("deep_norm", 33, 65, torch.float32)
    tensors = 3 * 33 * 65 + 2 * 65 + 2 * 33  # x, added, y; gain, bias; mean, rstd
    assert first[0].bytes_compulsory == 4 * tensors


def test_one_launch_moves_less_than_a_chain_of_two():
    """add + norm in one launch saves one reading of the stream."""
    x, residual = draw(64, 256), draw(64, 256, seed=1)
    with metered() as fused:
        norms.add_rms_norm(x, residual, backend="simulated")
    with metered() as alone:
        norms.rms_norm(x + residual, backend="simulated")
    addition = 3 * x.numel() * 4
    saved = alone[0].bytes_moved + addition - fused[0].bytes_moved
    assert saved == x.numel() * 4


FLOPS = {"rms_norm": 4, "layer_norm": 7, "add_rms_norm": 5, "deep_norm": 9}
BACKWARD_FLOPS = {"rms_norm": 10, "layer_norm": 13, "add_rms_norm": 11, "deep_norm": 16}


@pytest.mark.parametrize("name", NORMS)
def test_the_flops_are_about_those_of_the_docstring(name):
    first, second = run(name, 64, 4096, torch.float32)
    assert first[0].flops.total / (64 * 4096) == pytest.approx(FLOPS[name], rel=0.02)
    assert second[0].flops.total / (64 * 4096) == pytest.approx(BACKWARD_FLOPS[name], rel=0.1)


def test_every_norm_is_far_below_the_ridge_of_any_gpu():
    for name in NORMS:
        first, second = run(name, 16, 4096, torch.bfloat16)
        assert all(report.intensity < 4 for report in first + second)


# ---- the table of tiles


def test_the_table_covers_every_row_length_and_architecture():
    for operation in ("norm_forward", "norm_backward"):
        for arch in ("any", "sm_75", "sm_80", "sm_90", "sm_100"):
            for n in (1, 64, 65, 4096, 8193, 32_769, 262_144, 1_000_000):
                assert configs.choose(operation, torch.bfloat16, n, arch)["num_warps"] in (4, 8, 16, 32)


def test_the_smallest_bucket_that_fits_is_taken():
    sizes = [16, 64, 65, 128, 129, 1024, 1025, 8192]
    tiles = [configs.choose("norm_forward", torch.float32, n, "any") for n in sizes]
    assert tiles[0] == tiles[1] and all(a["ROWS"] >= b["ROWS"] for a, b in pairwise(tiles))
    assert "STAGES" not in configs.choose("norm_forward", torch.float32, 32_768, "sm_90")
    assert "STAGES" in configs.choose("norm_forward", torch.float32, 32_769, "sm_90")


def test_another_architecture_and_a_forced_tile():
    with configs.target("sm_90"):
        assert configs.current_arch() == "sm_90"
        assert configs.choose("norm_backward", torch.float32, 4096)["STAGES"] == 3
    assert configs.choose("norm_backward", torch.float32, 4096, "any")["STAGES"] == 1
    with configs.override("norm_forward", {"ROWS": 2, "num_warps": 1}):
        x = draw(5, 37)
        with metered() as reports:
            norms.rms_norm(x, backend="simulated")
        assert reports[0].grid == (3, 1, 1)
    assert configs.choose("norm_forward", torch.float32, 37, "any")["ROWS"] == 16


def test_an_unknown_operation_names_the_known():
    with pytest.raises(ValueError, match=r"operation: expected one of .*norm_backward, norm_forward"):
        configs.choose("flash", torch.float32, 64)
