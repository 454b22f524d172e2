"""Bad arguments get a message that names the argument; meta tensors pass."""

import pytest
import torch
from glassbox import attention
from glassbox.attention.masks import causal, padding

Q, K, V = torch.ones(2, 6, 4, 5), torch.ones(2, 3, 7, 5), torch.ones(2, 3, 7, 8)
SEEN = torch.ones(4, 7, dtype=torch.bool)
X, SOURCE = torch.ones(2, 4, 8), torch.ones(2, 7, 9)
HEADS = attention.HeadWeights(torch.ones(30, 8), torch.ones(15, 8), torch.ones(15, 8), torch.ones(8, 30))
BLOCK = attention.BlockWeights(*HEADS, torch.ones(20, 8), torch.ones(8, 20))
LATENT = {
    "q": torch.ones(2, 3, 4, 5),
    "q_rotary": torch.ones(2, 3, 4, 2),
    "latent": torch.ones(2, 7, 6),
    "k_rotary": torch.ones(2, 7, 2),
    "up_key": torch.ones(3, 5, 6),
    "up_value": torch.ones(3, 8, 6),
}
LINEAR = tuple(torch.ones(2, 3, 4, 5) for _ in range(3))
STATE = attention.linear_attention_recurrent(*LINEAR)[1]


def attend(q=Q, k=K, v=V, **options):
    return attention.scaled_dot_product_attention(q, k, v, **options)


def heads(x=X, heads=6, kv_heads=3, source=None, mask=None, **weights):
    return attention.multi_head_attention(x, HEADS._replace(**weights), heads, kv_heads, source, mask)


def latent(absorbed=False, mask=None, **changed):
    return attention.latent_attention(**(LATENT | changed), mask=mask, absorbed=absorbed)


def recurrent(state):
    return attention.linear_attention_recurrent(*LINEAR, state=state)


