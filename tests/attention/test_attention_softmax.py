"""Softmax attention, in float64: against torch, against loops, its edges, its conventions, its tolerance."""

import math

import pytest
import torch
from glassbox import attention
from glassbox.attention.masks import causal, padding, sliding_window
from glassbox.attention.reference.core import merge_heads, softmax, split_heads
from glassbox.tiny.seeds import normal
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

attend = attention.scaled_dot_product_attention


def inputs(b=2, h=6, g=3, t=4, n=7, d=5, e=4, seed=0):
    return normal((b, h, t, d), seed), normal((b, g, n, d), seed + 1), normal((b, g, n, e), seed + 2)


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def one_by_one(q, k, v, seen, bias, scale):
    """Attention as its sentence: for each query, weigh each value it may see. Python numbers throughout."""
    b, h, t, _ = q.shape
    output, lse = torch.zeros(b, h, t, v.shape[-1]).double(), torch.full((b, h, t), -math.inf).double()
    for s, i, row in ((s, i, row) for s in range(b) for i in range(h) for row in range(t)):
        head = i * k.shape[1] // h
        weights = {}
        for j in range(k.shape[2]):
            if seen[s, i, row, j]:
                products = zip(q[s, i, row].tolist(), k[s, head, j].tolist(), strict=True)
                weights[j] = math.exp(scale * sum(x * y for x, y in products) + bias[s, i, row, j].item())
        for j, weight in weights.items():
            output[s, i, row] += weight / sum(weights.values()) * v[s, head, j]
        if weights:
            lse[s, i, row] = math.log(sum(weights.values()))
    return output, lse


def full_case():
    """Queries, keys, values, a mask with two empty rows and one per head, a bias, and a scale."""
    q, k, v = inputs()
    seen = normal((2, 6, 4, 7), 7) > -0.3
    seen[0, 1, 2], seen[1, 5, 0] = False, False
    return q, k, v, seen, normal((2, 6, 4, 7), 8), 0.7


def test_attention_is_its_sentence():
    case = full_case()
    got = attend(*case, return_lse=True)
    output, lse = one_by_one(*case)
    assert close(got.output, output) and close(got.lse, lse)


# Against torch.

SHAPES = {
    "self": {},
    "multi-head": {"g": 6},
    "multi-query": {"g": 1},
    "one query": {"t": 1},
    "one key": {"n": 1},
    "more queries than keys": {"t": 9, "n": 3},
    "one of everything": {"b": 1, "h": 1, "g": 1, "t": 1, "n": 1, "d": 1, "e": 1},
    "no queries": {"t": 0},
    "no sequences": {"b": 0},
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_torch(name, masked):
    q, k, v = inputs(**SHAPES[name])
    mask = causal().dense(q.shape[2], k.shape[2]) if masked else None
    expected = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
    assert close(attend(q, k, v, mask), expected)


def test_bias_and_scale_equal_torch():
    q, k, v = inputs()
    bias = normal((1, 6, 4, 7), 5)
    expected = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=0.3, enable_gqa=True)
    assert close(attend(q, k, v, bias=bias, scale=0.3), expected)


def test_lse_is_the_log_of_the_softmaxs_denominator():
    q, k, v = inputs(g=6)
    scores = q @ k.mT / 5**0.5
    assert close(attend(q, k, v, return_lse=True).lse, scores.logsumexp(-1))


@pytest.mark.parametrize("name", ["plain", "masked", "biased", "empty rows"])
def test_gradcheck(name):
    q, k, v, seen, bias, scale = full_case()
    q, k, v, bias = (x[:1, :2, :, :].clone().requires_grad_() for x in (q, k, v, bias))
    options = {
        "plain": {},
        "masked": {"mask": causal()},
        "biased": {"bias": bias, "scale": scale},
        "empty rows": {"mask": seen[:1, :2]},
    }[name]

    def both(q, k, v, bias):
        output, lse = attend(q, k, v, return_lse=True, **options)
        return output, lse[lse > -torch.inf]

    assert torch.autograd.gradcheck(both, (q, k, v, bias))


# Edges.


def test_a_query_that_sees_nothing_gets_zero_and_minus_infinity_and_passes_no_gradient():
    q, k, v = (x.requires_grad_() for x in inputs(t=3, n=3))
    mask = causal() & padding(torch.tensor([[True, True, True], [False, False, True]]))
    output, lse = attend(q, k, v, mask, return_lse=True)
    assert (
        torch.equal(output[1, :, :2], torch.zeros(6, 2, 4).double()) and (lse[1, :, :2] == -torch.inf).all()
    )
    assert output[0].ne(0).all() and lse[0].isfinite().all()
    gradients = torch.autograd.grad(output.square().sum() + lse[lse.isfinite()].sum(), (q, k, v))
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert torch.equal(gradients[0][1, :, :2], torch.zeros(6, 2, 5).double())


