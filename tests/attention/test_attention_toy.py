"""The toy language models: the attention of the course, causal, rotated, and only faster."""

from functools import partial

import pytest
import torch
from glassbox.attention import LatentAttention, masks, scaled_dot_product_attention
from glassbox.attention.experiments.decode_time import empty_caches, extend, next_token
from glassbox.attention.reference.core import merge_heads
from glassbox.attention.toy import ToyAttention, ToyLatentAttention, ToyLM, next_byte_loss, spread_heads
from glassbox.norms.modules import initialise
from glassbox.tiny.rotation import rotate
from glassbox.tiny.seeds import normal, uniform

X = normal((2, 7, 16), seed=1)
TOKENS = uniform((1, 9), seed=2, high=256).long()


def attention(**sizes):
    return initialise(ToyAttention(16, 4, **sizes), seed=3).double()


def by_definition(layer, x, turn=rotate):
    """Return the output of a toy attention, made of the course's own attention."""
    q, k, v = (
        part(x).unflatten(-1, (-1, layer.head_size)).transpose(1, 2)
        for part in (layer.query, layer.key, layer.value)
    )
    q, k, v = turn(spread_heads(q, layer.heads)), turn(k), v
    k, v = (spread_heads(part, layer.heads) for part in (k, v))
    return layer.output(merge_heads(scaled_dot_product_attention(q, k, v, masks.causal())))


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_the_toy_attention_is_grouped_causal_attention_with_rotation(kv_heads):
    layer = attention(kv_heads=kv_heads)
    torch.testing.assert_close(layer(X), by_definition(layer, X), atol=1e-12, rtol=1e-12)
    unturned = by_definition(layer, X, turn=lambda y: y)
    assert (layer(X) - unturned).abs().max() > 1e-2


@pytest.mark.parametrize("shared", [("query",), ("key",), ("value",), ("key", "value")])
def test_a_shared_part_is_one_head_for_all(shared):
    layer, whole = attention(shared=shared), attention()
    with torch.no_grad():
        for part in ("query", "key", "value", "output"):
            weight = getattr(layer, part).weight
            getattr(whole, part).weight.copy_(weight.repeat(4, 1) if part in shared else weight)
    torch.testing.assert_close(layer(X), whole(X), atol=1e-12, rtol=1e-12)


def test_heads_are_spread_by_group_not_tiled():
    x = torch.arange(2.0).view(1, 2, 1, 1)
    assert spread_heads(x, 4).flatten().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "layer, cached",
    [
        (ToyAttention(16, 4), 32),
        (ToyAttention(16, 4, 1), 8),
        (ToyAttention(16, 4, shared=("query",)), 32),
        (ToyAttention(16, 4, shared=("value",)), 20),
        (ToyLatentAttention(16, 4, 6, 4, 2), 8),
    ],
)
def test_cached_counts_what_a_cache_keeps(layer, cached):
    assert layer.cached == cached
    keep = getattr(layer, "keys_and_values" if isinstance(layer, ToyAttention) else "compress")
    kept = keep(X.float())
    assert sum(part[0].numel() for part in kept) == cached * X.shape[1]


def test_the_toy_latent_attention_is_latent_attention():
    toy = initialise(ToyLatentAttention(16, 4, 6, 4, 2), seed=3).double()
    ours = LatentAttention(16, 4, 6, 4, 2).double()
    ours.load_state_dict(toy.state_dict())
    torch.testing.assert_close(toy(X), ours(X, masks.causal()), atol=1e-12, rtol=1e-12)
    assert (toy(X) - ours(X)).abs().max() > 1e-2


def test_the_maps_of_a_toy_attention_are_what_it_reads_with():
    layer = attention(kv_heads=2)
    maps = layer.maps(X)
    assert maps.triu(1).abs().max() == 0
    mixed = maps @ spread_heads(layer.keys_and_values(X)[1], 4)
    torch.testing.assert_close(layer.output(merge_heads(mixed)), layer(X), atol=1e-12, rtol=1e-12)


def test_what_is_not_query_key_or_value_cannot_be_shared():
    with pytest.raises(ValueError, match="shared"):
        ToyAttention(16, 4, shared=("output",))


# The language model.


def toy(seed=0, **sizes):
    return ToyLM(partial(ToyAttention, 16, 4, **sizes), width=16, hidden=32, seed=seed)


def test_the_toy_sees_no_later_byte():
    model = toy().double()
    changed = TOKENS.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 256
    moved = (model(TOKENS) - model(changed)).abs().amax((0, 2))
    assert moved[:5].eq(0).all() and moved[5:].gt(1e-6).all()


def test_the_seed_alone_decides_the_weights():
    first, again, other = (torch.cat([p.flatten() for p in toy(seed).parameters()]) for seed in (1, 1, 2))
    assert first.equal(again) and not first.equal(other)


def test_the_loss_is_the_entropy_of_the_next_byte():
    model = toy().double()
    scores = model(TOKENS[:, :-1]).log_softmax(-1)
    wanted = -scores.gather(2, TOKENS[:, 1:, None]).mean()
    torch.testing.assert_close(next_byte_loss(model, TOKENS), wanted)


@pytest.mark.parametrize("kv_heads", [4, 1])
def test_byte_after_byte_with_a_cache_is_the_whole_text_at_once(kv_heads):
    model = toy(kv_heads=kv_heads)
    whole = model(TOKENS)
    with torch.no_grad():
        scores, caches = extend(model, TOKENS[:, :4], empty_caches(model, 9))
        found = [scores]
        for at in range(4, 9):
            scores, caches = extend(model, TOKENS[:, at : at + 1], caches)
            found.append(scores)
    torch.testing.assert_close(torch.cat(found, 1), whole, atol=1e-4, rtol=1e-4)


def test_a_query_turned_as_if_it_stood_first_is_seen(monkeypatch):
    model = toy()
    right = ToyAttention.queries
    monkeypatch.setattr(ToyAttention, "queries", lambda self, x, first=0: right(self, x, 0))
    cached = next_token(model, TOKENS, "cached")()
    assert (cached - model(TOKENS)[:, -1]).abs().max() > 1e-2


@torch.no_grad()
def test_both_forms_of_the_next_token_say_the_same_and_can_be_repeated():
    model = toy()
    cached, recomputed = (next_token(model, TOKENS, form) for form in ("cached", "recomputed"))
    first = cached()
    torch.testing.assert_close(cached(), first, atol=0, rtol=0)
    torch.testing.assert_close(first, recomputed(), atol=1e-4, rtol=1e-4)
