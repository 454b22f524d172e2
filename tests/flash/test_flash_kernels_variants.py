"""Every rule of who sees whom and every function of the score, on the kernels: equal to float64."""

import pytest
import torch
from flash_cases import (
    FORMS,
    RATES,
    SCORES,
    TOLERANCE,
    called,
    case,
    defined,
    disagreement,
    draw,
    seen,
    tiles,
)
from glassbox.attention import masks
from glassbox.flash import flash_attention, own_score
from glassbox.machine import triton


def whole(*values):
    return torch.tensor(values, dtype=torch.int32)


def some(*shape):
    """A mask that hides a third, and all of the third query and of the tenth key."""
    mask = draw(*shape, seed=5) > -0.4
    mask[..., 2, :] = False
    mask[..., :, 9] = False
    return mask


PACKED = {"t": 35, "n": 48, "lengths": (10, 0, 20, 5), "key_lengths": (12, 3, 0, 33)}
VARIANTS = {
    "causal, one query": case(t=1, n=37, causal=True),
    "causal, fewer queries": case(t=20, n=40, causal=True),
    "causal, more queries": case(t=40, n=20, causal=True),
    "window": case(window=5),
    "window of itself": case(window=1),
    "window wider than a tile": case(t=50, window=20),
    "window beyond the keys": case(t=20, window=500),
    "window, fewer queries": case(t=20, n=50, window=7),
    "window, more queries": case(t=50, n=20, window=7),
    "window, causal": case(causal=True, window=5),
    "window, causal, fewer queries": case(t=20, n=50, causal=True, window=7),
    "window, sinks": case(window=3, sink_tokens=2),
    "window, causal, sinks": case(t=50, causal=True, window=4, sink_tokens=3),
    "window, causal, more sinks than a tile": case(t=60, causal=True, window=4, sink_tokens=20),
    "window, causal, sinks, more queries": case(t=50, n=30, causal=True, window=4, sink_tokens=3),
    "sinks beyond the keys": case(t=20, causal=True, window=2, sink_tokens=99),
    "prefix": case(causal=True, prefix=7),
    "prefix of nothing": case(causal=True, prefix=0),
    "prefix of all": case(causal=True, prefix=40),
    "prefix beyond the keys": case(t=20, n=30, causal=True, prefix=99),
    "prefix, nothing hidden": case(t=20, prefix=3),
    "prefix per sequence": case(b=3, h=1, causal=True, prefix=whole(0, 20, 40)),
    "prefix per sequence, int64": case(b=2, h=1, t=20, causal=True, prefix=whole(5, 17).long()),
    "prefix and window": case(t=60, window=4, prefix=20),
    "prefix, window, sinks, causal": case(t=60, causal=True, window=4, prefix=2, sink_tokens=19),
    "prefix, more queries": case(t=50, n=20, causal=True, prefix=3),
    "mask of pairs": case(t=20, n=33, mask=some(20, 33)),
    "mask per sequence": case(b=2, h=1, t=20, n=33, mask=some(2, 1, 20, 33)),
    "mask per head": case(b=2, h=2, t=20, n=33, mask=some(1, 2, 20, 33)),
    "mask of each": case(b=2, h=2, g=1, t=20, n=33, mask=some(2, 2, 20, 33)),
    "mask turned": case(t=20, n=33, mask=some(1, 1, 33, 20).mT),
    "mask expanded": case(t=20, n=33, mask=some(20, 33)[:, :1].expand(20, 33)),
    "mask, causal, window, prefix": case(causal=True, window=9, prefix=2, mask=some(40, 40)),
    "mask that hides all": case(t=20, mask=torch.zeros(20, 20, dtype=torch.bool)),
    "learned sinks": case(h=2, t=20, n=33, sinks=True),
    "learned sinks, grouped": case(b=2, h=2, g=1, t=20, causal=True, sinks=True),
    "learned sinks, hidden rows": case(t=40, n=20, causal=True, window=3, sinks=True),
    "scaled": case(t=20, causal=True, scale=0.7),
    "packed": case(**PACKED),
    "packed, causal": case(**PACKED, causal=True, sinks=True),
    "packed, window": case(**PACKED, h=4, g=1, causal=True, window=4, sink_tokens=1, score="alibi"),
    "packed, one prefix": case(**PACKED, causal=True, prefix=3),
    "packed, each its prefix": case(**PACKED, h=2, g=1, causal=True, window=2, prefix=whole(0, 2, 9, 20)),
    "packed, the same keys": case(t=36, causal=True, lengths=[1, 16, 19]),
    "packed, one sequence": case(t=20, causal=True, lengths=[20], prefix=whole(4)),
}
VARIANTS |= {f"{name}": case(h=4, g=2, t=18, n=20, causal=True, score=name) for name in SCORES}
VARIANTS["own, hidden rows, sinks"] = case(h=4, g=1, t=20, n=9, window=4, score="own", sinks=True)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_equals_float64(name):
    given, right = VARIANTS[name], defined(VARIANTS[name])
    for form, tile in (("deterministic", (16, 16)), ("fused", (16, 32))):
        with tiles(*tile):
            made = called(given, backend="simulated", deterministic=FORMS[form])
        assert disagreement(made, right) < TOLERANCE


def test_the_definition_is_the_matrix_in_float64():
    for name, given in VARIANTS.items():
        made = called(given.to(torch.float64), backend="reference")
        assert disagreement(made, defined(given)) < 1e-12, name