def test_minus_infinity_as_a_bias_is_a_mask():
    q, k, v = inputs()
    bias = torch.zeros(4, 7).double().masked_fill(~causal().dense(4, 7), -torch.inf)
    assert close(attend(q, k, v, bias=bias), attend(q, k, v, causal()))


def test_large_scores_stay_finite():
    q, k, v = inputs(g=6)
    got = attend(1e4 * q, k, v, return_lse=True)
    assert got.output.isfinite().all() and got.lse.isfinite().all()
    assert close(got.output, functional.scaled_dot_product_attention(1e4 * q, k, v))


def test_a_shift_of_all_scores_moves_the_lse_alone():
    q, k, v = inputs()
    before = attend(q, k, v, return_lse=True)
    after = attend(q, k, v, bias=torch.full((4, 7), 3.0).double(), return_lse=True)
    assert close(after.output, before.output) and close(after.lse, before.lse + 3)


def test_what_is_not_a_number_is_not_hidden():
    q, k, v = inputs()
    q[0, 0, 0, 0] = torch.nan
    output = attend(q, k, v)
    assert output[0, 0, 0].isnan().all() and output.isnan().sum() == 4


def test_a_hidden_key_may_be_anything_but_a_hidden_value_must_be_finite():
    q, k, v = inputs()
    seen = torch.arange(7).expand(4, 7) < 6
    before = attend(q, k, v, seen)
    k[:, :, 6] = torch.nan
    assert torch.equal(attend(q, k, v, seen), before)
    v[:, :, 6] = torch.inf
    assert attend(q, k, v, seen).isnan().all()


def test_two_halves_of_the_keys_merge_by_their_lse():
    q, k, v = inputs()
    parts = [attend(q, k[:, :, at], v[:, :, at], return_lse=True) for at in (slice(3), slice(3, 7))]
    share = torch.stack([part.lse for part in parts]).softmax(0)[..., None]
    assert close(share[0] * parts[0].output + share[1] * parts[1].output, attend(q, k, v))


def test_strides_do_not_matter_and_the_inputs_are_left_alone():
    q, k, v = (x.transpose(1, 2).contiguous().transpose(1, 2) for x in inputs())
    before = [x.clone() for x in (q, k, v)]
    assert close(attend(q, k, v), attend(*before))
    assert all(torch.equal(x, y) for x, y in zip((q, k, v), before, strict=True))


# Heads.


def test_key_heads_are_repeated_in_place_not_tiled():
    q, k, v = inputs()
    repeated = [x.repeat_interleave(2, 1) for x in (k, v)]
    tiled = [x.repeat(1, 2, 1, 1) for x in (k, v)]
    assert close(attend(q, k, v), attend(q, *repeated))
    assert not close(attend(q, k, v), attend(q, *tiled), 1e-3)


