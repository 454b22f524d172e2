"""Bad arguments get a message that names the argument; odd but good shapes work."""

import pytest
import torch
from glassbox import norms

pytestmark = pytest.mark.usefixtures("shapes_as_types_off")

X, GAIN = torch.ones(3, 6), torch.ones(6)
ELSEWHERE = torch.ones(6, device="meta")

BAD = {
    "a list": (lambda: norms.layer_norm([1.0, 2.0]), TypeError, "x: expected a torch tensor; came .*list"),
    "whole numbers": (
        lambda: norms.rms_norm(torch.ones(3, 6, dtype=torch.int64)),
        TypeError,
        r"x: expected a floating-point tensor; came a int64 tensor of shape \(3, 6\)",
    ),
    "a scalar": (lambda: norms.layer_norm(torch.tensor(1.0)), ValueError, "x: expected at least 1 dimension"),
    "no features": (
        lambda: norms.rms_norm(torch.ones(3, 0)),
        ValueError,
        r"x: expected at least one feature in the last dimension; came .*\(3, 0\)",
    ),
    "negative eps": (
        lambda: norms.layer_norm(X, eps=-1e-5),
        ValueError,
        "eps: expected a finite number >= 0",
    ),
    "eps not a number": (lambda: norms.rms_norm(X, eps=float("nan")), ValueError, "eps: .*came nan"),
    "eps as text": (lambda: norms.batch_norm(X, eps="1e-5"), TypeError, "eps: expected a number"),
    "gain too short": (
        lambda: norms.layer_norm(X, GAIN[:1]),
        ValueError,
        r"gain: expected shape \(6,\); came a float32 tensor of shape \(1,\)",
    ),
    "bias too long": (
        lambda: norms.layer_norm(X, GAIN, torch.ones(7)),
        ValueError,
        r"bias: expected shape \(6,\)",
    ),
    "gain per row": (lambda: norms.rms_norm(X, torch.ones(3, 6)), ValueError, r"gain: expected shape \(6,\)"),
    "gain elsewhere": (
        lambda: norms.rms_norm(X, ELSEWHERE),
        ValueError,
        "gain: expected a tensor on cpu, where x is; came 'meta'",
    ),
    "whole gain": (lambda: norms.layer_norm(X, GAIN.long()), TypeError, "gain: expected a floating-point"),
    "mean without variance": (
        lambda: norms.batch_norm(X, mean=GAIN),
        ValueError,
        "mean, variance: expected both or neither; came 'only one'",
    ),
    "variance per row": (
        lambda: norms.batch_norm(X, mean=GAIN, variance=X),
        ValueError,
        r"variance: expected shape \(6,\)",
    ),
    "groups do not divide": (
        lambda: norms.group_norm(X, 4),
        ValueError,
        r"groups: expected a divisor of the 6 features; came 4",
    ),
    "no groups": (lambda: norms.group_norm(X, 0), ValueError, "groups: expected a whole number >= 1; came 0"),
    "half a group": (lambda: norms.group_norm(X, 1.5), TypeError, "groups: expected a whole number"),
    "true groups": (lambda: norms.group_norm(X, True), TypeError, "groups: expected a whole number"),
    "head sizes differ": (
        lambda: norms.qk_norm(X, torch.ones(3, 5)),
        ValueError,
        r"k: expected shape \(3, 6\); came a float32 tensor of shape \(3, 5\)",
    ),
    "query and key types differ": (
        lambda: norms.qk_norm(X, X.double()),
        TypeError,
        "k: expected the dtype of q, float32; came a float64 tensor",
    ),
    "key gain too short": (
        lambda: norms.qk_norm(X, X, gain_k=GAIN[:2]),
        ValueError,
        r"gain_k: expected shape \(6,\)",
    ),
    "query is no tensor": (lambda: norms.qk_norm(None, X), TypeError, "q: expected a torch tensor"),
    "sub-layer broadcast": (
        lambda: norms.deep_norm(X, X[:1], 2.0),
        ValueError,
        r"fx: expected shape \(3, 6\); came a float32 tensor of shape \(1, 6\)",
    ),
    "sub-layer of another type": (
        lambda: norms.deep_norm(X, X.half(), 2.0),
        TypeError,
        "fx: expected the dtype of x, float32",
    ),
    "no stream": (lambda: norms.deep_norm(X, X, 0.0), ValueError, "alpha: expected a finite number > 0"),
    "no stack": (
        lambda: norms.deep_norm_scales(),
        ValueError,
        "encoder, decoder: expected a number of layers",
    ),
    "no layers": (
        lambda: norms.deep_norm_scales(decoder=0),
        ValueError,
        "decoder: expected a whole number >= 1",
    ),
    "half a layer": (
        lambda: norms.deep_norm_scales(encoder=1.5),
        TypeError,
        "encoder: expected a whole number",
    ),
    "gradient broadcast": (
        lambda: norms.layer_norm_backward(X[:1], X, GAIN),
        ValueError,
        r"dy: expected shape \(3, 6\)",
    ),
    "gradient of another type": (
        lambda: norms.rms_norm_backward(X.double(), X, GAIN),
        TypeError,
        "dy: expected the dtype of x, float32",
    ),
    "backward without gain": (
        lambda: norms.rms_norm_backward(X, X, None),
        TypeError,
        "gain: expected a torch tensor; came None",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


ROW_NORMS = {
    "layer": lambda x: norms.layer_norm(x),
    "rms": lambda x: norms.rms_norm(x),
    "group": lambda x: norms.group_norm(x, 3),
    "batch": lambda x: norms.batch_norm(x),
    "deep": lambda x: norms.deep_norm(x, x, 2.0),
}


@pytest.mark.parametrize("name", ROW_NORMS)
@pytest.mark.parametrize("shape", [(6,), (1, 6), (0, 6), (2, 0, 6), (2, 3, 5, 9)])
def test_shapes_are_kept(name, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    got = ROW_NORMS[name](x)
    assert got.shape == x.shape
    assert torch.isfinite(got).all()


@pytest.mark.parametrize("name", ROW_NORMS)
def test_strides_do_not_matter_and_the_input_is_left_alone(name):
    x = torch.randn(6, 4, 10, generator=torch.Generator().manual_seed(0)).transpose(0, 2)
    before = x.clone()
    assert not x.is_contiguous()
    torch.testing.assert_close(ROW_NORMS[name](x), ROW_NORMS[name](x.contiguous()))
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", ROW_NORMS)
def test_what_is_not_a_number_stays_in_its_row(name):
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    x[1, 2] = float("nan")
    clean = torch.isfinite(ROW_NORMS[name](x)).all(-1)
    assert clean.tolist() == ([False] * 4 if name == "batch" else [True, False, True, True])


def test_meta_tensors_pass():
    assert norms.layer_norm(torch.ones(2, 6, device="meta"), ELSEWHERE).shape == (2, 6)
