"""Prefill in chunks and decoding through each cache equal the full forward pass."""

import pytest
import torch
from glassbox.attention.caches import ContiguousCache, PagedCache, SinkCache, Visible, may_look, places

N, SINKS, WINDOW = 23, 3, 5
CHUNKS = {"at once": [23], "one by one": [1] * 23, "chunks": [7, 1, 1, 9, 5], "growing": [2, 6, 15]}
DOUBLE = torch.float64


def attend(q, k, v, mask, bias=0.0):
    """Attention in its plainest form; query head i reads key head i // (query heads / key heads)."""
    group = q.shape[-3] // k.shape[-3]
    k, v = k.repeat_interleave(group, -3), v.repeat_interleave(group, -3)
    scores = (q @ k.mT / q.shape[-1] ** 0.5 + bias).masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ v


def dense_mask(sinks=None, window=None):
    """The mask of the whole text, written out pair by pair."""
    rows = []
    for query in range(N):
        seen = [key <= query for key in range(N)]
        if window is not None:
            seen = [s and (key > query - window or key < sinks) for key, s in enumerate(seen)]
        rows.append(seen)
    return torch.tensor(rows)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


class OnePagedSequence:
    """A paged cache with the interface of the others; its pages are scrambled, a neighbour takes some too."""

    def __init__(self, heads, d, dv, dtype):
        cache = PagedCache.empty(30, 4, heads, d, dv, dtype).start("neighbour").start("text")
        self.cache = cache._replace(free=tuple(7 * page % 30 for page in range(30)))

    def append(self, k, v):
        cache, _ = self.cache.append("neighbour", k[0, :, :1] + 1, v[0, :, :1] + 1)
        self.cache, seen = cache.append("text", k[0], v[0])
        return self, seen


CACHES = {
    "contiguous": (lambda h, *row: ContiguousCache.empty(1, h, N, *row), dense_mask()),
    "paged": (OnePagedSequence, dense_mask()),
    "sinks": (lambda h, *row: SinkCache.empty(1, h, SINKS, WINDOW, *row), dense_mask(SINKS, WINDOW)),
    "window": (lambda h, *row: SinkCache.empty(1, h, 0, WINDOW, *row), dense_mask(0, WINDOW)),
}


def through(cache, q, k, v, chunks, attention=attend):
    """Return what the queries get when the text arrives in chunks."""
    out = []
    for q_new, k_new, v_new in zip(*(x.split(chunks, 2) for x in (q, k, v)), strict=True):
        cache, seen = cache.append(k_new, v_new)
        out.append(attention(q_new, seen))
    return torch.cat(out, 2)


def with_mask(q, seen):
    return attend(q, seen.keys, seen.values, seen.mask)


def error(name, key_heads, chunks, attention=with_mask, dtype=DOUBLE):
    q = random(1, 8, N, 6).to(dtype)
    k, v = random(1, key_heads, N, 6, seed=1).to(dtype), random(1, key_heads, N, 4, seed=2).to(dtype)
    make, mask = CACHES[name]
    got = through(make(key_heads, 6, 4, dtype), q, k, v, chunks, attention)
    return (got - attend(q, k, v, mask)).abs().max()


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("key_heads", [8, 2, 1], ids=["MHA", "GQA", "MQA"])
@pytest.mark.parametrize("name", CACHES)
def test_chunks_and_decoding_equal_the_full_forward(name, key_heads, chunks):
    assert error(name, key_heads, chunks) < 1e-12


@pytest.mark.parametrize("name", CACHES)
def test_float32_agrees_to_1e_6(name):
    assert error(name, 2, [9, 1, 1, 12], dtype=torch.float32) < 1e-6


@pytest.mark.parametrize("name", ["contiguous", "paged"])
def test_torch_says_the_same(name):
    q, k, v = random(1, 4, N, 8), random(1, 4, N, 8, seed=1), random(1, 4, N, 8, seed=2)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    got = through(CACHES[name][0](4, 8, 8, DOUBLE), q, k, v, [10, 1, 1, 11], with_mask)
    assert (got - expected).abs().max() < 1e-12


