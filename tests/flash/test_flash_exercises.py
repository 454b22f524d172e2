"""What the exercises of notebook 12 say to answers that learners really write."""

import pytest
import torch
from glassbox import attention, flash
from glassbox.attention import masks
from glassbox.flash import counting
from glassbox.flash.exercises import (
    explain_flash,
    masked_tiles,
    merge_partials,
    moved_bytes,
    online_softmax,
    tiled_backward,
    tiled_forward,
)
from learn.answers import assert_fits_a_whiteboard, mended, refused, said, same, saw
from learn.answers import in_batch as in_batch

RED_FLAG = (
    "FlashAttention is an approximate method. It reduces the FLOPs. It turns softmax into linear attention. "
    "It makes decoding faster. It shrinks the KV cache."
)
GOOD = (
    "Attention is bandwidth-limited, and the n x n scores are never materialised in HBM. A running max "
    "gives the same softmax. In the backward pass P is recomputed, with more FLOPs, from the saved lse. "
    "Delta, the row-wise sum of dO * O, replaces the sum over keys. Not much changes for a single query; "
    "there split-K is what helps."
)


# ---- the same as the library's


@pytest.mark.parametrize("seed", range(3))
def test_the_softmax_is_that_of_the_library_at_every_block(seed):
    scores, block = online_softmax.inputs(seed)
    p, sums = online_softmax.solution(scores, block)
    same(p, flash.online_softmax(scores, block))
    for count, here in enumerate(sums.T, start=1):
        seen = scores[:, : count * block]
        same((seen - seen.amax(-1, keepdim=True)).exp().sum(-1).nan_to_num(0), here)


@pytest.mark.parametrize("seed", range(3))
def test_the_merge_is_that_of_the_library(seed):
    o1, lse1, o2, lse2 = merge_partials.inputs(seed)
    want = flash.merge(attention.Attended(o1, lse1), attention.Attended(o2, lse2))
    for got, due in zip(merge_partials.solution(o1, lse1, o2, lse2), want, strict=True):
        same(got, due)


