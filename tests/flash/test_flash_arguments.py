"""The public functions of the flash topic: what they return, and what they refuse, by name."""

import pytest
import torch
from glassbox import flash
from glassbox.attention import Attended, scaled_dot_product_attention
from glassbox.attention.masks import causal, documents
from glassbox.tiny.seeds import normal


def inputs(h=4, g=2, t=5, n=6):
    return normal((2, h, t, 3), 0), normal((2, g, n, 3), 1), normal((2, g, n, 4), 2)


def close(got, expected, tolerance=1e-10):
    return all(
        torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(got, expected, strict=True)
    )


def test_with_nothing_said_it_is_attention_and_differentiable():
    leaves = [x.requires_grad_() for x in inputs()]
    expected = scaled_dot_product_attention(*leaves, causal(), return_lse=True)
    got = flash.tiled_attention(*leaves, causal())
    assert isinstance(got, Attended) and close(got, expected)
    do = normal(got.output.shape, 3)
    gradients = torch.autograd.grad(expected.output, leaves, do)
    assert close(torch.autograd.grad(got.output, leaves, do), gradients)
    plain = [x.detach() for x in (*leaves, *got)]
    assert close(flash.tiled_attention_backward(*plain, do, causal(), query_block=2, key_block=4), gradients)


def test_backward_takes_what_is_not_contiguous():
    case = inputs()
    attended = flash.tiled_attention(*case)
    spread = torch.ones(1, 1, 1, 1).double().expand_as(attended.output)
    one = flash.tiled_attention_backward(*case, *attended, spread)
    assert close(one, flash.tiled_attention_backward(*case, *attended, spread.contiguous()), 0)
    turned = [x.mT.contiguous().mT for x in case]
    assert close(flash.tiled_attention(*turned), attended)


def test_scores_are_capped_before_they_are_biased():
    score = flash.then(flash.soft_cap(2.0), flash.alibi(torch.tensor([0.5, 0.25, 0.125, 0.0]).double()))
    distance = (torch.arange(1, 6)[:, None] - torch.arange(6)).abs()
    bias = -torch.tensor([0.5, 0.25, 0.125, 0.0]).double()[:, None, None] * distance
    q, k, v = inputs()
    raw = q @ k.repeat_interleave(2, 1).mT / 3**0.5
    weights = (2 * (raw / 2).tanh() + bias).softmax(-1)
    assert close([flash.tiled_attention(q, k, v, score=score).output], [weights @ v.repeat_interleave(2, 1)])


def test_half_gradients_come_back_in_their_type():
    leaves = [x.to(torch.bfloat16).requires_grad_() for x in inputs()]
    output, lse = flash.tiled_attention(*leaves)
    assert (output.dtype, lse.dtype) == (torch.bfloat16, torch.float32)
    assert {x.dtype for x in torch.autograd.grad(output.sum(), leaves)} == {torch.bfloat16}


def test_no_queries_and_no_sequences_are_no_error():
    assert flash.tiled_attention(*inputs(t=0)).output.shape == (2, 4, 0, 4)
    empty = [x[:0].requires_grad_() for x in inputs()]
    assert flash.tiled_attention(*empty, causal()).output.shape == (0, 4, 5, 4)


def test_merging_the_two_halves_of_the_keys_gives_the_whole():
    q, k, v = inputs()
    halves = [flash.tiled_attention(q, k[:, :, part], v[:, :, part]) for part in (slice(0, 2), slice(2, 6))]
    assert close(flash.merge(*halves), flash.tiled_attention(q, k, v))


def test_the_softmaxes_keep_the_type():
    scores = normal((2, 5), 0, torch.float16)
    expected = scores.float().softmax(-1).half()
    for got in (flash.safe_softmax(scores), flash.online_softmax(scores, 2)):
        assert got.dtype == torch.float16 and torch.allclose(got, expected, rtol=1e-3, atol=1e-6)


Q, K, V = inputs()
DONE = flash.tiled_attention(Q, K, V)
DATA = documents(torch.zeros(2, 6, dtype=torch.int64))
REFUSED = {
    "k heads": (lambda: flash.tiled_attention(Q[:, :3], K, V), ValueError, "k: expected a number of heads"),
    "v type": (lambda: flash.tiled_attention(Q, K, V.float()), TypeError, "v: expected the dtype of q"),
    "matrix as mask": (
        lambda: flash.tiled_attention(Q, K, V, torch.ones(5, 6, dtype=torch.bool)),
        TypeError,
        "mask: expected a Mask",
    ),
    "keys of a mask": (
        lambda: flash.tiled_attention(Q, *(torch.cat((x, x), 2) for x in (K, V)), DATA),
        ValueError,
        "at most 6 keys",
    ),
    "sequences of a mask": (
        lambda: flash.tiled_attention(*(torch.cat((x, x[:1])) for x in (Q, K, V)), DATA),
        ValueError,
        "mask: expected",
    ),
    "score": (lambda: flash.tiled_attention(Q, K, V, score=3.0), TypeError, "score: expected a Score"),
    "heads of a score": (
        lambda: flash.tiled_attention(Q, K, V, score=flash.alibi(torch.ones(2))),
        ValueError,
        "slopes for 4 heads",
    ),
    "heads of two scores": (
        lambda: flash.then(flash.alibi(torch.ones(2)), flash.alibi(torch.ones(3))),
        ValueError,
        "second: expected",
    ),
    "soft cap": (lambda: flash.soft_cap(0.0), ValueError, "limit: expected"),
    "slopes": (lambda: flash.alibi(torch.ones(2, 2)), ValueError, "slopes: expected"),
    "scale": (lambda: flash.tiled_attention(Q, K, V, scale=-1.0), ValueError, "scale: expected"),
    "query block": (
        lambda: flash.tiled_attention(Q, K, V, query_block=0),
        ValueError,
        "query_block: expected",
    ),
    "key block": (lambda: flash.tiled_attention(Q, K, V, key_block=2.0), TypeError, "key_block: expected"),
    "lse": (
        lambda: flash.tiled_attention_backward(Q, K, V, *reversed(DONE), Q),
        ValueError,
        "o: expected shape",
    ),
    "do": (lambda: flash.tiled_attention_backward(Q, K, V, *DONE, Q), ValueError, "do: expected shape"),
    "pair": (lambda: flash.merge(DONE, tuple(DONE)), TypeError, "other: expected Attended"),
    "other rows": (
        lambda: flash.merge(DONE, Attended(*(x[:1] for x in DONE))),
        ValueError,
        "other.output: expected shape",
    ),
    "lse of a pair": (
        lambda: flash.merge(Attended(DONE.output, DONE.lse[0]), DONE),
        ValueError,
        "one.lse: expected",
    ),
    "no scores": (lambda: flash.safe_softmax(torch.ones(2, 0)), ValueError, "scores: expected at least one"),
    "whole scores": (lambda: flash.online_softmax(torch.ones(2, 3).int()), TypeError, "scores: expected"),
    "block": (lambda: flash.online_softmax(torch.ones(2, 3), 0), ValueError, "block: expected"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_arguments_are_named(name):
    call, error, said = REFUSED[name]
    with pytest.raises(error, match=said):
        call()