# The latent of MLA: one row of rank + rope numbers per token is the whole cache.


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("name", CACHES)
def test_a_latent_row_serves_as_key_and_value(name, chunks):
    heads, d, r, rope = 4, 6, 5, 2
    latent, k_rope = random(1, 1, N, r), random(1, 1, N, rope, seed=1)
    q, q_rope = random(1, heads, N, d, seed=2), random(1, heads, N, rope, seed=3)
    up_k, up_v = random(heads, r, d, seed=4), random(heads, r, d, seed=5)
    scale = (r + rope) ** 0.5 / (d + rope) ** 0.5  # `attend` divides by the root of the stored row's size

    make, mask = CACHES[name]
    keys = torch.cat([latent @ up_k, k_rope.expand(1, heads, N, rope)], -1)
    expected = attend(torch.cat([q, q_rope], -1), keys, latent @ up_v, mask)

    row = torch.cat([latent, k_rope], -1)
    absorbed = torch.cat([q @ up_k.mT, q_rope], -1) * scale

    def attention(q_new, seen):
        assert seen.values.numel() == 0
        return attend(q_new, seen.keys, seen.keys[..., :r], seen.mask) @ up_v

    got = through(make(1, r + rope, 0, DOUBLE), absorbed, row, row[..., :0], chunks, attention)
    assert (got - expected).abs().max() < 1e-12


# What the test above must see.


def no_mask(q, seen):
    return attend(q, seen.keys, seen.values, torch.ones_like(seen.mask))


def top_left(q, seen):
    t, n = seen.mask.shape
    return attend(q, seen.keys, seen.values, torch.ones(t, n, dtype=torch.bool).tril())


def values_late(q, seen):
    return attend(q, seen.keys, seen.values.roll(1, -2), seen.mask)


def tiled_heads(q, seen):
    group = q.shape[-3] // seen.keys.shape[-3]
    tile = [group if axis == seen.keys.ndim - 3 else 1 for axis in range(seen.keys.ndim)]
    return attend(q, seen.keys.tile(tile), seen.values.tile(tile), seen.mask)


@pytest.mark.parametrize("mistake", [no_mask, top_left, values_late, tiled_heads])
@pytest.mark.parametrize("name", CACHES)
def test_a_mistake_is_seen(name, mistake):
    assert error(name, 2, [7, 1, 1, 9, 5], mistake) > 1e-3


def test_a_window_that_does_not_count_its_own_key_is_seen():
    def one_more(q, seen):
        queries = seen.positions[-len(seen.mask) :]
        return attend(q, seen.keys, seen.values, may_look(queries, seen.positions, WINDOW - 1, SINKS))

    assert error("sinks", 2, [7, 1, 1, 9, 5], one_more) > 1e-3


# The contiguous cache.


def test_the_contiguous_cache_hands_out_views():
    cache, seen = ContiguousCache.empty(2, 3, 8, 4).append(torch.ones(2, 3, 5, 4), torch.ones(2, 3, 5, 4))
    assert seen.keys.data_ptr() == cache.keys.data_ptr()
    assert cache.view()[0].shape == (2, 3, 5, 4) and cache.length == 5
    assert seen.positions.tolist() == [0, 1, 2, 3, 4]


def test_an_older_contiguous_cache_is_a_roll_back():
    first, _ = ContiguousCache.empty(1, 1, 8, 2).append(torch.ones(1, 1, 3, 2), torch.ones(1, 1, 3, 2))
    first.append(torch.full((1, 1, 2, 2), 7.0), torch.full((1, 1, 2, 2), 7.0))
    again, seen = first.append(torch.full((1, 1, 1, 2), 2.0), torch.full((1, 1, 1, 2), 2.0))
    assert again.length == 4 and seen.keys[0, 0, :, 0].tolist() == [1, 1, 1, 2]


def test_half_precision_is_stored_as_it_came():
    k = torch.randn(1, 2, 3, 4).bfloat16()
    _, seen = ContiguousCache.empty(1, 2, 3, 4, dtype=torch.bfloat16).append(k, k)
    assert torch.equal(seen.keys, k)