@pytest.mark.parametrize("seed", range(4))
def test_the_forward_pass_is_that_of_the_library(seed):
    q, k, v, block = tiled_forward.inputs(seed)
    whole = (part[None, None] for part in (q, k, v))
    want = flash.tiled_attention(*whole, masks.causal(), query_block=block, key_block=block)
    for got, due in zip(tiled_forward.solution(q, k, v, block), want, strict=True):
        same(got, due[0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_the_backward_pass_is_that_of_the_library_and_of_autograd(seed):
    *given, block = tiled_backward.inputs(seed)
    library = flash.tiled_attention_backward(*(part[None, None] for part in given), key_block=block)
    q, k, v = (part[None, None].clone().requires_grad_() for part in given[:3])
    output = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    gradients = torch.autograd.grad(output, (q, k, v), given[5][None, None])
    for got, *due in zip(tiled_backward.solution(*given, block), library, gradients, strict=True):
        same(got, due[0][0, 0])
        same(got, due[1][0, 0])


def test_the_devices_of_a_ring_add_up_to_the_whole():
    """What the statement of tiled_backward says of a part of the keys."""
    q, k, v, *rest, block = tiled_backward.inputs(0)
    dq, dk, dv = tiled_backward.solution(q, k, v, *rest, block)
    cut = len(k) // 2
    halves = (slice(cut), slice(cut, None))
    left, right = (tiled_backward.solution(q, k[half], v[half], *rest, block) for half in halves)
    same(left[0] + right[0], dq)
    same(torch.cat((left[1], right[1])), dk)
    same(torch.cat((left[2], right[2])), dv)


@pytest.mark.parametrize("seed", range(3))
def test_the_mended_loop_is_masked_attention(seed):
    q, k, v, seen, block = masked_tiles.inputs(seed)
    want = attention.scaled_dot_product_attention(*(part[None, None] for part in (q, k, v)), seen)
    same(masked_tiles.solution(q, k, v, seen, block), want[0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_the_broken_loop_is_right_with_no_mask_and_with_a_causal_one(seed):
    """What its statement says: months of tests passed."""
    for case in masked_tiles.cases[:2]:
        same(masked_tiles.broken(*case(seed)), masked_tiles.solution(*case(seed)))
    assert masked_tiles.broken(*masked_tiles.cases[2](seed)).isnan().any()


# ---- mistakes, written another way


def first_score_and_one(scores, block):
    m, l, sums = scores[:, 0].clone(), scores.new_ones(len(scores)), []
    for part in scores.split(block, 1):
        before, m = m, torch.maximum(m, part.amax(1))
        low = torch.where(m.isinf(), 0.0, m)
        l = l * torch.exp(before - low) + torch.exp(part - low[:, None]).sum(1)
        sums.append(l)
    p = torch.exp(scores - low[:, None]) / torch.where(l > 0, l, 1.0)[:, None]
    return p, torch.stack(sums, 1)


def two_readings(scores, block):
    top = scores.amax(1, keepdim=True)
    terms = torch.exp(scores - torch.where(top.isinf(), 0.0, top))
    sums = torch.stack([part.sum(1) for part in terms.split(block, 1)], 1).cumsum(1)
    return terms / sums[:, -1:].clamp_min(1e-300), sums


def with_torch(scores, block):
    return scores.softmax(-1), scores


def average(o1, lse1, o2, lse2):
    return torch.stack((o1, o2)).mean(0), torch.logsumexp(torch.stack((lse1, lse2)), 0)


def by_sigmoid(o1, lse1, o2, lse2):
    share = torch.sigmoid(lse1 - lse2)[:, None]
    return share * o1 + (1 - share) * o2, torch.logaddexp(lse1, lse2)


def mask_of_the_whole(q, k, v, block):
    t, n = len(q), len(k)
    seen = torch.ones(t, n, dtype=torch.bool).tril(n - t)
    return _by_keys(q, k, v, block, seen.split(block, 1))


def square_mask(q, k, v, block):
    seen = torch.arange(len(k)) <= torch.arange(len(q))[:, None]
    return _by_keys(q, k, v, block, seen.split(block, 1))


def _by_keys(q, k, v, block, seen):
    m, l, o = q.new_full((len(q), 1), -torch.inf), 0.0, 0.0
    for keys, values, here in zip(k.split(block), v.split(block), seen, strict=True):
        s = (q @ keys.T / q.shape[1] ** 0.5).masked_fill(~here, -torch.inf)
        new = torch.maximum(m, s.amax(1, keepdim=True))
        base = torch.where(new.isinf(), 0.0, new)
        l = l * (m - base).exp() + (s - base).exp().sum(1, keepdim=True)
        o = o * (m - base).exp() + (s - base).exp() @ values
        m = new
    return o / l.clamp_min(1), (m + l.log()).squeeze(1)


def no_inner_sum(q, k, v, o, lse, do, block):
    scaled = q / q.shape[1] ** 0.5
    p = torch.exp(scaled @ k.T - lse[:, None])
    ds = p * (do @ v.T)
    return ds @ k / q.shape[1] ** 0.5, ds.T @ scaled, p.T @ do


def own_denominator(q, k, v, o, lse, do, block):
    dq, dk, dv = 0, [], []
    for keys, values in zip(k.split(block), v.split(block), strict=True):
        p = torch.softmax(q @ keys.T / q.shape[1] ** 0.5, -1)
        ds = p * (do @ values.T - (o * do).sum(1)[:, None]) / q.shape[1] ** 0.5
        dq, dk, dv = dq + ds @ keys, [*dk, ds.T @ q], [*dv, p.T @ do]
    return dq, torch.cat(dk), torch.cat(dv)


def scale_once(q, k, v, o, lse, do, block):
    scaled = q / q.shape[1] ** 0.5
    dq, dk, dv = 0, [], []
    for keys, values in zip(k.split(block), v.split(block), strict=True):
        p = torch.exp(scaled @ keys.T - lse[:, None])
        ds = p * (do @ values.T - (o * do).sum(1)[:, None])
        dq, dk, dv = dq + ds @ keys, [*dk, ds.T @ scaled], [*dv, p.T @ do]
    return dq, torch.cat(dk), torch.cat(dv)


@pytest.mark.parametrize("task, answer, words", [
    (online_softmax, first_score_and_one, "the first score of each row counts twice"),
    (online_softmax, two_readings, "the row is read twice"),
    (online_softmax, with_torch, "asks you to write it yourself"),
    (merge_partials, average, "whatever their log-sum-exps"),
    (merge_partials, by_sigmoid, "the output is NaN where neither side saw a key"),
    (tiled_forward, mask_of_the_whole, "something of t x n numbers exists"),
    (tiled_forward, square_mask, "the mask is aligned top-left"),
    (tiled_backward, no_inner_sum, "dv is right; dq and dk are what you get without D"),
    (tiled_backward, own_denominator, "the weights of each tile sum to 1"),
    (tiled_backward, scale_once, "dk and dv are right, dq is too large by the root of d"),
])  # fmt: skip
def test_a_mistake_is_recognised_in_other_words(task, answer, words):
    assert words in said(task, answer)


# ---- a number


@pytest.mark.parametrize("answer, words", [
    (172, "bfloat16 has 2 bytes"),
    (688, "2 bytes, not 4"),
    (430, "reads the keys for each block, and no values"),
    (512, "keys and values once in all"),
    (-40, "one pass over an n x n matrix"),
    (216, "three passes"),
    (176, "that is what the tiled form moves"),
    (520, "that is what the naive form moves"),
    (344 * 2**20, "a factor of 2^20"),
    (300, "none of the mistakes known here"),
])  # fmt: skip
def test_a_wrong_number_is_told_apart(answer, words):
    assert words in said(moved_bytes, answer)


def test_the_numbers_of_the_discussion():
    naive = counting.naive_bytes(8192, 8192, 128, 128, item=2) / 2**20
    tiled = counting.queries_outside_bytes(8192, 8192, 128, 128, 192, item=2) / 2**20
    twice = counting.queries_outside_bytes(8192, 8192, 128, 128, 384, item=2) / 2**20
    assert (naive, round(tiled), moved_bytes.solution()) == (520, 176, 344)
    assert round(naive / tiled) == 3 and round(tiled / twice, 1) == 1.9


# ---- mending


NEW, KEEP = "new = torch.maximum(m, s.amax(1))", "(m - new).exp(), (s - new[:, None]).exp()"
START, LAST = "torch.full_like(q[:, 0], -torch.inf)", "return o / l[:, None]"


@pytest.mark.parametrize("changes", [
    [(KEEP, "(m - new.nan_to_num(neginf=0)).exp(), (s - new.nan_to_num(neginf=0)[:, None]).exp()"),
     (LAST, "return o / l.clamp_min(1)[:, None]")],
    [(START, "torch.full_like(q[:, 0], torch.finfo(q.dtype).min)"),
     (LAST, "return o / (l + (l == 0))[:, None]")],
])  # fmt: skip
def test_two_lines_mend_it(changes):
    assert mended(masked_tiles, *changes).passed


@pytest.mark.parametrize("changes, words", [
    ([(LAST, "return (o / l[:, None]).nan_to_num(0)")], "NaN is erased at the end"),
    ([(LAST, "return o / l.clamp_min(1)[:, None]")], "the planted error is still there"),
    ([("~here, -torch.inf", "~here, -1e9")], "returns the mean of all values"),
    ([(NEW, f"{NEW}.nan_to_num(neginf=0)"), (LAST, "return o / l.clamp_min(1)[:, None]")],
     "is kept as the maximum of the row"),
])  # fmt: skip
def test_another_line_does_not(changes, words):
    assert words in refused(mended(masked_tiles, *changes))


# ---- words and whiteboards


def test_a_red_flag_finds_few_points_and_a_good_answer_all():
    assert saw(explain_flash, RED_FLAG).startswith(
        "0 of 7 points found by their words, 5 less for: it is approx"
    )
    assert saw(explain_flash, GOOD).startswith("7 of 7 points found by their words;")


@pytest.mark.parametrize("answer, wrong", [
    ("Its output is an approximation.", True),
    ("FlashAttention saves FLOPs.", True),
    ("It needs less computation.", True),
    ("The time becomes linear.", True),
    ("It speeds up decoding.", True),
    ("FlashAttention reduces the KV cache.", True),
    ("It is not approximate.", False),
    ("FlashAttention is exact, unlike approximate methods.", False),
    ("It saves bytes and costs FLOPs.", False),
    ("It reduces HBM accesses at the cost of extra FLOPs.", False),
    ("The memory is O(n) and the time is quadratic.", False),
    ("It hardly helps decoding.", False),
    ("What helps decoding is splitting the keys.", False),
    ("GQA reduces the KV cache.", False),
])  # fmt: skip
def test_a_claim_counts_unless_it_is_denied(answer, wrong):
    assert bool(explain_flash.check(answer).mistake) == wrong


@pytest.mark.parametrize("task, lines", [(online_softmax, 10), (merge_partials, 10), (tiled_forward, 15)])
def test_the_whiteboards_fit_on_one(task, lines):
    assert_fits_a_whiteboard(task, lines)
