"""What the exercises of notebook 03 say to answers that learners really write."""

import pytest
import torch
from glassbox import attention
from glassbox.attention import accounting, masks
from glassbox.attention.exercises import (
    absorb,
    cache_bytes,
    cached_rotation,
    chunk_mask,
    explain_cache,
    gqa_with_cache,
    grouped_attention,
    left_padding,
    log_sum_exp,
)
from glassbox.tiny.rotation import rotate
from learn.answers import assert_fits_a_whiteboard, mended, refused, said, same, saw
from learn.answers import in_batch as in_batch

RED_FLAG = "The KV cache saves memory. GQA groups reduce the FLOPs of attention. Decoding is fast."
GOOD = (
    "Without it you would recompute k and v of the whole prefix for every new token. The price is HBM: "
    "0.5 MB per token of a 7B model, and decoding becomes memory-bound. Nothing is gained in prefill. An "
    "old query is never used again, so it is not kept. GQA: eight query heads read the same KV pair, "
    "which are fewer KV heads at the same number of FLOPs. MLA keeps a low-rank vector and up-projects "
    "it per head."
)


# ---- the same as the library's


@pytest.mark.parametrize("seed", range(3))
def test_the_answers_are_those_of_the_library(seed):
    q, k, v = grouped_attention.inputs(seed)
    same(grouped_attention.solution(q, k, v), attention.scaled_dot_product_attention(q, k, v, masks.causal()))
    parts = absorb.inputs(seed)
    batched = [part[None, :, None] for part in parts[:2]] + [part[None] for part in parts[2:4]]
    latent = attention.latent_attention(*batched, *parts[4:], absorbed=True)
    same(absorb.solution(*parts), latent[0, :, 0])


def test_a_chunk_sees_what_the_library_lets_it_see():
    window = masks.causal() & masks.sliding_window(4)
    assert torch.equal(chunk_mask.solution(3, 7, 4), window.dense(3, 10))
    assert torch.equal(chunk_mask.solution(3, 7), masks.causal().dense(3, 10))


def test_a_step_in_pieces_is_the_layer_at_once():
    x, *weights, keys, values = gqa_with_cache.inputs(0)
    heads, groups = len(weights[0]) // keys.shape[3], keys.shape[1]
    layer = attention.HeadWeights(*weights)
    want = attention.multi_head_attention(x, layer, heads, groups, mask=masks.causal())
    cache, got = (keys[:, :, :0], values[:, :, :0]), []
    for piece in (x[:, :2], x[:, 2:3], x[:, 3:]):
        out, *cache = gqa_with_cache.solution(piece, *weights, *cache)
        got.append(out)
    same(torch.cat(got, 1), want)


def test_the_mended_rotation_is_that_of_the_whole_text():
    q, k, v, keys, values = cached_rotation.inputs(0)
    keys, values, past = torch.cat((keys, k), 2), torch.cat((values, v), 2), keys.shape[2]
    queries = rotate(torch.nn.functional.pad(q, (0, 0, past, 0)))[:, :, past:]
    want = attention.scaled_dot_product_attention(queries, rotate(keys), values, masks.causal())
    same(cached_rotation.solution(q, k, v, keys[:, :, :past], values[:, :, :past])[0], want)


def test_a_shift_of_all_positions_would_not_show_with_rotary_ones():
    """What the discussion of left_padding says."""
    q, k, v = (torch.randn(1, 2, 6, 10, dtype=torch.float64) for _ in range(3))
    pads = (0, 0, 3, 0)
    late = [rotate(torch.nn.functional.pad(each, pads))[:, :, 3:] for each in (q, k)]
    outputs = [attention.scaled_dot_product_attention(*each, v, masks.causal())
               for each in (late, (rotate(q), rotate(k)))]  # fmt: skip
    same(*outputs)
    assert not torch.allclose(late[0], rotate(q))


# ---- mistakes, written another way