# The window with sinks.


def test_a_window_counts_the_keys_seen_and_sinks_come_on_top():
    positions = torch.arange(7)
    assert may_look(positions, positions, 3).sum(-1).tolist() == [1, 2, 3, 3, 3, 3, 3]
    assert may_look(positions, positions, 3, 1).sum(-1).tolist() == [1, 2, 3, 4, 4, 4, 4]
    assert may_look(positions, positions).sum(-1).tolist() == [1, 2, 3, 4, 5, 6, 7]


def decode(sinks, window, tokens, chunk=1):
    cache, seen = SinkCache.empty(1, 1, sinks, window, 2), None
    for start in range(0, tokens, chunk):
        k = torch.arange(start, start + chunk).float().reshape(1, 1, chunk, 1).expand(1, 1, chunk, 2)
        cache, seen = cache.append(k, k)
    return cache, seen


def test_the_sink_cache_never_holds_more_than_sinks_and_window():
    for tokens in range(1, 20):
        cache, seen = decode(SINKS, WINDOW, tokens)
        assert cache.keys.shape[2] == min(tokens, SINKS + WINDOW) and cache.length == tokens
        assert seen.mask.all() and seen.keys.shape[2] == cache.keys.shape[2]


@pytest.mark.parametrize("chunk", [1, 2, 3, 6, 12])
def test_keys_stay_beside_their_positions(chunk):
    cache, seen = decode(2, 4, 12, chunk)
    assert cache.positions.tolist() == [0, 1, 8, 9, 10, 11]
    assert cache.keys[0, 0, :, 0].tolist() == cache.positions.tolist()
    assert seen.keys[0, 0, :, 0].tolist() == seen.positions.tolist()


def test_places_close_the_gap_as_in_the_paper():
    _, seen = decode(4, 4, 10)  # decoding token 9 with 0, 1, 2, 3 and 6, 7, 8 in the cache
    assert seen.positions.tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    assert places(seen).tolist() == [[0, 1, 2, 3, 4, 5, 6, 7]]


def own_places(seen):
    t = len(seen.mask)
    return places(seen)[torch.arange(t), torch.arange(t) - t]


def test_places_do_not_depend_on_the_chunks():
    assert own_places(decode(2, 3, 12, 12)[1]).tolist() == [0, 1, 2, 3] + [4] * 8
    assert [own_places(decode(2, 3, n)[1]).item() for n in range(1, 13)] == [0, 1, 2, 3] + [4] * 8


def test_a_bias_on_places_is_the_same_in_chunks_and_one_by_one():
    """A bias on the distance between places (as a relative position would be) and on that in the text."""
    q, k, v = random(1, 2, N, 6), random(1, 2, N, 6, seed=1), random(1, 2, N, 6, seed=2)

    def in_cache(q_new, seen):
        distance = own_places(seen)[:, None] - places(seen)
        return attend(q_new, seen.keys, seen.values, seen.mask, -0.3 * distance)

    def in_text(q_new, seen):
        distance = seen.positions[-len(seen.mask) :, None] - seen.positions
        return attend(q_new, seen.keys, seen.values, seen.mask, -0.3 * distance)

    def run(attention, chunks):
        return through(SinkCache.empty(1, 2, SINKS, WINDOW, 6, 6, DOUBLE), q, k, v, chunks, attention)

    positions = torch.arange(N)
    bias = -0.3 * (positions[:, None] - positions)
    assert (run(in_text, [9, 1, 13]) - attend(q, k, v, dense_mask(SINKS, WINDOW), bias)).abs().max() < 1e-12
    assert (run(in_cache, [9, 1, 13]) - run(in_cache, [1] * N)).abs().max() < 1e-12
    assert (run(in_cache, [N]) - run(in_text, [N])).abs().max() > 1e-3


def test_what_is_visible_is_one_named_tuple_for_all():
    _, seen = decode(1, 2, 3)
    assert isinstance(seen, Visible) and seen._fields == ("keys", "values", "positions", "mask")
