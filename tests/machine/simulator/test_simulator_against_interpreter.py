"""The simulator gives what Triton's interpreter gives: every kernel, type rule and feature."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import interpreter_cases
import pytest
import torch
from feature_kernels import KINDS, LITERALS, OPERATORS

pytestmark = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed here (Linux only)"
)
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    out = tmp_path_factory.mktemp("interpreter") / "out.pt"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    command = [sys.executable, "-W", "ignore", str(HERE / "interpreter_cases.py"), str(out)]
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return torch.load(out, weights_only=False)


@pytest.fixture(scope="module")
def simulated():
    return interpreter_cases.everything("simulated")


def test_every_sample_kernel_agrees(interpreted, simulated):
    assert len(interpreted["kernels"]) == 20
    for name, expected in interpreted["kernels"].items():
        got = simulated["kernels"][name]
        assert torch.allclose(got, expected, rtol=1e-6, atol=1e-6), name


def test_every_feature_agrees(interpreted, simulated):
    for name, expected in interpreted["features"].items():
        got = simulated["features"][name]
        assert torch.allclose(got.double(), expected.double(), rtol=1e-6, atol=1e-6), name


def _cannot_be_compared(a: str, operator: str, b: str) -> str | None:
    """Say why the interpreter is no oracle for one cell of the table, or None."""
    if a == "bf16" and operator in ("+", "*", "where") and b not in KINDS:
        return "the interpreter has no bf16 literals"
    if operator in ("<<", ">>") and b == "200 right" and a in KINDS:
        return "a shift by more than the width is undefined; the simulator refuses it"
    return None


def test_every_pair_of_types_meets_in_the_same_type(interpreted, simulated):
    table = interpreted["promotion"]
    assert len(table) == len(KINDS) * len(OPERATORS) * (len(KINDS) + 2 * len(LITERALS))
    wrong, compared = [], 0
    for key, expected in table.items():
        got = simulated["promotion"][key]
        if _cannot_be_compared(*key) is None:
            compared += 1
            if (got if got == "refused" else got[0]) != (expected if expected == "refused" else expected[0]):
                wrong.append((key, got[0], expected[0]))
    assert not wrong, wrong[:10]
    assert compared > 0.98 * len(table)


def test_every_operator_gives_the_same_values(interpreted, simulated):
    """bf16 apart: the interpreter adds bit patterns there. On the hardware booleans add as one bit."""
    compared = 0
    for key, expected in interpreted["promotion"].items():
        got, operator = simulated["promotion"][key], key[1]
        if "refused" in (got, expected) or "bf16" in (key[0], key[2], expected[0]):
            continue
        if operator == "+" and expected[0] == "int1":
            continue
        compared += 1
        assert torch.allclose(got[1], expected[1], rtol=1e-6, equal_nan=True), (key, got, expected)
    assert compared > 1500