def test_the_matrix_is_pytorchs_attention():
    plain = [given for given in VARIANTS.values() if not {"score", "lengths", "scale"} & given.rules.keys()]
    plain = [given for given in plain if len(given.leaves) == 3]
    for given in plain:
        q, k, v = (x.double() for x in given.leaves)
        mask = seen(q.shape[0], q.shape[2], k.shape[2], given.rules)
        theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        output, lse, *_ = defined(given)
        assert (output - theirs)[lse > -torch.inf].abs().sum() < 1e-9
    assert len(plain) > 25


@pytest.mark.parametrize("name", [name for name in VARIANTS if "more queries" in name or "mask" in name])
def test_rows_that_see_nothing_are_zero(name):
    empty = defined(VARIANTS[name])[1].eq(-torch.inf)
    with tiles(16, 32):
        output, lse, dq, *_ = called(VARIANTS[name], backend="simulated")
    assert output[empty].eq(0).all() and dq[empty].eq(0).all() and torch.equal(lse.eq(-torch.inf), empty)
    assert empty.any() == (name != "prefix, more queries")


def test_a_mask_is_its_matrix():
    q, k, v = case(t=20, n=33).leaves
    rule = masks.causal() & masks.dilated(3)
    made, other = (flash_attention(q, k, v, mask=m, backend="simulated") for m in (rule, rule.dense(20, 33)))
    assert torch.equal(made, other)


def test_packed_sequences_are_each_alone():
    given = VARIANTS["packed, the same keys"]
    q, k, v = given.leaves
    packed = flash_attention(q, k, v, causal=True, lengths=[1, 16, 19], backend="simulated")
    parts = zip(*(x.split([1, 16, 19], 2) for x in (q, k, v)), strict=True)
    alone = [flash_attention(*part, causal=True, backend="simulated") for part in parts]
    assert torch.equal(packed, torch.cat(alone, 2))


# ---- the tolerance


def test_the_tolerance_sees_small_mistakes():
    """Each differs by one key, one query, one number; all by more than the tolerance."""
    wrong = {
        "causal, fewer queries": {"causal": True, "prefix": 22},
        "window": {"window": 6},
        "window, causal": {"causal": True, "window": 4},
        "window, causal, sinks": {"causal": True, "window": 4, "sink_tokens": 4},
        "prefix": {"causal": True, "prefix": 8},
        "prefix per sequence": {"causal": True, "prefix": whole(0, 20, 38)},
        "packed, each its prefix": {"prefix": whole(0, 2, 9, 21)},
        "packed, causal": {"lengths": (9, 1, 20, 5)},
        "scaled": {"causal": True, "scale": 0.7001},
        "soft_cap": {"causal": True, "score": None},
        "alibi": {"causal": True, "score": "then"},
        "own": {"causal": True, "score": "own, then soft_cap"},
    }
    for name, rules in wrong.items():
        given = VARIANTS[name]
        other = defined(given._replace(rules=given.rules | rules))
        assert disagreement(other, defined(given)) > 2 * TOLERANCE, name


# ---- the edges of numbers


@triton.jit
def lifted_value(score, head, query, key, given):
    """score + number"""
    return score + given[0]


@triton.jit
def without_slope(score, head, query, key, given):
    """1"""
    return 1.0


def lifted(by):
    pair = lifted_value, without_slope
    return own_score(lambda s, *at: s + by, lambda s, *at: torch.ones_like(s), pair, numbers=[by])


@pytest.mark.parametrize("form", FORMS)
def test_a_score_that_is_large_for_no_query_at_all_does_no_harm(form, monkeypatch):
    """The last tile has rows beyond the queries: exp(100) overflows there, times 0 it is not a number."""
    monkeypatch.setitem(SCORES, "lifted", (lambda: lifted(100.0), lambda s, *at: s + 100.0))
    given = case(t=20, score="lifted")
    with tiles():
        made = called(given, backend="simulated", deterministic=FORMS[form])
    assert disagreement(made, defined(given)) < 8 * TOLERANCE  # the lse is 100: its rounding


@pytest.mark.parametrize("rules", [{}, {"causal": True}, {"window": 3}], ids=str)
def test_a_prefix_below_zero_is_none(rules):
    given = case(b=2, h=1, t=50, prefix=whole(-40, 3), **rules)
    with tiles():
        assert disagreement(called(given, backend="simulated"), defined(given)) < TOLERANCE


@pytest.mark.parametrize("window", [2**31 - 1, 2**31, 2**40])
def test_a_window_may_be_as_large_as_a_number(window):
    for causal in (False, True):
        given = case(t=18, n=20, causal=causal, window=window)
        with tiles():
            assert disagreement(called(given, backend="simulated"), defined(given)) < TOLERANCE


def test_the_tables_of_a_score_get_no_gradient():
    slopes = RATES.clone().requires_grad_()
    q, k, v = (x.requires_grad_() for x in case(h=4, t=5).leaves)
    pair = lifted_value, without_slope
    score = own_score(lambda s, *at: s, lambda s, *at: torch.ones_like(s), pair, [0.0], [slopes], 4)
    flash_attention(q, k, v, score=score, backend="simulated").sum().backward()
    assert slopes.grad is None and v.grad.ne(0).any()