BAD = {
    "a list": (lambda: attend(q=[1.0]), TypeError, "q: expected a torch tensor; came .*list"),
    "whole keys": (
        lambda: attend(k=K.long()),
        TypeError,
        "k: expected a floating-point tensor; came a int64",
    ),
    "no batch": (lambda: attend(q=Q[0]), ValueError, r"q: expected 4 dimensions; came .*\(6, 4, 5\)"),
    "five dimensions": (lambda: attend(v=V[None]), ValueError, "v: expected 4 dimensions"),
    "no features": (
        lambda: attend(q=Q[..., :0], k=K[..., :0]),
        ValueError,
        "q: expected at least one feature",
    ),
    "no keys": (lambda: attend(k=K[:, :, :0], v=V[:, :, :0]), ValueError, "k: expected at least one key"),
    "head sizes differ": (lambda: attend(k=K[..., :4]), ValueError, r"k: expected shape \(2, 3, 7, 5\)"),
    "batch broadcast": (lambda: attend(k=K[:1], v=V[:1]), ValueError, r"k: expected shape \(2, 3, 7, 5\)"),
    "values too few": (lambda: attend(v=V[:, :, :6]), ValueError, r"v: expected shape \(2, 3, 7, 8\)"),
    "value heads differ": (lambda: attend(v=V[:, :1]), ValueError, r"v: expected shape \(2, 3, 7, 8\)"),
    "heads do not divide": (
        lambda: attend(q=Q[:, :5]),
        ValueError,
        "k: expected a number of heads that divides the 5 of q",
    ),
    "no key heads": (lambda: attend(k=K[:, :0], v=V[:, :0]), ValueError, "k: expected a number of heads"),
    "key type": (
        lambda: attend(k=K.double()),
        TypeError,
        "k: expected the dtype of q, float32; came a float64",
    ),
    "value elsewhere": (
        lambda: attend(v=V.to("meta")),
        ValueError,
        "v: expected a tensor on cpu, where q is; came 'meta'",
    ),
    "mask of numbers": (
        lambda: attend(mask=SEEN.float()),
        TypeError,
        "mask: expected a Mask or a tensor of bools, True where .* came a float32 tensor",
    ),
    "mask as text": (lambda: attend(mask="causal"), TypeError, "mask: expected a Mask or a tensor of bools"),
    "mask transposed": (
        lambda: attend(mask=SEEN.mT),
        ValueError,
        r"mask: expected shape \(4, 7\) or \(2 or 1, 6 or 1, 4, 7\); came a bool tensor of shape \(7, 4\)",
    ),
    "mask of one row": (lambda: attend(mask=SEEN[:1]), ValueError, r"mask: expected shape \(4, 7\)"),
    "mask without heads": (lambda: attend(mask=SEEN.expand(2, 4, 7)), ValueError, "mask: expected shape"),
    "mask per key head": (lambda: attend(mask=SEEN.expand(2, 3, 4, 7)), ValueError, "mask: expected shape"),
    "mask of another batch": (
        lambda: attend(mask=padding(torch.ones(3, 7, dtype=torch.bool))),
        ValueError,
        r"mask: .*came a bool tensor of shape \(3, 1, 4, 7\)",
    ),
    "mask of fewer keys": (
        lambda: attend(mask=padding(torch.ones(2, 6, dtype=torch.bool))),
        ValueError,
        "n: expected at most 6 keys",
    ),
    "mask elsewhere": (lambda: attend(mask=SEEN.to("meta")), ValueError, "mask: expected a tensor on cpu"),
    "bias of bools": (lambda: attend(bias=SEEN), TypeError, "bias: expected a floating-point tensor"),
    "bias per row": (lambda: attend(bias=torch.ones(7)), ValueError, "bias: expected at least 2 dimension"),
    "bias per head": (lambda: attend(bias=torch.ones(6, 4, 7)), ValueError, "bias: expected shape"),
    "bias type": (lambda: attend(bias=SEEN.double()), TypeError, "bias: expected the dtype of the input"),
    "scale zero": (lambda: attend(scale=0), ValueError, "scale: expected a finite number > 0; came 0"),
    "scale as text": (lambda: attend(scale="d"), TypeError, "scale: expected a number"),
    # The layer.
    "x of one sequence": (lambda: heads(x=X[0]), ValueError, "x: expected 3 dimensions"),
    "weights as a tuple": (
        lambda: attention.multi_head_attention(X, tuple(HEADS), 6, 3),
        TypeError,
        r"weights: expected HeadWeights\(query, key, value, output\); came .*tuple",
    ),
    "five heads in 30 rows, 3 in 5": (
        lambda: heads(heads=5),
        ValueError,
        "kv_heads: expected a divisor of 5, the heads; came 3",
    ),
    "heads of rows": (
        lambda: heads(heads=7),
        ValueError,
        "heads: expected a divisor of 30, the rows of weights.query; came 7",
    ),
    "key rows": (
        lambda: heads(key=torch.ones(30, 8)),
        ValueError,
        r"weights.key: expected shape \(15, 8\); came a float32 tensor of shape \(30, 8\)",
    ),
    "value rows": (
        lambda: heads(value=torch.ones(14, 8)),
        ValueError,
        "kv_heads: expected a divisor of 14, the rows of weights.value",
    ),
    "output of one head": (
        lambda: heads(output=torch.ones(8, 5)),
        ValueError,
        r"weights.output: expected shape \(8, 30\)",
    ),
    "query width": (
        lambda: heads(query=torch.ones(30, 9)),
        ValueError,
        r"weights.query: expected shape \(30, 8\)",
    ),
    "source width": (lambda: heads(source=SOURCE), ValueError, r"weights.key: expected shape \(15, 9\)"),
    "source batch": (lambda: heads(source=SOURCE[:1]), ValueError, r"source: expected shape \(2, 7, 9\)"),
    "weights type": (
        lambda: heads(key=HEADS.key.double()),
        TypeError,
        "weights.key: expected the dtype of x, float32",
    ),
    "mask of the layer": (lambda: heads(mask=SEEN), ValueError, r"mask: expected shape \(4, 4\)"),
    # Latent.
    "latent per head": (lambda: latent(latent=Q), ValueError, "latent: expected 3 dimensions"),
    "rotary queries": (
        lambda: latent(q_rotary=torch.ones(2, 3, 5, 2)),
        ValueError,
        r"q_rotary: expected shape \(2, 3, 4, 2\)",
    ),
    "rotary sizes": (
        lambda: latent(k_rotary=torch.ones(2, 7, 4)),
        ValueError,
        r"k_rotary: expected shape \(2, 7, 2\)",
    ),
    "latent batch": (
        lambda: latent(latent=torch.ones(1, 7, 6)),
        ValueError,
        r"latent: expected shape \(2, 7, 6\)",
    ),
    "no latent": (
        lambda: latent(latent=torch.ones(2, 0, 6)),
        ValueError,
        "latent: expected at least one key",
    ),
    "up_key of one head": (
        lambda: latent(up_key=torch.ones(1, 5, 6)),
        ValueError,
        r"up_key: expected shape \(3, 5, 6\)",
    ),
    "up_value rank": (
        lambda: latent(up_value=torch.ones(3, 8, 5)),
        ValueError,
        r"up_value: expected shape \(3, 8, 6\)",
    ),
    "latent type": (
        lambda: latent(latent=torch.ones(2, 7, 6).half()),
        TypeError,
        "latent: expected the dtype of q, float32",
    ),
    "absorbed as a word": (lambda: latent(absorbed="yes"), TypeError, "absorbed: expected True or False"),
    "mask of the latent": (lambda: latent(mask=SEEN[:, :6]), ValueError, r"mask: expected shape \(4, 7\)"),
    # Linear and low-rank.
    "linear groups": (
        lambda: attention.linear_attention(Q, K, V),
        ValueError,
        "k: expected as many heads as q, 6",
    ),
    "causal as a mask": (
        lambda: attention.linear_attention(*LINEAR, causal=SEEN),
        TypeError,
        "causal: expected True or False",
    ),
    "feature by name": (
        lambda: attention.linear_attention(*LINEAR, feature="elu"),
        TypeError,
        "feature: expected a function of a tensor; came 'elu'",
    ),
    "recurrent lengths": (
        lambda: attention.linear_attention_recurrent(K, K[:, :, :6], V[:, :, :6]),
        ValueError,
        "k: expected as many keys as queries, 7",
    ),
    "state as a tuple": (
        lambda: recurrent(tuple(STATE)),
        TypeError,
        "state: expected a LinearState; came .tuple",
    ),
    "state of other heads": (
        lambda: recurrent(attention.LinearState(STATE.memory[:, :1], STATE.total)),
        ValueError,
        r"state.memory: expected shape \(2, 3, 5, 5\)",
    ),
    "state type": (
        lambda: recurrent(attention.LinearState(STATE.memory, STATE.total.double())),
        TypeError,
        "state.total: expected the dtype of",
    ),
    "step with a length": (
        lambda: attention.linear_step(STATE, *LINEAR),
        ValueError,
        "q: expected 3 dimensions",
    ),
    "projection length": (
        lambda: attention.low_rank_attention(Q, K, V, torch.ones(2, 6), torch.ones(2, 6)),
        ValueError,
        r"project_key: expected shape \(2, 7\)",
    ),
    "projection ranks differ": (
        lambda: attention.low_rank_attention(Q, K, V, torch.ones(2, 7), torch.ones(3, 7)),
        ValueError,
        r"project_value: expected shape \(2, 7\)",
    ),
    "projection to nothing": (
        lambda: attention.low_rank_attention(Q, K, V, torch.ones(0, 7), torch.ones(0, 7)),
        ValueError,
        "project_key: expected at least one row",
    ),
    # Blocks.
    "block of heads only": (
        lambda: attention.serial_block(X, HEADS, 6, 3),
        TypeError,
        "weights: expected BlockWeights",
    ),
    "up width": (
        lambda: attention.parallel_block(X, BLOCK._replace(up=torch.ones(20, 9)), 6, 3),
        ValueError,
        r"weights.up: expected shape \(20, 8\)",
    ),
    "down width": (
        lambda: attention.serial_block(X, BLOCK._replace(down=torch.ones(8, 19)), 6, 3),
        ValueError,
        r"weights.down: expected shape \(8, 20\)",
    ),
    "activation by name": (
        lambda: attention.serial_block(X, BLOCK, 6, 3, activation="gelu"),
        TypeError,
        "activation: expected a function",
    ),
    "unfused": (
        lambda: attention.fused_parallel_block(X, BLOCK, 6, 3),
        TypeError,
        r"weights: expected FusedWeights\(inward, outward, sizes\)",
    ),
    "fused wrongly": (
        lambda: attention.fused_parallel_block(
            X, attention.fuse(BLOCK)._replace(inward=torch.ones(79, 8)), 6, 3
        ),
        ValueError,
        r"weights.inward: expected shape \(80, 8\)",
    ),
    "not to be fused": (
        lambda: attention.fuse(BLOCK._replace(down=torch.ones(9, 20))),
        ValueError,
        r"weights.down: expected shape \(8, 20\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_the_arguments_of_this_file_are_good():
    assert attend(mask=SEEN).shape == (2, 6, 4, 8)
    assert heads().shape == X.shape and latent().shape == (2, 3, 4, 8)
    assert recurrent(STATE)[0].shape == LINEAR[2].shape
    assert attention.fused_parallel_block(X, attention.fuse(BLOCK), 6, 3).shape == X.shape


def test_meta_tensors_pass():
    q, k, v = (x.to("meta") for x in (Q, K, V))
    output, lse = attend(q, k, v, mask=causal(), return_lse=True)
    assert output.is_meta and output.shape == (2, 6, 4, 8) and lse.shape == (2, 6, 4)
