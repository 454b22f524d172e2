"""Linear attention: parallel, recurrent and loops agree. Low-rank attention: fewer keys, mixed by length."""

import pytest
import torch
from glassbox import attention
from glassbox.attention import elu_plus_one, linear_attention, linear_attention_recurrent, low_rank_attention
from glassbox.tiny.seeds import normal
from torch.nn import functional


def inputs(b=2, h=3, t=6, n=6, d=4, e=5, seed=0):
    return normal((b, h, t, d), seed), normal((b, h, n, d), seed + 1), normal((b, h, n, e), seed + 2)


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def one_by_one(q, k, v, causal, feature):
    """Linear attention as its sentence: one query and one key at a time."""
    output = torch.zeros(*q.shape[:3], v.shape[-1]).double()
    t, n = q.shape[2], k.shape[2]
    for i in range(t):
        last = i + n - t if causal else n - 1
        weights = [(feature(q[:, :, i]) * feature(k[:, :, j])).sum(-1, keepdim=True) for j in range(last + 1)]
        if weights:
            output[:, :, i] = sum(w * v[:, :, j] for j, w in enumerate(weights)) / sum(weights)
    return output


def squared(x):
    """Another feature map, with another number of features."""
    return torch.cat((x.square(), x.exp(), (-x).exp()), -1)


FEATURES = {"elu + 1": elu_plus_one, "three times as many": squared}


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("t, n", [(6, 6), (1, 6), (3, 7), (7, 3), (1, 1)])
def test_parallel_is_its_sentence(feature, causal, t, n):
    case = inputs(t=t, n=n)
    expected = one_by_one(*case, causal, FEATURES[feature])
    assert close(linear_attention(*case, causal, FEATURES[feature]), expected)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("t", [1, 2, 9])
def test_recurrent_equals_parallel(feature, t):
    case = inputs(t=t, n=t)
    got, state = linear_attention_recurrent(*case, FEATURES[feature])
    assert close(got, linear_attention(*case, True, FEATURES[feature]))
    fk = FEATURES[feature](case[1])
    assert close(state.memory, fk.mT @ case[2]) and close(state.total, fk.sum(-2))


def test_the_recurrence_goes_on_from_its_state():
    q, k, v = inputs()
    whole, end = linear_attention_recurrent(q, k, v)
    first, state = linear_attention_recurrent(q[:, :, :4], k[:, :, :4], v[:, :, :4])
    rest, last = linear_attention_recurrent(q[:, :, 4:], k[:, :, 4:], v[:, :, 4:], state=state)
    assert close(torch.cat((first, rest), 2), whole)
    assert close(last.memory, end.memory) and close(last.total, end.total)


def test_a_step_is_one_token_and_the_state_does_not_grow():
    q, k, v = inputs()
    whole, _ = linear_attention_recurrent(q, k, v)
    _, state = linear_attention_recurrent(q[:, :, :1], k[:, :, :1], v[:, :, :1])
    for i in range(1, 6):
        sizes = [part.shape for part in state]
        output, state = attention.linear_step(state, q[:, :, i], k[:, :, i], v[:, :, i])
        assert close(output, whole[:, :, i]) and [part.shape for part in state] == sizes


def test_the_feature_map_is_elu_plus_one_and_stays_positive():
    x = normal((50,), 0) * 5
    assert close(elu_plus_one(x), functional.elu(x) + 1)
    assert elu_plus_one(torch.tensor([-60.0, -80.0])).gt(0).all()
    assert (functional.elu(torch.tensor([-60.0, -80.0])) + 1).eq(0).all()


@pytest.mark.parametrize("name", ["causal", "both ways", "recurrent", "low rank"])
def test_gradcheck(name):
    leaves = [x.requires_grad_() for x in (*inputs(1, 2, 3, 3, 2, 2), normal((2, 3), 8), normal((2, 3), 9))]
    call = {
        "causal": lambda q, k, v, e, f: linear_attention(q, k, v),
        "both ways": lambda q, k, v, e, f: linear_attention(q, k, v, causal=False),
        "recurrent": lambda q, k, v, e, f: linear_attention_recurrent(q, k, v)[0],
        "low rank": low_rank_attention,
    }[name]
    assert torch.autograd.gradcheck(call, leaves)


def test_weights_sum_to_one():
    q, k, v = inputs()
    ones = torch.ones_like(v)
    for causal in (True, False):
        assert close(linear_attention(q, k, ones, causal), ones)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_computed_in_float32_and_cast_once(dtype):
    halves = [x.to(dtype) for x in inputs()]
    wide = [x.float() for x in halves]
    assert torch.equal(linear_attention(*halves), linear_attention(*wide).to(dtype))
    got, state = linear_attention_recurrent(*halves)
    assert state.memory.dtype == state.total.dtype == torch.float32
    assert torch.equal(got, linear_attention_recurrent(*wide)[0].to(dtype))
    project = normal((2, 6), 9).to(dtype)
    expected = low_rank_attention(*wide, project.float(), project.float()).to(dtype)
    assert torch.equal(low_rank_attention(*halves, project, project), expected)


# Low-rank.


def test_low_rank_is_torchs_attention_on_mixed_keys():
    q, k, v = inputs(t=3, n=7)
    e, f = normal((2, 7), 5), normal((2, 7), 6)
    expected = functional.scaled_dot_product_attention(
        q, torch.einsum("rn,bhnd->bhrd", e, k), torch.einsum("rn,bhnd->bhrd", f, v)
    )
    assert close(low_rank_attention(q, k, v, e, f), expected)


def test_the_identity_is_exact_and_a_row_of_zeros_is_a_key_of_zeros():
    q, k, v = inputs(t=3, n=7)
    eye = torch.eye(7).double()
    exact = functional.scaled_dot_product_attention(q, k, v)
    assert close(low_rank_attention(q, k, v, eye, eye), exact)
    cut = eye.clone()
    cut[6] = 0
    assert not close(low_rank_attention(q, k, v, cut, cut), exact, 1e-3)


def test_low_rank_mixes_the_future():
    q, k, v = inputs()
    v.requires_grad_()
    e, f = normal((2, 6), 5), normal((2, 6), 6)
    reach = torch.autograd.grad(low_rank_attention(q, k, v, e, f)[:, :, 0].sum(), v)[0]
    assert reach.abs().amax((0, 1, 3)).gt(1e-6).all()


# Planted mistakes.

RIGHT = inputs()
MISTAKES = {
    "top-left": (
        inputs(t=3, n=6),
        lambda q, k, v: linear_attention(q, k[:, :, :3], v[:, :, :3]),
    ),
    "not causal": (RIGHT, lambda q, k, v: linear_attention(q, k, v, causal=False)),
    "scaled by 1/sqrt(d)": (RIGHT, lambda q, k, v: linear_attention(q / 2, k, v)),
    "elu alone": (RIGHT, lambda q, k, v: linear_attention(q, k, v, feature=functional.elu)),
    "not divided": (
        RIGHT,
        lambda q, k, v: (elu_plus_one(q) @ elu_plus_one(k).mT).tril() @ v,
    ),
    "read before it is written": (
        RIGHT,
        lambda q, k, v: torch.cat(
            (v[:, :, :1], linear_attention(q[:, :, 1:], k[:, :, :-1], v[:, :, :-1])), 2
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    case, wrong = MISTAKES[name]
    assert not close(wrong(*case), one_by_one(*case, True, elu_plus_one), 1e-6)
