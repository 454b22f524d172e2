"""Serial and parallel blocks: their equations, what each sub-layer reads, and the fused form."""

import pytest
import torch
from glassbox import attention
from glassbox.attention.masks import causal
from glassbox.tiny.seeds import normal
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

WIDTH, HEADS, D, HIDDEN = 8, 6, 3, 20


def weights_of(kv_heads=3, seed=0, scale=0.3):
    shapes = ((HEADS * D, WIDTH), (kv_heads * D, WIDTH), (kv_heads * D, WIDTH))
    shapes += ((WIDTH, HEADS * D), (HIDDEN, WIDTH), (WIDTH, HIDDEN))
    return attention.BlockWeights(*(scale * normal(shape, seed + at) for at, shape in enumerate(shapes)))


X = normal((2, 5, WIDTH), 50)


def close(got, expected, tolerance=1e-12):
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def norm(x):
    return functional.rms_norm(x, (WIDTH,), eps=1e-6)


def mix(y, w, kv_heads, mask=True):
    q, k, v = (y @ m.T for m in w[:3])
    q, k, v = (x.unflatten(-1, (-1, D)).transpose(1, 2) for x in (q, k, v))
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=mask, enable_gqa=True)
    return mixed.transpose(1, 2).flatten(2) @ w.output.T


def feed(y, w, activation=functional.gelu):
    return activation(y @ w.up.T) @ w.down.T


@pytest.mark.parametrize("kv_heads", [1, 3, 6])
@pytest.mark.parametrize("activation", [functional.gelu, torch.relu])
def test_the_blocks_are_their_equations(kv_heads, activation):
    w, options = weights_of(kv_heads), (HEADS, kv_heads, causal(), activation)
    middle = X + mix(norm(X), w, kv_heads)
    assert close(attention.serial_block(X, w, *options), middle + feed(norm(middle), w, activation))
    expected = X + mix(norm(X), w, kv_heads) + feed(norm(X), w, activation)
    assert close(attention.parallel_block(X, w, *options), expected)
    assert close(attention.fused_parallel_block(X, attention.fuse(w), *options), expected)


def test_serial_and_parallel_are_different_functions():
    w = weights_of()
    serial, parallel = (block(X, w, HEADS, 3) for block in (attention.serial_block, attention.parallel_block))
    assert not close(serial, parallel, 1e-3)


@pytest.mark.parametrize("silent", ["output", "down"])
def test_they_agree_where_one_sub_layer_is_silent(silent):
    w = weights_of()
    w = w._replace(**{silent: torch.zeros_like(getattr(w, silent))})
    assert close(attention.serial_block(X, w, HEADS, 3), attention.parallel_block(X, w, HEADS, 3))


def test_key_heads_are_as_many_as_heads_unless_given():
    w = weights_of(6)
    for block, matrices in (
        (attention.serial_block, w),
        (attention.parallel_block, w),
        (attention.fused_parallel_block, attention.fuse(w)),
    ):
        assert close(block(X, matrices, HEADS), block(X, matrices, HEADS, 6))


def test_fused_weights_are_all_the_weights_and_the_work_is_the_same():
    w = weights_of()
    fused = attention.fuse(w)
    assert fused.inward.numel() + fused.outward.numel() == sum(matrix.numel() for matrix in w)
    assert torch.equal(fused.inward.split(fused.sizes)[3], w.up)
    assert torch.equal(fused.outward[:, : HEADS * D], w.output)
    counts = []
    for call in (
        lambda: attention.parallel_block(X, w, HEADS, 3),
        lambda: attention.fused_parallel_block(X, fused, HEADS, 3),
    ):
        with FlopCounterMode(display=False) as counter:
            call()
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("name", ["serial_block", "parallel_block"])
def test_gradcheck(name):
    leaves = [x.clone().requires_grad_() for x in (X[:1, :3], *weights_of())]
    block = getattr(attention, name)
    assert torch.autograd.gradcheck(
        lambda x, *w: block(x, attention.BlockWeights(*w), HEADS, 3, causal()), leaves, fast_mode=True
    )


@pytest.mark.parametrize("name", ["serial_block", "parallel_block"])
def test_the_future_is_seen_only_without_a_mask(name):
    x = X[:1].clone().requires_grad_()
    for mask, past_only in ((causal(), True), (None, False)):
        y = getattr(attention, name)(x, weights_of(), HEADS, 3, mask)
        reach = torch.autograd.grad(y[0, 1].square().sum(), x)[0][0].abs().amax(-1) > 0
        assert reach.tolist() == [True, True, *[not past_only] * 3]


# Planted mistakes.

MISTAKES = {
    "feed-forward reads attention's output": lambda w: attention.serial_block(X, w, HEADS, 3, causal()),
    "no norm": lambda w: X + mix(X, w, 3) + feed(X, w),
    "the stream is normed": lambda w: norm(X) + mix(norm(X), w, 3) + feed(norm(X), w),
    "the stream is added twice": lambda w: 2 * X + mix(norm(X), w, 3) + feed(norm(X), w),
    "no mask": lambda w: X + mix(norm(X), w, 3, False) + feed(norm(X), w),
    "a second activation": lambda w: (
        X + mix(norm(X), w, 3) + functional.gelu(norm(X) @ w.up.T).relu() @ w.down.T
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_seen(name):
    w = weights_of()
    assert not close(MISTAKES[name](w), attention.parallel_block(X, w, HEADS, 3, causal()), 1e-6)