class Largest(TorchDispatchMode):
    """Notes the most elements that any new tensor had."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        given = {x.untyped_storage().data_ptr() for x in args if isinstance(x, torch.Tensor)}
        for x in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(x, torch.Tensor) and x.untyped_storage().data_ptr() not in given:
                self.elements = max(self.elements, x.numel())
        return result


@pytest.mark.parametrize("g", [1, 2, 4])
def test_no_key_is_copied(g):
    q, k, v = inputs(h=8, g=g, t=1, n=64, d=16, e=16)
    with Largest() as grouped:
        attend(q, k, v)
    with Largest() as copied:
        attend(q, k.repeat_interleave(8 // g, 1), v.repeat_interleave(8 // g, 1))
    assert grouped.elements == max(q.numel(), 2 * 8 * 64)  # no more than one score per head and key
    assert copied.elements >= 2 * 8 * 64 * 16


def weights_of(heads=6, kv_heads=3, d=5, width=8, source=8):
    return attention.HeadWeights(
        normal((heads * d, width), 1),
        normal((kv_heads * d, source), 2),
        normal((kv_heads * d, source), 3),
        normal((width, heads * d), 4),
    )


@pytest.mark.parametrize("kv_heads", [1, 2, 3, 6])
@pytest.mark.parametrize("crossed", [False, True])
def test_multi_head_attention_is_one_head_after_the_other(kv_heads, crossed):
    x = normal((2, 4, 8), 0)
    source = normal((2, 7, 9), 9) if crossed else x
    weights = weights_of(kv_heads=kv_heads, source=source.shape[-1])
    heads = []
    for head in range(6):
        mine, shared = slice(5 * head, 5 * head + 5), head * kv_heads // 6
        theirs = slice(5 * shared, 5 * shared + 5)
        q, k, v = x @ weights.query[mine].T, source @ weights.key[theirs].T, source @ weights.value[theirs].T
        heads.append(((q @ k.mT) / 5**0.5).softmax(-1) @ v)
    expected = torch.cat(heads, -1) @ weights.output.T
    got = attention.multi_head_attention(x, weights, 6, kv_heads, source if crossed else None)
    assert close(got, expected)


def test_grouped_is_multi_head_with_the_weights_of_a_group_tied():
    x, grouped = normal((2, 4, 8), 0), weights_of()
    tied = grouped._replace(
        **{
            name: getattr(grouped, name).unflatten(0, (3, 5)).repeat_interleave(2, 0).flatten(0, 1)
            for name in ("key", "value")
        }
    )
    expected = attention.multi_head_attention(x, tied, 6, mask=causal())
    assert close(attention.multi_head_attention(x, grouped, 6, 3, mask=causal()), expected)


def test_cross_attention_reads_the_source_alone_and_each_output_its_own_query():
    x, source = normal((1, 4, 8), 0), normal((1, 7, 9), 1)
    weights = weights_of(source=9)
    before = attention.multi_head_attention(x, weights, 6, 3, source)
    changed = x.clone()
    changed[:, 2] += 1
    after = attention.multi_head_attention(changed, weights, 6, 3, source)
    assert (after != before).any(-1)[0].tolist() == [False, False, True, False]
    with_less = attention.multi_head_attention(x, weights, 6, 3, source[:, 1:])
    assert ((with_less - before).abs().amax(-1) > 1e-6).all()


def test_split_and_merge_are_inverse_and_heads_are_runs_of_features():
    x = normal((2, 4, 12), 0)
    assert torch.equal(merge_heads(split_heads(x, 3)), x)
    assert torch.equal(split_heads(x, 3)[:, 1], x[..., 4:8])


def test_a_causal_output_has_no_gradient_from_the_future():
    x = normal((1, 5, 8), 0).requires_grad_()
    for i in range(5):
        y = attention.multi_head_attention(x, weights_of(), 6, 3, mask=causal())
        reach = torch.autograd.grad(y[0, i].square().sum(), x)[0][0].abs().amax(-1) > 0
        assert reach.tolist() == [j <= i for j in range(5)]


# Precision.


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_computed_in_float32_and_cast_once(dtype):
    q, k, v = (x.to(dtype) for x in inputs())
    got = attend(q, k, v, causal(), return_lse=True)
    wide = attend(q.float(), k.float(), v.float(), causal(), return_lse=True)
    assert got.output.dtype == dtype and got.lse.dtype == torch.float32
    assert torch.equal(got.output, wide.output.to(dtype)) and torch.equal(got.lse, wide.lse)


# Planted mistakes: the comparison with the sentence must see each.


def mistake(name, q, k, v, seen, bias, scale):
    """Attention with one thing wrong, written apart from ours."""
    d, copies = q.shape[-1], q.shape[1] // k.shape[1]
    k, v = (x.repeat(1, copies, 1, 1) if name == "tiled" else x.repeat_interleave(copies, 1) for x in (k, v))
    scale = {"no scale": 1.0, "1/d": 1 / d}.get(name, scale)
    scores = q @ k.mT * scale + (0 if name == "no bias" else bias)
    if name == "bias before the scale":
        scores = (q @ k.mT + bias) * scale
    hidden = {"mask value 0": 0.0, "mask value -5": -5.0}.get(name, -torch.inf)
    scores = scores.masked_fill(seen if name == "mask turned round" else ~seen, hidden)
    weights = softmax(scores)[0]
    if name == "mask after the softmax":
        weights = (q @ k.mT * scale + bias).softmax(-1) * seen
    if name == "uniform in empty rows":
        weights = weights + (~seen.any(-1, keepdim=True)) / seen.shape[-1]
    if name == "softmax over queries":
        weights = torch.softmax(scores.masked_fill(~seen, -1e9), -2)
    return weights @ v


MISTAKES = (
    "tiled",
    "no scale",
    "1/d",
    "no bias",
    "bias before the scale",
    "mask value 0",
    "mask value -5",
    "mask turned round",
    "mask after the softmax",
    "uniform in empty rows",
    "softmax over queries",
)


def test_without_a_mistake_the_planted_form_is_ours():
    assert close(mistake("none", *full_case()), attend(*full_case()))


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    q, k, v, seen, bias, _ = full_case()
    case = (q, k, v, seen, bias, 5**-0.5)
    assert not close(mistake(name, *case), one_by_one(*case)[0], 1e-6)


@pytest.mark.parametrize("wrong", [causal().dense(4, 7, first=0), (causal() & sliding_window(3)).dense(4, 7)])
def test_a_wrong_mask_is_seen(wrong):
    q, k, v = inputs()
    assert not close(attend(q, k, v, wrong), attend(q, k, v, causal()), 1e-6)
