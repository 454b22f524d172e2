"""Where `Residual` puts its norms, found from outside by swapping the sub-layer; and how weights start."""

import numpy as np
import pytest
import torch
from glassbox import norms
from glassbox.norms.modules import PLACEMENTS
from torch import nn

WIDTH = 8
X = torch.from_numpy(np.random.RandomState(0).standard_normal((3, WIDTH)) * 2 + 0.5).float()
NORM = {"layer": norms.layer_norm, "rms": norms.rms_norm}


def residual(sublayer, placement, norm="layer", **options):
    return norms.Residual(sublayer, WIDTH, placement, norm, **options)


@pytest.mark.parametrize("norm", NORM)
@pytest.mark.parametrize("placement", ["pre", "sandwich", "res-post"])
def test_with_a_zero_sublayer_the_stream_passes_untouched(placement, norm):
    assert torch.equal(residual(torch.zeros_like, placement, norm)(X), X)


@pytest.mark.parametrize("norm", NORM)
@pytest.mark.parametrize("placement", ["post", "deep"])
def test_with_a_zero_sublayer_the_stream_comes_out_normalised(placement, norm):
    torch.testing.assert_close(residual(torch.zeros_like, placement, norm)(X), NORM[norm](X))


@pytest.mark.parametrize(
    "placement, sees_norm", {"pre": 1, "sandwich": 1, "post": 0, "deep": 0, "res-post": 0}.items()
)
def test_what_the_sublayer_reads(placement, sees_norm):
    seen = []
    residual(lambda x: seen.append(x) or x, placement)(X)
    torch.testing.assert_close(seen[0], norms.layer_norm(X) if sees_norm else X)


@pytest.mark.parametrize("placement, grows", {"pre": 1, "sandwich": 0, "res-post": 0}.items())
def test_whether_a_louder_sublayer_adds_more(placement, grows):
    quiet, loud = (residual(lambda x, s=scale: s * x.sin(), placement)(X) - X for scale in (10.0, 1000.0))
    assert (loud.norm() / quiet.norm()).item() == pytest.approx(100.0 if grows else 1.0, rel=1e-3)


def test_each_placement_is_its_equation():
    def f(x):
        return x.sin() + 0.3

    norm = norms.layer_norm
    expected = {
        "pre": X + f(norm(X)),
        "post": norm(X + f(X)),
        "sandwich": X + norm(f(norm(X))),
        "deep": norm(2.5 * X + f(X)),
        "res-post": X + norm(f(X)),
    }
    assert expected.keys() == PLACEMENTS.keys()
    for placement, y in expected.items():
        options = {"alpha": 2.5} if placement == "deep" else {}
        torch.testing.assert_close(residual(f, placement, **options)(X), y)


def test_deep_is_the_function_of_the_same_name():
    torch.testing.assert_close(residual(torch.sin, "deep", alpha=3.0)(X), norms.deep_norm(X, X.sin(), 3.0))


def test_deep_with_alpha_one_is_post():
    torch.testing.assert_close(residual(torch.sin, "deep")(X), residual(torch.sin, "post")(X))


@pytest.mark.parametrize(
    "norm, names", {"layer": ["before.gain", "before.bias"], "rms": ["before.gain"]}.items()
)
def test_parameters_of_a_block(norm, names):
    assert [name for name, _ in residual(torch.sin, "pre", norm).named_parameters()] == names


def test_a_sandwich_has_two_norms_with_their_own_parameters():
    block = residual(torch.sin, "sandwich", "rms")
    assert block.before.gain is not block.after.gain


def test_a_norm_can_be_any_module():
    assert isinstance(residual(torch.sin, "pre", nn.LayerNorm).before, nn.LayerNorm)


def test_the_modules_are_the_functions():
    layer, rms = norms.LayerNorm(WIDTH, eps=0.1), norms.RMSNorm(WIDTH, eps=0.1)
    with torch.no_grad():
        layer.gain.mul_(2)
        layer.bias.add_(1)
        rms.gain.mul_(3)
    torch.testing.assert_close(layer(X), 2 * norms.layer_norm(X, eps=0.1) + 1)
    torch.testing.assert_close(rms(X), 3 * norms.rms_norm(X, eps=0.1))
    assert norms.LayerNorm(WIDTH, bias=False).bias is None


BAD = {
    "unknown placement": (
        lambda: residual(torch.sin, "peri"),
        "placement: expected one of 'pre', 'post', 'sandwich', 'deep', 'res-post'; came 'peri'",
    ),
    "unknown norm": (lambda: residual(torch.sin, "pre", "batch"), "norm: expected one of 'layer', 'rms'"),
    "alpha without deep": (
        lambda: residual(torch.sin, "post", alpha=2.0),
        "alpha: expected 1 with placement 'post'",
    ),
    "alpha zero": (lambda: residual(torch.sin, "deep", alpha=0.0), "alpha: expected a finite number > 0"),
    "beta zero": (lambda: norms.initialise(nn.Linear(2, 2), beta=0.0), "beta: expected a finite"),
    "gain negative": (
        lambda: norms.initialise(nn.Linear(2, 2), gain=-1.0),
        "gain: expected a finite",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.usefixtures("shapes_as_types_off")
def test_a_model_that_is_no_module_is_refused():
    with pytest.raises(TypeError, match="model: expected a torch module"):
        norms.initialise([nn.Linear(2, 2)])


# Initialisation.

NAMES = ("query", "key", "value", "output", "up", "down")


def model_of(names=NAMES, inputs=200, outputs=300):
    return nn.ModuleDict({name: nn.Linear(inputs, outputs) for name in names})


def test_beta_scales_value_output_and_feed_forward_only():
    model = norms.initialise(model_of(), beta=0.25, gain=2.0)
    xavier = (2 / 500) ** 0.5
    for name, layer in model.items():
        expected = 2.0 * xavier * (1.0 if name in ("query", "key") else 0.25)
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.02)
        assert torch.equal(layer.bias, torch.zeros(300))


def test_beta_one_is_xavier_everywhere():
    model = norms.initialise(model_of())
    assert [layer.weight.std().item() for layer in model.values()] == pytest.approx(
        [(2 / 500) ** 0.5] * 6, rel=0.02
    )


def test_the_seed_decides_the_weights():
    first, same, other = (norms.initialise(model_of(), seed=seed)["up"].weight for seed in (3, 3, 4))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
