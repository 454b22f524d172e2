"""The simulator gives what Triton's interpreter gives: every kernel, type rule and feature."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import interpreter_cases
import pytest
import torch
from promotion_kernels import KINDS, LITERALS, OPERATORS

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
    assert len(interpreted["kernels"]) == 16
    for name, expected in interpreted["kernels"].items():
        got = simulated["kernels"][name]
        assert torch.allclose(got, expected, rtol=1e-6, atol=1e-6), name


def test_every_feature_agrees(interpreted, simulated):
    for name, expected in interpreted["features"].items():
        got = simulated["features"][name]
        assert torch.allclose(got.double(), expected.double(), rtol=1e-6, atol=1e-6), name


def _cannot_be_compared(a: str, operator: str, b: str) -> bool:
    """True where the interpreter is no oracle for a cell of the table."""
    if a == "bf16" and operator in ("+", "-", "*", "where") and b not in KINDS:
        return True  # it has no bf16 literals
    if a == b == "int1" and operator == "-":
        return True  # NumPy does not subtract booleans
    return operator in ("<<", ">>") and b == "200 right"  # undefined; the simulator refuses it


def test_every_pair_of_types_meets_in_the_same_type(interpreted, simulated):
    table = interpreted["promotion"]
    assert len(table) == len(KINDS) * len(OPERATORS) * (len(KINDS) + 2 * len(LITERALS))
    cells = {key: cell for key, cell in table.items() if not _cannot_be_compared(*key)}
    wrong = [key for key, cell in cells.items() if simulated["promotion"][key][0] != cell[0]]
    assert not wrong, wrong[:10]
    assert len(cells) > 0.98 * len(table)
    assert sum(cell[0] == "refused" for cell in cells.values()) > 500


def test_every_operator_gives_the_same_values(interpreted, simulated):
    """bf16 apart: the interpreter adds bit patterns there. On the hardware booleans add as one bit."""
    compared = 0
    for key, (kind, expected) in interpreted["promotion"].items():
        a, operator, b = key
        got_kind, got = simulated["promotion"][key]
        if "refused" in (kind, got_kind) or "bf16" in (a, b, kind) or (operator == "+" and kind == "int1"):
            continue
        compared += 1
        assert torch.allclose(got, expected, rtol=1e-6, equal_nan=True), (key, got, expected)
    assert compared > 2000
