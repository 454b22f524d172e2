"""Mean pooling of key and value heads: against a loop, and against what shared heads must give."""

import pytest
import torch
from glassbox.attention.conversion import mha_to_gqa, pool_heads

HEADS, D, M = 6, 4, 5


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loop(weight, kv_heads):
    size, pooled = HEADS // kv_heads, []
    for group in range(kv_heads):
        heads = [weight[head * D : head * D + D] for head in range(group * size, group * size + size)]
        pooled += [sum(head[row] for head in heads) / size for row in range(D)]
    return torch.stack(pooled)


@pytest.mark.parametrize("kv_heads", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(HEADS * D, M), (HEADS * D,)], ids=["weight", "bias"])
def test_pooling_equals_the_loop(kv_heads, shape):
    weight = random(*shape)
    pooled = pool_heads(weight, HEADS, kv_heads)
    assert pooled.shape == (kv_heads * D, *shape[1:])
    assert (pooled - by_loop(weight, kv_heads)).abs().max() < 1e-12


def tiled(weight, heads, kv_heads):
    """Group g takes every kv_heads-th head: the inverse of tiling, not of repeating."""
    return weight.unflatten(0, (heads // kv_heads, kv_heads, -1)).mean(0).flatten(0, 1)


def summed(weight, heads, kv_heads):
    return pool_heads(weight, heads, kv_heads) * (heads // kv_heads)


def first(weight, heads, kv_heads):
    return weight.unflatten(0, (kv_heads, heads // kv_heads, -1))[:, 0].flatten(0, 1)


def over_the_rows(weight, heads, kv_heads):
    """Rows of one head are mixed: the head is the fast axis here."""
    return weight.unflatten(0, (kv_heads, -1, heads // kv_heads)).mean(2).flatten(0, 1)


@pytest.mark.parametrize("mistake", [tiled, summed, first, over_the_rows])
def test_a_mistake_is_seen(mistake):
    weight = random(HEADS * D, M)
    assert (mistake(weight, HEADS, 2) - by_loop(weight, 2)).abs().max() > 0.1


def test_only_the_ends_cannot_tell_tiling_from_repeating():
    weight = random(HEADS * D, M)
    for kv_heads in (1, HEADS):
        assert torch.allclose(tiled(weight, HEADS, kv_heads), pool_heads(weight, HEADS, kv_heads))


def attention(state, x, kv_heads):
    def split(name, heads):
        weight, bias = state[f"layer.{name}.weight"], state.get(f"layer.{name}.bias")
        return torch.nn.functional.linear(x, weight, bias).unflatten(-1, (heads, D)).transpose(1, 2)

    q, k, v = split("q_proj", HEADS), split("k_proj", kv_heads), split("v_proj", kv_heads)
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return out.transpose(1, 2).flatten(2) @ state["layer.o_proj.weight"].T


def checkpoint(arrange):
    """A multi-head checkpoint in which two different key and value heads occur three times each."""
    state = {f"layer.{name}_proj.weight": random(HEADS * D, M, seed=ord(name)) for name in "qkv"}
    for name in "kv":
        state[f"layer.{name}_proj.weight"] = arrange(random(2, D, M, seed=ord(name))).flatten(0, 1)
        state[f"layer.{name}_proj.bias"] = arrange(random(2, D, seed=ord(name) + 1)).flatten(0, 1)
    return state | {"layer.o_proj.weight": random(M, HEADS * D, seed=9), "norm.gain": torch.ones(M)}


def test_a_checkpoint_whose_groups_agree_loses_nothing():
    state, x = checkpoint(lambda heads: heads.repeat_interleave(3, 0)), random(2, 7, M)
    converted = mha_to_gqa(state, HEADS, 2)
    assert (attention(converted, x, 2) - attention(state, x, HEADS)).abs().max() < 1e-12


def test_heads_that_agree_in_the_tiled_order_are_lost():
    state, x = checkpoint(lambda heads: heads.repeat(3, *[1] * (heads.ndim - 1))), random(2, 7, M)
    assert (attention(mha_to_gqa(state, HEADS, 2), x, 2) - attention(state, x, HEADS)).abs().max() > 1e-2


def test_only_keys_and_values_change():
    state = checkpoint(lambda heads: heads.repeat_interleave(3, 0))
    converted = mha_to_gqa(state, HEADS, 2)
    assert list(converted) == list(state)
    changed = {name for name in state if not torch.equal(state[name], converted[name])}
    assert changed == {f"layer.{name}_proj.{kind}" for name in "kv" for kind in ("weight", "bias")}
    assert all(
        torch.equal(a, b) for a, b in zip(mha_to_gqa(state, 6, 6).values(), state.values(), strict=True)
    )


def test_other_names_may_be_given_and_parts_of_words_do_not_count():
    state = {"key.weight": random(HEADS * D, M), "keyboard.weight": random(HEADS * D, M)}
    converted = mha_to_gqa(state, HEADS, 2, ("key",))
    assert [tuple(tensor.shape) for tensor in converted.values()] == [(2 * D, M), (HEADS * D, M)]


def test_halves_are_summed_in_float32_and_rounded_once():
    weight = (1 + random(8, 64) * 2**-7).bfloat16()
    exact = weight.double().mean(0, keepdim=True)
    assert torch.equal(pool_heads(weight, 8, 1), exact.float().bfloat16())
    one_by_one = sum(weight[1:], start=weight[0]) / 8
    assert not torch.equal(one_by_one[None], exact.float().bfloat16())


REFUSED = {
    "no divisor": (lambda: pool_heads(random(24, 5), 6, 4), "kv_heads: expected a divisor of the 6 heads"),
    "more heads": (lambda: pool_heads(random(24, 5), 6, 12), "kv_heads: expected a divisor"),
    "no head": (lambda: pool_heads(random(24, 5), 6, 0), "kv_heads: expected a whole number >= 1"),
    "rows": (lambda: pool_heads(random(25, 5), 6, 2), "weight: expected rows for 6 heads"),
    "empty": (lambda: pool_heads(random(0, 5), 6, 2), "weight: expected rows for 6 heads"),
    "no key": (lambda: mha_to_gqa({"v_proj": random(24, 5)}, 6, 2), "keys_and_values: .*came 'k_proj'"),
    "whole": (lambda: pool_heads(torch.ones(24, 5).long(), 6, 2), "weight: expected a floating-point tensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    wrong, message = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=message):
        wrong()
