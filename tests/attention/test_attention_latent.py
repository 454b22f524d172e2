"""Latent attention: the absorbed form is the naive one, what RoPE does to it, and what it costs to keep."""

import math

import pytest
import torch
from glassbox.attention import LatentAttention, latent_attention, scaled_dot_product_attention
from glassbox.attention.masks import causal, padding
from glassbox.attention.reference.latent import rotate_from
from glassbox.tiny.rotation import rotate
from glassbox.tiny.seeds import normal
from torch.nn import functional

B, H, T, N, D, E, P, R = 2, 3, 4, 7, 6, 5, 4, 8


def inputs(t=T, n=N):
    shapes = ((B, H, t, D), (B, H, t, P), (B, n, R), (B, n, P), (H, D, R), (H, E, R))
    return [normal(shape, seed) for seed, shape in enumerate(shapes)]


def close(got, expected, tolerance=1e-10):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def by_torch(q, q_rotary, latent, k_rotary, up_key, up_value, mask=None):
    """Each head by itself: its keys and values from the latent, then torch's attention."""
    outputs = []
    for head in range(H):
        keys = torch.cat((latent @ up_key[head].T, k_rotary), -1)
        queries = torch.cat((q[:, head], q_rotary[:, head]), -1)
        values = latent @ up_value[head].T
        outputs.append(functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask))
    return torch.stack(outputs, 1)


