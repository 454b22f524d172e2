"""What `flash_attention` and `own_score` refuse: every argument by its name, with what was expected."""

import pytest
import torch
from flash_cases import SLOPES, bent_slope, bent_value, case
from glassbox.attention import masks
from glassbox.flash import alibi, flash_attention, own_score, soft_cap

Q, K, V = case(b=2, h=4, g=2, t=5, n=7, d=8, e=6).leaves
ROW = [x[:1] for x in (Q, K, V)]


def call(q=Q, k=K, v=V, **rules):
    return lambda: flash_attention(q, k, v, **{"backend": "simulated"} | rules)


def packed(lengths=(2, 3), key_lengths=(3, 4), **rules):
    return lambda: flash_attention(*ROW, lengths=lengths, key_lengths=key_lengths, **rules)


def whole(*values, dtype=torch.int32):
    return torch.tensor(values, dtype=dtype)


VALUES = {
    "q of three dimensions": (call(Q[0]), "q: expected 4 dimensions"),
    "q without features": (call(Q[..., :0], K[..., :0]), "q: expected at least one feature"),
    "k of another batch": (call(k=K[:1]), r"k: expected shape \(2, 2, 7, 8\)"),
    "k of another size": (call(k=K[..., 1:]), r"k: expected shape \(2, 2, 7, 8\)"),
    "k without keys": (call(k=K[:, :, :0], v=V[:, :, :0]), "k: expected at least one key"),
    "heads that do not divide": (call(Q[:, :3]), "k: expected a number of heads that divides the 3 of q"),
    "v of other keys": (call(v=V[:, :, 1:]), r"v: expected shape \(2, 2, 7, 6\)"),
    "v of other heads": (call(v=V[:, :1]), r"v: expected shape \(2, 2, 7, 6\)"),
    "q on another device": (call(k=K.to("meta"), v=V.to("meta")), "k: expected a tensor on cpu, where q is"),
    "a window of nothing": (call(window=0), "window: expected a whole number >= 1"),
    "a window below zero": (call(window=-3), "window: expected a whole number >= 1"),
    "sink tokens below zero": (call(window=2, sink_tokens=-1), "sink_tokens: expected a whole number >= 0"),
    "a prefix below zero": (call(prefix=-1), "prefix: expected a whole number >= 0"),
    "a prefix for another batch": (call(prefix=whole(1, 2, 3)), r"prefix: expected shape \(2,\)"),
    "a prefix on another device": (call(prefix=whole(1, 2).to("meta")), "prefix: expected a tensor on cpu"),
    "a mask of other keys": (call(mask=torch.ones(5, 6, dtype=torch.bool)), r"mask: expected shape \(5, 7\)"),
    "a mask of other queries": (
        call(mask=torch.ones(1, 7, dtype=torch.bool)),
        r"mask: expected shape \(5, 7\)",
    ),
    "a mask of three dimensions": (call(mask=torch.ones(2, 5, 7, dtype=torch.bool)), "mask: expected shape"),
    "a mask of other heads": (call(mask=torch.ones(1, 2, 5, 7, dtype=torch.bool)), "4 or 1"),
    "slopes of other heads": (call(score=alibi(torch.ones(2))), "score: expected slopes for 4 heads"),
    "sinks of other heads": (call(sinks=torch.ones(2)), r"sinks: expected shape \(4,\)"),
    "a scale of nothing": (call(scale=0.0), "scale: expected a finite number > 0"),
    "a scale below zero": (call(scale=-1.0), "scale: expected a finite number > 0"),
    "a scale that is none": (call(scale=float("nan")), "scale: expected a finite number > 0"),
    "lengths of other queries": (packed((2, 2)), "lengths: expected counts that add up to the 5 rows"),
    "lengths of other keys": (packed((2, 3), (3, 3)), "key_lengths: expected counts that add up to the 7"),
    "lengths without keys": (packed((2, 3), None), "key_lengths: expected counts that add up to the 7"),
    "lengths for other sequences": (packed((2, 3), (3, 3, 1)), "key_lengths: expected 2 counts"),
    "a length below zero": (packed((6, -1)), "lengths: expected a whole number >= 0"),
    "key lengths alone": (packed(None), "key_lengths: expected lengths beside it"),
    "lengths of a batch": (call(lengths=[5], key_lengths=[7]), "lengths: expected .* one batch"),
    "lengths and a mask": (packed(mask=masks.causal()), "mask: expected none beside lengths"),
    "a prefix for other sequences": (packed(prefix=whole(1)), r"prefix: expected shape \(2,\)"),
    "an unknown way": (call(backend="fast"), "backend: expected one of 'auto', 'reference'"),
    "a large head": (call(*case(t=2, d=257, e=8).leaves), "q: expected 1 to 256 features per head"),
    "a large value": (call(*case(t=2, d=8, e=257).leaves), "v: expected 1 to 256 features per head"),
    "v without features": (call(v=V[..., :0]), "v: expected 1 to 256 features per head"),
    "a CPU tensor compiled": (call(backend="compiled"), "q: expected a CUDA tensor"),
    "a score without kernels": (
        call(score=soft_cap(2.0)._replace(parts=())),
        "score: expected a score with jit functions",
    ),
}
TYPES = {
    "q of no tensor": (call([[1.0]]), "q: expected a torch tensor"),
    "q of whole numbers": (call(Q.int()), "q: expected a floating-point tensor"),
    "k of another type": (call(k=K.half()), "k: expected the dtype of q, float32"),
    "v of another type": (call(v=V.double()), "v: expected the dtype of q, float32"),
    "doubles on a kernel": (call(*(x.double() for x in (Q, K, V))), "q: expected float32, float16 or"),
    "a window of a half": (call(window=2.5), "window: expected a whole number"),
    "a window of truth": (call(window=True), "window: expected a whole number"),
    "sink tokens of a half": (call(sink_tokens=0.5), "sink_tokens: expected a whole number"),
    "a prefix of a half": (call(prefix=1.5), "prefix: expected a whole number"),
    "a prefix of floats": (call(prefix=torch.ones(2)), "prefix: expected a whole number, or whole numbers"),
    "a mask of floats": (call(mask=torch.ones(5, 7)), "mask: expected a Mask or a tensor of bools"),
    "a mask of no kind": (call(mask="causal"), "mask: expected a Mask or a tensor of bools"),
    "a score of no kind": (call(score=lambda s, *at: s), "score: expected a Score"),
    "sinks of no tensor": (call(sinks=1.0), "sinks: expected a torch tensor"),
    "sinks of another type": (call(sinks=torch.ones(4).half()), "sinks: expected the dtype of q, float32"),
    "a scale of words": (call(scale="1"), "scale: expected a number"),
    "lengths of one number": (packed(5), "lengths: expected whole numbers, one per sequence"),
    "lengths of halves": (packed((2.5, 2.5)), "lengths: expected a whole number"),
    "lengths of words": (packed("23"), "lengths: expected whole numbers, one per sequence"),
    "key lengths of floats": (packed((2, 3), torch.ones(2)), "key_lengths: expected a whole number"),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_that_do_not_fit_are_refused_by_name(name):
    wrong, message = VALUES[name]
    with pytest.raises(ValueError, match=message):
        wrong()


@pytest.mark.parametrize("name", TYPES)
def test_types_that_do_not_fit_are_refused_by_name(name):
    wrong, message = TYPES[name]
    with pytest.raises(TypeError, match=message):
        wrong()


@pytest.mark.parametrize("backend", ["reference", "auto"])
def test_the_definition_refuses_the_same(backend):
    for rules, message in (
        ({"prefix": -1}, "prefix: expected"),
        ({"window": 0}, "window: expected"),
        ({"sinks": torch.ones(2)}, "sinks: expected shape"),
        ({"key_lengths": (3, 4)}, "key_lengths: expected lengths"),
    ):
        with pytest.raises(ValueError, match=message):
            call(**rules, backend=backend)()
    assert call(*case(t=2, d=257, e=8).leaves, backend=backend)().shape == (1, 1, 2, 8)


PAIR = bent_value, bent_slope


def plain(score, *at):
    return score


OWN = {
    "no function": (lambda: own_score(3.0, plain, PAIR), "value: expected a function of"),
    "no slope": (lambda: own_score(plain, None, PAIR), "slope: expected a function of"),
    "one kernel": (lambda: own_score(plain, plain, (bent_value,)), "kernel: expected a pair of"),
    "a list": (lambda: own_score(plain, plain, list(PAIR)), "kernel: expected a pair of"),
    "functions of Python": (lambda: own_score(plain, plain, (plain, plain)), "kernel: expected a pair of"),
}


@pytest.mark.parametrize("name", OWN)
def test_what_is_no_score_is_refused_by_name(name):
    wrong, message = OWN[name]
    with pytest.raises(TypeError, match=message):
        wrong()


def test_lengths_may_be_a_tensor_a_list_or_a_tuple():
    made = [
        packed(kind((2, 3)), kind((3, 4)), backend="simulated")()
        for kind in (list, tuple, lambda x: whole(*x))
    ]
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[2])


def test_nothing_is_changed_in_place():
    tensors = [x.clone() for x in (Q, K, V, SLOPES)]
    call(score=alibi(SLOPES), causal=True)()
    assert all(torch.equal(a, b) for a, b in zip(tensors, (Q, K, V, SLOPES), strict=True))
