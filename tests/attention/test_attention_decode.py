"""The decode kernels give what the definition gives, on every shape, however the keys are split."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from decode_cases import (
    CALLS,
    SAMPLES,
    SCALE,
    TOLERANCE,
    contiguous,
    defined,
    disagreement,
    interpreted,
    latent,
    launched,
    paged,
    whole,
)
from glassbox.attention.api.decode import decode_attention

GROUPED = {
    "one key": contiguous(1, 2, 1, 1, 16),
    "a group of one": contiguous(1, 2, 2, 40, 32),
    "groups of four": contiguous(1, 8, 2, 40, 32),
    "groups of eight": contiguous(1, 16, 2, 40, 32),
    "more heads than a tile": contiguous(1, 20, 1, 70, 32),
    "a tile less one": contiguous(1, 1, 1, 63, 64),
    "a tile": contiguous(1, 1, 1, 64, 64),
    "a tile and one": contiguous(1, 1, 1, 65, 64),
    "odd sizes": contiguous(2, 2, 1, 37, 24, 40),
    "48": contiguous(1, 4, 2, 33, 48),
    "128": contiguous(1, 4, 1, 40, 128),
    "256": contiguous(1, 2, 1, 40, 256),
    "192 and 128": contiguous(1, 2, 2, 20, 192, 128),
    "ragged": contiguous(3, 2, 1, 260, 32, lengths=[260, 1, 77]),
    "some empty": contiguous(3, 2, 2, 70, 32, lengths=[0, 70, 0]),
}
PAGED = {
    "pages of 16": paged(2, 1, 16, 32, 32, [40, 17, 16]),
    "pages of 64": paged(4, 1, 64, 32, 16, [1, 130, 64]),
    "pages of 256": paged(2, 2, 256, 32, 32, [300, 20]),
    "some empty": paged(4, 2, 16, 24, 40, [0, 33]),
    "one page": paged(4, 4, 16, 128, 128, [16]),
}
LATENT = {
    "one head": latent(2, 1, 20, 64, 16),
    "more heads than a tile": latent(1, 20, 33, 40, 8),
    "one key": latent(2, 3, 1, 48, 16),
    "ragged": latent(3, 2, 50, 64, 16, [50, 0, 17]),
    "the real size": latent(1, 2, 20, 512, 64),
}
EVERY = [
    pytest.param(kind, given, splits, id=f"{kind}: {name}, splits {splits}")
    for kind, cases in (("contiguous", GROUPED), ("paged", PAGED), ("latent", LATENT))
    for name, given in cases.items()
    for splits in ((1, 3, None) if name in ("ragged", "pages of 16", "odd sizes") else (3,))
]


@pytest.mark.parametrize("kind, given, splits", EVERY)
def test_every_shape_equals_float64(kind, given, splits):
    assert disagreement(launched(kind, given, splits), defined(kind, given)) < TOLERANCE


def test_no_keys_give_zeros_and_a_log_of_zero():
    for splits in (1, 3):
        made = launched("contiguous", GROUPED["some empty"], splits)
        assert made.output[0].eq(0).all() and made.lse[0].eq(-torch.inf).all()
        assert made.output[1].ne(0).all()


def test_no_sequences_give_no_rows():
    made = launched("contiguous", contiguous(0, 4, 2, 30, 16))
    assert made.output.shape == (0, 4, 16) and made.lse.shape == (0, 4)


@pytest.mark.parametrize("kind", CALLS)
def test_the_public_function_is_the_kernel_and_the_definition(kind):
    run, right = CALLS[kind], defined(kind, SAMPLES[kind])
    for backend in ("simulated", "reference", "auto"):
        made = run(*SAMPLES[kind], scale=SCALE, return_lse=True, backend=backend)
        assert disagreement(made, right) < TOLERANCE
        alone = run(*SAMPLES[kind], scale=SCALE, backend=backend)
        assert torch.equal(alone, made.output)


def test_decoding_is_the_last_row_of_attention():
    q, k, v, _ = contiguous(2, 8, 2, 40, 32)
    whole_row = torch.nn.functional.scaled_dot_product_attention(q[:, :, None], k, v, enable_gqa=True)
    made = decode_attention(q, k, v, backend="simulated")
    torch.testing.assert_close(made, whole_row[:, :, 0], rtol=1e-5, atol=1e-6)


# ---- precision


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("splits", [1, 3])
def test_halves_are_as_good_as_an_honest_run(dtype, splits):
    cases = {"contiguous": contiguous(2, 4, 1, 200, 64, lengths=[200, 77], dtype=dtype)}
    cases["paged"] = paged(4, 1, 16, 64, 64, [200, 77], dtype=dtype)
    cases["latent"] = latent(2, 4, 100, 128, 32, [100, 77], dtype=dtype)
    for kind, given in cases.items():
        exact = defined(kind, given).output
        got, honest = launched(kind, given, splits).output, defined(kind, given, dtype).output
        assert got.dtype == dtype
        error, allowed = ((t.double() - exact).square().mean().sqrt() for t in (got, honest))
        assert error <= 2 * allowed


def test_large_scores_do_not_overflow():
    q, k, v, _ = contiguous(1, 4, 2, 70, 32)
    given = (q * 100, k * 10, v, None)
    made, right = launched("contiguous", given, 3), defined("contiguous", given)
    assert right.lse.max() > 1000 and made.output.isfinite().all()
    assert torch.allclose(made.lse.double(), right.lse, rtol=1e-6)


def test_the_tolerance_sees_small_mistakes():
    """Each of these differs from the definition by little, and by more than the tolerance."""
    q, k, v, lengths = contiguous(2, 4, 2, 70, 32, lengths=[70, 69])
    right = defined("contiguous", (q, k, v, lengths))
    wrong = {
        "the last key forgotten": defined("contiguous", (q, k, v, lengths - 1)),
        "one key too many": defined("contiguous", (q, k, v, whole([70, 70]))),
        "key heads tiled": defined("contiguous", (q[:, [0, 2, 1, 3]], k, v, lengths)),
        "a base-2 exponential of natural scores": defined("contiguous", (q * 0.6931, k, v, lengths)),
        "queries rounded to half": defined("contiguous", (q.half(), k, v, lengths)),
        "values rounded to bfloat16": defined("contiguous", (q, k, v.bfloat16(), lengths)),
    }
    parts = (slice(35), slice(35, 70))
    halves = [defined("contiguous", (q, k[:, :, part], v[:, :, part], None)) for part in parts]
    full = defined("contiguous", (q, k, v, None))
    mean = full._replace(output=(halves[0].output + halves[1].output) / 2)
    for name, value in wrong.items():
        assert disagreement(value, right) > 2 * TOLERANCE, name
    assert disagreement(mean, full) > 2 * TOLERANCE, "splits averaged without their weights"


# ---- Triton's interpreter


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed here (Linux only)")
def test_every_kernel_gives_what_the_interpreter_gives(tmp_path):
    script, out = Path(__file__).with_name("decode_cases.py"), tmp_path / "out.pt"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-W", "ignore", str(script), str(out)], env=environment, check=True)
    theirs, ours = torch.load(out), interpreted("simulated")
    assert theirs.keys() == ours.keys() and len(theirs) == 12
    for name, expected in theirs.items():
        error = (ours[name].double() - expected.double()).nan_to_num().abs().max()
        # one unit in the last place of a half, where a tie in float32 may round either way
        assert error <= (2e-3 if expected.dtype == torch.float16 else 2e-6), name