MASKS = {
    "none": None,
    "causal": causal(),
    "padding": padding(torch.tensor([[True] * 7, [True] * 4 + [False] * 3])),
    "empty rows": causal() & padding(torch.tensor([[False] * 5 + [True] * 2, [True] * 7])),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("t", [0, 1, 4, 7])
def test_absorbed_equals_naive(mask, t):
    naive = latent_attention(*inputs(t), MASKS[mask])
    assert close(latent_attention(*inputs(t), MASKS[mask], absorbed=True), naive)
    assert naive.shape == (B, H, t, E)


@pytest.mark.parametrize("absorbed", [False, True])
def test_both_forms_equal_torch_head_by_head(absorbed):
    expected = by_torch(*inputs(), causal().dense(T, N))
    assert close(latent_attention(*inputs(), causal(), absorbed), expected)


@pytest.mark.parametrize("absorbed", [False, True])
def test_gradcheck(absorbed):
    leaves = [x[:1] if at < 4 else x for at, x in enumerate(inputs(2, 3))]
    leaves = [x.clone().requires_grad_() for x in leaves]
    assert torch.autograd.gradcheck(lambda *x: latent_attention(*x, causal(), absorbed), leaves)


def test_a_query_that_sees_nothing_gets_zero_in_both_forms():
    for absorbed in (False, True):
        output = latent_attention(*inputs(), MASKS["empty rows"], absorbed)
        assert torch.equal(output[0, :, 0], torch.zeros(H, E).double()) and output[1].ne(0).all()


def test_without_a_rotary_part_it_is_multi_query_attention_on_the_latent():
    q, _, latent, _, up_key, up_value = inputs()
    none = [normal((B, H, T, 0), 0), normal((B, N, 0), 0)]
    in_latent = torch.einsum("bhtd,hdr->bhtr", q, up_key)
    one_head = latent[:, None]
    mixed = scaled_dot_product_attention(in_latent, one_head, one_head, scale=D**-0.5)
    expected = torch.einsum("bhtr,her->bhte", mixed, up_value)
    assert close(latent_attention(q, none[0], latent, none[1], up_key, up_value), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_computed_in_float32_and_cast_once(dtype):
    halves = [x.to(dtype) for x in inputs()]
    for absorbed in (False, True):
        wide = latent_attention(*(x.float() for x in halves), absorbed=absorbed)
        assert torch.equal(latent_attention(*halves, absorbed=absorbed), wide.to(dtype))


# Positions.


def test_rotation_from_a_position_is_the_tail_of_the_whole():
    x = normal((2, 3, 9, 6), 0)
    assert torch.equal(rotate_from(x), rotate(x))
    assert torch.equal(rotate_from(x[..., 5:, :], 5), rotate(x)[..., 5:, :])


def test_pairs_are_half_split():
    turned = rotate_from(torch.tensor([[1.0, 0, 0, 0]]).double(), 2)
    assert close(turned, torch.tensor([[math.cos(2), 0, math.sin(2), 0]], dtype=torch.float64))


def model(**options):
    return LatentAttention(12, 3, 5, **options).double()


def test_the_layer_sees_distances_only():
    layer, x = model(rotary_size=4), normal((2, 6, 12), 0)
    here = layer.read(*layer.queries(x), layer.compress(x), causal())
    there = layer.read(*layer.queries(x, 3), layer.compress(x, 3), causal())
    assert close(here, there) and close(here, layer(x, causal()))
    shifted = layer.read(*layer.queries(x, 3), layer.compress(x), causal())
    assert not close(here, shifted, 1e-4)


def test_order_matters_through_the_rotary_key_alone():
    layer, x = model(rotary_size=4), normal((1, 5, 12), 0)
    shuffled = x[:, [2, 0, 3, 1, 4]]
    assert not close(layer(x)[:, 4], layer(shuffled)[:, 4], 1e-4)
    with torch.no_grad():
        layer.key_rotary.weight.zero_()
    assert close(layer(x)[:, 4], layer(shuffled)[:, 4])


@pytest.mark.parametrize("absorbed", [False, True])
@pytest.mark.parametrize("cut", [1, 4])
def test_a_cache_of_latents_gives_the_full_forward(absorbed, cut):
    layer, x = model(), normal((2, 6, 12), 0)
    early, late = layer.compress(x[:, :cut]), layer.compress(x[:, cut:], cut)
    kept = type(early)(*(torch.cat(parts, 1) for parts in zip(early, late, strict=True)))
    got = layer.read(*layer.queries(x[:, cut:], cut), kept, causal(), absorbed)
    assert close(got, layer(x, causal())[:, cut:])


def test_a_token_keeps_rank_and_rotary_numbers_whatever_the_heads():
    for heads in (1, 3, 12):
        kept = LatentAttention(12, heads, 5, head_size=7, rotary_size=4).compress(torch.zeros(1, 1, 12))
        assert sum(part.numel() for part in kept) == 5 + 4


# Planted mistakes.


def wrong_absorption(name, q, q_rotary, latent, k_rotary, up_key, up_value, mask):
    """The absorbed form with one thing wrong."""
    scale = (
        D if name == "scale without the rotary part" else R + P if name == "scale of the latent" else D + P
    ) ** -0.5
    spec = "bhtd,hdr->bhtr"
    if name == "first head's matrix for all":
        up_key = up_key[:1].expand_as(up_key)
    in_latent = torch.einsum(spec, q, up_key)
    keys = latent
    if name == "RoPE on the latent":
        in_latent, keys = rotate(in_latent), rotate(latent)
    rotary = torch.zeros_like(k_rotary) if name == "rotary key forgotten" else k_rotary
    queries, keys = torch.cat((in_latent, q_rotary), -1), torch.cat((keys, rotary), -1)[:, None]
    values = rotate(latent) if name == "RoPE on the latent" else latent
    mixed = scaled_dot_product_attention(queries, keys, values[:, None], mask, scale=scale)
    return torch.einsum("bhtr,her->bhte", mixed, up_value)


MISTAKES = (
    "scale without the rotary part",
    "scale of the latent",
    "first head's matrix for all",
    "RoPE on the latent",
    "rotary key forgotten",
)


def test_without_a_mistake_the_planted_form_is_ours():
    assert close(wrong_absorption("none", *inputs(), causal()), latent_attention(*inputs(), causal()))


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    assert not close(wrong_absorption(name, *inputs(), causal()), latent_attention(*inputs(), causal()), 1e-4)


def test_rope_on_the_content_keys_cannot_be_absorbed():
    """Turned keys R_j U_K c_j: taking q to the latent and turning there is another number."""
    q, _, latent, _, up_key, _ = inputs(N, N)
    turned_keys = rotate(torch.einsum("bnr,hdr->bhnd", latent, up_key))
    honest = rotate(q) @ turned_keys.mT
    in_latent = torch.einsum("bhtd,hdr->bhtr", q, up_key)
    absorbed = rotate(in_latent) @ rotate(latent)[:, None].mT
    untouched = in_latent @ latent[:, None].mT
    assert not close(absorbed, honest, 1e-2) and not close(untouched, honest, 1e-2)
    assert close(untouched, q @ torch.einsum("bnr,hdr->bhnd", latent, up_key).mT)
