"""The modules: they are the functions, start the same everywhere, and a cache fits between their parts."""

import pytest
import torch
from glassbox import attention
from glassbox.attention import HeadWeights, LatentAttention, MultiHeadAttention
from glassbox.attention.masks import causal, padding
from glassbox.tiny.seeds import normal, xavier

X, SOURCE = normal((2, 5, 12), 0), normal((2, 7, 10), 1)


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def weights_of(layer):
    return HeadWeights(*(getattr(layer, name).weight for name in HeadWeights._fields))


@pytest.mark.parametrize("kv_heads", [None, 1, 2, 4])
def test_multi_head_is_the_function(kv_heads):
    layer = MultiHeadAttention(12, 4, kv_heads).double()
    expected = attention.multi_head_attention(X, weights_of(layer), 4, kv_heads, mask=causal())
    assert close(layer(X, mask=causal()), expected)


def test_cross_attention_bias_and_a_head_size_of_its_own():
    layer = MultiHeadAttention(12, 3, 1, head_size=5, source_width=10).double()
    mask, bias = padding(normal((2, 7), 2) > -1), normal((3, 5, 7), 3)[None]
    expected = attention.multi_head_attention(X, weights_of(layer), 3, 1, SOURCE, mask, bias)
    assert layer.query.weight.shape == (15, 12) and layer.key.weight.shape == (5, 10)
    assert close(layer(X, SOURCE, mask, bias), expected)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("cut", [1, 3])
def test_kept_keys_and_values_give_the_full_forward(kv_heads, cut):
    layer = MultiHeadAttention(12, 4, kv_heads).double()
    parts = [layer.keys_and_values(x) for x in (X[:, :cut], X[:, cut:])]
    k, v = (torch.cat(both, 2) for both in zip(*parts, strict=True))
    assert k.shape == (2, kv_heads, 5, 3)
    assert close(layer.read(layer.queries(X[:, cut:]), k, v, causal()), layer(X, mask=causal())[:, cut:])


def test_parameters_shrink_with_the_key_heads():
    counts = [sum(p.numel() for p in MultiHeadAttention(12, 4, g).parameters()) for g in (4, 2, 1)]
    assert counts == [4 * 144, 3 * 144, 2 * 144 + 2 * 36]


def test_latent_layer_is_the_function_in_both_forms():
    layer = LatentAttention(12, 3, 5, rotary_size=2).double()
    (q, q_rotary), kept = layer.queries(X), layer.compress(X)
    up = (part.weight.reshape(3, 4, 5) for part in (layer.up_key, layer.up_value))
    mixed = attention.latent_attention(q, q_rotary, *kept, *up, causal())
    expected = mixed.transpose(1, 2).flatten(2) @ layer.output.weight.T
    assert close(layer(X, causal()), expected)
    assert close(layer(X, causal(), absorbed=True), expected, 1e-10)


def test_latent_layers_rotary_part_is_half_a_head_and_even_unless_given():
    sizes = [LatentAttention(12, 1, 5, head_size=size).rotary_size for size in (1, 4, 5, 8, 64)]
    assert sizes == [2, 2, 4, 4, 32]


LAYERS = {
    "multi-head": lambda **options: MultiHeadAttention(12, 4, 2, **options),
    "latent": lambda **options: LatentAttention(12, 3, 5, **options),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_seed_decides_the_weights_by_xaviers_rule(name):
    first, other = LAYERS[name](seed=3), LAYERS[name](seed=4)
    torch.manual_seed(12345)
    same = LAYERS[name](seed=3)
    for at, (one, two, three) in enumerate(
        zip(first.parameters(), same.parameters(), other.parameters(), strict=True)
    ):
        assert torch.equal(one, two) and not torch.equal(one, three)
        assert torch.equal(one, xavier(one.shape, 3000 + at, dtype=torch.float32))


@pytest.mark.parametrize("name", LAYERS)
def test_every_parameter_learns(name):
    layer = LAYERS[name]().double()
    y = layer(X, mask=causal())
    y.square().sum().backward()
    assert y.shape == X.shape
    assert all(parameter.grad.abs().max() > 1e-6 for parameter in layer.parameters())


BAD = {
    "heads do not divide": (
        lambda: MultiHeadAttention(12, 5),
        "heads: expected a divisor of 12, the width; came 5",
    ),
    "no heads": (lambda: MultiHeadAttention(12, 0), "heads: expected a whole number >= 1; came 0"),
    "key heads do not divide": (
        lambda: MultiHeadAttention(12, 4, 3),
        "kv_heads: expected a divisor of 4, the h",
    ),
    "no width": (lambda: MultiHeadAttention(0, 4), "width: expected a whole number >= 1"),
    "no head size": (
        lambda: MultiHeadAttention(12, 4, head_size=0),
        "head_size: expected a whole number >= 1",
    ),
    "no source": (lambda: MultiHeadAttention(12, 4, source_width=0), "source_width: expected a whole number"),
    "latent heads": (lambda: LatentAttention(12, 5, 4), "heads: expected a divisor of 12, the width; came 5"),
    "no rank": (lambda: LatentAttention(12, 3, 0), "rank: expected a whole number >= 1; came 0"),
    "odd rotary": (lambda: LatentAttention(12, 3, 4, rotary_size=3), "rotary_size: expected an even number"),
    "base": (lambda: LatentAttention(12, 3, 4, base=0.0), "base: expected a finite number > 0"),
    "position": (
        lambda: LatentAttention(12, 3, 4).queries(X.float(), -1),
        "first: expected a whole number >= 0",
    ),
    "kept position": (lambda: LatentAttention(12, 3, 4).compress(X.float(), -1), "first: expected a whole"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
