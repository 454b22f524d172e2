"""Compile FlashAttention into one graph, forward and backward, with its operator inside; print what ran."""

import torch
from flash_cases import SAMPLES, Case, arguments, case
from glassbox.flash import flash_attention

GRAPHS = SAMPLES | {
    "bare": case(t=5, n=7),
    "capped": case(h=4, t=5, causal=True, score="then", sinks=True),
}
SIZES = [case(b=b, h=4, t=t, causal=True, window=5, score="alibi", sinks=True) for b, t in ((2, 5), (3, 9))]


def attention(given: Case):
    """Return the attention of a case; its score is made here, outside the graph."""
    rules = arguments(given.rules) | {"deterministic": True, "backend": "simulated"}

    def whole(q, k, v, sinks=None):
        made = flash_attention(q, k, v, sinks=sinks, **rules, return_lse=True)
        return made.output * 2, made.lse

    return whole


def run(function, given: Case):
    leaves = [x.clone().requires_grad_() for x in given.leaves]
    output, lse = function(*leaves)
    total = output.square().sum() + lse[lse > -torch.inf].sum()
    return output, lse, *torch.autograd.grad(total, leaves)


def expect_equal(given: Case, eager, compiled) -> None:
    pairs = zip(run(eager, given), run(compiled, given), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


if __name__ == "__main__":
    for name, given in GRAPHS.items():
        torch.compiler.reset()  # each with its sizes as numbers
        whole = attention(given)
        expect_equal(given, whole, torch.compile(whole, fullgraph=True, backend="aot_eager"))
        print(name)
    whole = attention(SIZES[0])
    compiled = torch.compile(whole, fullgraph=True, dynamic=True, backend="aot_eager")
    for given in SIZES:
        expect_equal(given, whole, compiled)
    print("of any size")