def tiled_and_nan(q, k, v):
    (b, h, t, d), (g, n) = q.shape, k.shape[1:3]
    scores = torch.einsum("brgtd,bgnd->brgtn", q.view(b, h // g, g, t, d), k) / d**0.5
    ahead = torch.ones(t, n, dtype=torch.bool).triu(n - t + 1)
    weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
    return torch.einsum("brgtn,bgnd->brgtd", weights, v).reshape(b, h, t, d)


def broadcast(q, k, v):
    t, n = q.shape[2], k.shape[2]
    grouped = q.unflatten(1, (k.shape[1], -1))
    ahead = torch.ones(t, n, dtype=torch.bool).triu(n - t + 1)
    scores = (grouped @ k[:, :, None].mT / q.shape[3] ** 0.5).masked_fill(ahead, float("-inf"))
    weights = scores.softmax(-1).nan_to_num(0.0)
    return (weights @ v[:, :, None]).flatten(1, 2)


def by_library(q, k, v):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


def triangle(t, n_past, window):
    return torch.ones(t, n_past + t).tril().bool()


def through_the_library(q, q_rotary, latent, k_rotary, up_key, up_value):
    query = torch.cat((torch.einsum("hd,hdr->hr", q, up_key), q_rotary), 1)
    key = torch.cat((latent, k_rotary), 1)
    read = torch.nn.functional.scaled_dot_product_attention(query, key, latent)
    return torch.einsum("hr,her->he", read, up_value)


def mask_of_a_prompt(x, w_q, w_k, w_v, w_o, keys, values):
    t, d = x.shape[1], keys.shape[3]
    q, k, v = ((x @ w.T).unflatten(2, (-1, d)).transpose(1, 2) for w in (w_q, w_k, w_v))
    keys, values = torch.cat((keys, k), 2), torch.cat((values, v), 2)
    rows = q.unflatten(1, (keys.shape[1], -1)).flatten(2, 3)
    scores = (rows @ keys.mT / d**0.5).unflatten(2, (-1, t))
    ahead = torch.ones(t, keys.shape[2], dtype=torch.bool).triu(1)
    weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
    read = (weights.flatten(2, 3) @ values).unflatten(2, (-1, t)).flatten(1, 2)
    return read.transpose(1, 2).flatten(2) @ w_o.T, keys, values


@pytest.mark.parametrize("task, answer, words", [
    (grouped_attention, tiled_and_nan, "a query head reads the key or the value of another group"),
    (grouped_attention, broadcast, "every key and value is copied h / g times"),
    (grouped_attention, by_library, "asks you to write it yourself"),
    (chunk_mask, triangle, "the mask of a chunk is not the last rows of the whole text's mask"),
    (absorb, through_the_library, "exactly what you get when scores are divided by the root of r + p"),
    (gqa_with_cache, mask_of_a_prompt, "the mask is aligned top-left"),
])  # fmt: skip
def test_a_mistake_is_recognised_in_other_words(task, answer, words):
    assert words in said(task, answer)


@pytest.mark.parametrize("answer, words", [
    (183, "the rotary key is cached beside it"),
    (114.375, "the latent is counted twice"),
    (2.875, "each of the 61 layers"),
    (179_584, "a factor of 1024"),
    (140, "none of the mistakes known here"),
])  # fmt: skip
def test_a_wrong_number_is_told_apart(answer, words):
    assert words in said(cache_bytes, answer)


def test_the_number_is_that_of_the_table():
    assert cache_bytes.solution() == 175.375
    assert accounting.bytes_per_token("DeepSeek-V3") / 1024 == 68.625  # what the discussion says


# ---- mending


PLACES = "torch.arange(t), torch.arange(n_past + t)"


@pytest.mark.parametrize("task, old, new", [
    (cached_rotation, PLACES, "torch.arange(n_past, n_past + t), torch.arange(n_past + t)"),
    (cached_rotation, PLACES, "torch.arange(t), torch.arange(-n_past, t)"),
    (left_padding, "table[place]", "table[place - padding[:, None]]"),  # a pad's row is read by nobody
])  # fmt: skip
def test_one_line_mends_it(task, old, new):
    assert mended(task, (old, new)).passed


@pytest.mark.parametrize("task, old, new, words", [
    (cached_rotation, PLACES, "torch.arange(n_past, n_past + t), torch.arange(n_past, 2 * n_past + t)",
     "the planted error is still there"),
    (left_padding, "& is_token[:, None, :]", "", "the pads still take part"),
])  # fmt: skip
def test_another_line_does_not(task, old, new, words):
    assert words in refused(mended(task, (old, new)))


# ---- words and whiteboards


def test_a_red_flag_finds_few_points_and_a_good_answer_all():
    assert saw(explain_cache, RED_FLAG).startswith(
        "0 of 6 points found by their words, 2 less for: the cache saves"
    )
    assert saw(explain_cache, GOOD).startswith("6 of 6 points found by their words;")


@pytest.mark.parametrize("answer, wrong", [
    ("Caching saves a lot of memory.", True),
    ("With the cache each step has constant cost.", True),
    ("GQA cuts compute by the number of groups.", True),
    ("The cache saves work and costs memory.", False),
    ("The cache does not save memory.", False),
    ("A smaller cache saves memory, which is what GQA is for.", False),
    ("GQA reads fewer bytes at the same FLOPs.", False),
])  # fmt: skip
def test_a_claim_counts_unless_it_is_denied(answer, wrong):
    assert bool(explain_cache.check(answer).mistake) == wrong


@pytest.mark.parametrize("task, lines", [(gqa_with_cache, 15), (absorb, 10), (log_sum_exp, 10)])
def test_the_whiteboards_fit_on_one(task, lines):
    assert_fits_a_whiteboard(task, lines)
