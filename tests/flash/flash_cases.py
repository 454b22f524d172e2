"""Calls of the FlashAttention kernels, beside the same attention by a whole matrix in float64.

Run as a script under TRITON_INTERPRET=1 it writes what the interpreter gives:
`python flash_cases.py out.pt`.
"""

import sys
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import jaxtyping
import torch
from glassbox.flash import alibi, flash_attention, own_score, soft_cap, then
from glassbox.flash.kernels import Plan, backward, forward
from glassbox.machine import configs, tl, triton

TOLERANCE = 2e-5
FORMS = {"fused": False, "deterministic": True}
OPERATIONS = ("flash_forward", "flash_forward_masked")
BACKWARD = ("flash_backward_keys", "flash_backward_fused", "flash_backward_queries")
SLOPES = torch.tensor([0.5, 0.25, 0.125, 0.0625])
RATES = torch.tensor([0.1, -0.05, 0.02, 0.0])


def draw(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@contextmanager
def tiles(queries=16, keys=16, two_loops=True):
    """Let every kernel take tiles of this size, so that few tokens are many tiles.

    The check of annotations is off inside: of the simulator's many small calls it takes four times as long.
    """
    tile = {"QUERIES": queries, "KEYS": keys, "STAGES": 1, "num_warps": 4}
    with ExitStack() as stack:
        stack.callback(jaxtyping.config.update, "jaxtyping_disable", jaxtyping.config.jaxtyping_disable)
        jaxtyping.config.update("jaxtyping_disable", True)
        for operation in OPERATIONS:
            config = tile | {"ROLES": False, "TWO_LOOPS": two_loops}
            stack.enter_context(configs.override(operation, config))
        for operation in BACKWARD:
            stack.enter_context(configs.override(operation, tile))
        yield


# ---- the score functions, as the kernels and as the matrix take them


@triton.jit
def bent_value(score, head, query, key, given):
    """score + rate_head score^2 + number (query + key)"""
    return score + tl.load(given[1] + head) * score * score + given[0] * (query + key)


@triton.jit
def bent_slope(score, head, query, key, given):
    """1 + 2 rate_head score"""
    return 1 + 2 * tl.load(given[1] + head) * score


def bent():
    def value(score, head, query, key):
        return score + RATES.to(score)[head] * score * score + 0.01 * (query + key)

    def slope(score, head, query, key):
        return 1 + 2 * RATES.to(score)[head] * score

    return own_score(value, slope, (bent_value, bent_slope), numbers=[0.01], tensors=[RATES], heads=4)


def capped(s, head, query, key):
    return 1.5 * (s / 1.5).tanh()


def biased(s, head, query, key):
    return s - SLOPES.to(s)[head] * (query - key).abs()


def curved(s, head, query, key):
    return s + RATES.to(s)[head] * s**2 + 0.01 * (query + key)


SCORES = {
    "soft_cap": (lambda: soft_cap(1.5), capped),
    "wide soft_cap": (lambda: soft_cap(1e4), lambda s, *at: 1e4 * (s / 1e4).tanh()),
    "alibi": (lambda: alibi(SLOPES), biased),
    "then": (lambda: then(soft_cap(1.5), alibi(SLOPES)), lambda s, *at: biased(capped(s, *at), *at)),
    "own": (bent, curved),
    "own, then soft_cap": (lambda: then(bent(), soft_cap(1.5)), lambda s, *at: capped(curved(s, *at), *at)),
}


# ---- a case


class Case(NamedTuple):
    """q, k, v and perhaps learned sinks, beside the rules; `score` is a name of SCORES."""

    leaves: tuple
    rules: dict

    def to(self, dtype):
        return self._replace(leaves=tuple(x.to(dtype) for x in self.leaves))


def case(b=1, h=1, g=None, t=40, n=None, d=16, e=None, sinks=False, dtype=torch.float32, **rules) -> Case:
    g, n = g or h, n or t
    leaves = [draw(b, h, t, d), draw(b, g, n, d, seed=1), draw(b, g, n, e or d, seed=2)]
    leaves += [draw(h, seed=3)] if sinks else []
    return Case(tuple(x.to(dtype) for x in leaves), rules)


def cotangents(output, lse):
    """The gradients that come from above: of the output and of the log-sum-exp."""
    return draw(*output.shape, seed=8).to(output), draw(*lse.shape, seed=9).to(lse)


def arguments(rules) -> dict:
    score = rules.get("score")
    return rules if score is None else rules | {"score": SCORES[score][0]()}


def called(given: Case, **how) -> list:
    """Return the output, the lse and the gradients of what the public function is given."""
    leaves = [x.detach().requires_grad_() for x in given.leaves]
    sinks = {"sinks": leaves[3]} if len(leaves) > 3 else {}
    made = flash_attention(*leaves[:3], **sinks, **arguments(given.rules), return_lse=True, **how)
    return [*(x.detach() for x in made), *torch.autograd.grad(made, leaves, cotangents(*made))]


def seen(b, t, n, rules):
    """Return who sees whom, (b or 1, 1 or h, t, n), from the equation of the docstring."""
    query, key = torch.arange(t)[:, None] + n - t, torch.arange(n)
    found = torch.ones(b, 1, t, n, dtype=torch.bool)
    if rules.get("causal"):
        found = found & (key <= query)
    if rules.get("window") is not None:
        found = found & (((query - key).abs() < rules["window"]) | (key < rules.get("sink_tokens", 0)))
    if rules.get("prefix") is not None:
        found = found | (key < torch.as_tensor(rules["prefix"]).reshape(-1, 1, 1, 1))
    return found if rules.get("mask") is None else found & rules["mask"]


def matrix(q, k, v, sinks, rules):
    """Attention by a whole matrix of scores; autograd goes through. A sink is one column more."""
    (b, h, t, d), n = q.shape, k.shape[2]
    k, v = (x.repeat_interleave(h // k.shape[1], 1) for x in (k, v))
    scores = (rules.get("scale") or d**-0.5) * torch.einsum("bhtd,bhnd->bhtn", q, k)
    if rules.get("score"):
        at = torch.arange(h)[:, None, None], torch.arange(n - t, n)[:, None], torch.arange(n)
        scores = SCORES[rules["score"]][1](scores, *at)
    scores = scores.masked_fill(~seen(b, t, n, rules), -torch.inf)
    if sinks is not None:
        scores = torch.cat((scores, sinks[:, None, None].expand(b, h, t, 1)), -1)
    empty = (scores == -torch.inf).all(-1, keepdim=True)
    safe = scores.masked_fill(empty, 0)
    weights = safe.softmax(-1).masked_fill(empty, 0)
    return weights[..., :n] @ v, safe.logsumexp(-1).masked_fill(empty[..., 0], -torch.inf)


def sequences(q, k, v, sinks, rules):
    """The same for sequences that lie end to end, one after the other."""
    rules = dict(rules)
    lengths, key_lengths = rules.pop("lengths", None), rules.pop("key_lengths", None)
    if lengths is None:
        return matrix(q, k, v, sinks, rules)
    key_lengths = key_lengths or lengths
    each = zip(q.split(lengths, 2), k.split(key_lengths, 2), v.split(key_lengths, 2), strict=True)
    prefixes = torch.as_tensor(rules.pop("prefix", 0)).expand(len(lengths))
    made = [matrix(*three, sinks, rules | {"prefix": p}) for three, p in zip(each, prefixes, strict=True)]
    return torch.cat([one for one, _ in made], 2), torch.cat([other for _, other in made], 2)


def defined(given: Case, dtype=torch.float64) -> list:
    """What `called` returns, by the whole matrix."""
    leaves = [x.detach().to(dtype).requires_grad_() for x in given.leaves]
    sinks = leaves[3] if len(leaves) > 3 else None
    output, lse = sequences(*leaves[:3], sinks, given.rules)
    do, dlse = cotangents(output, lse)
    finite = lse > -torch.inf
    total = (output * do).sum() + (lse[finite] * dlse[finite]).sum()
    return [output.detach(), lse.detach(), *torch.autograd.grad(total, leaves)]


def disagreement(made, right) -> float:
    """Return the largest difference, relative to the largest of each; infinities must be the same ones."""
    worst = 0.0
    for one, other in zip(made, right, strict=True):
        assert one.shape == other.shape and torch.equal(one.isinf(), other.isinf())
        assert not one.isnan().any() and not other.isnan().any()
        if one.numel():
            size = other.nan_to_num(neginf=0.0).abs().max().clamp_min(1.0)
            worst = max(worst, ((one.double() - other).nan_to_num().abs().max() / size).item())
    return worst


# ---- Triton's interpreter

SAMPLES = {
    "full": case(h=2, g=1, t=20, n=37, d=24, e=16),
    "causal": case(h=4, g=2, t=20, n=33, causal=True, score="alibi", sinks=True),
    "window": case(h=1, t=35, window=5, sink_tokens=2, prefix=torch.tensor([3])),
    "mask": case(h=4, g=1, t=16, n=20, mask=draw(1, 4, 16, 20) > 0, score="own, then soft_cap"),
    "packed": case(h=1, t=37, n=40, causal=True, lengths=(17, 0, 20), key_lengths=(20, 20, 0)),
}


def plan_of(given: Case) -> Plan:
    """Return the plan of a launch for these rules; a score by its parts."""
    rules, score = dict(given.rules), arguments(given.rules).get("score")
    rules.pop("score", None)
    parts = () if score is None else score.parts
    functions = tuple((part.name, part.numbers, len(part.tensors)) for part in parts)
    tensors = tuple(x for part in parts for x in part.tensors)
    if rules.get("lengths"):
        rules["key_lengths"] = rules.get("key_lengths") or rules["lengths"]
    if isinstance(rules.get("prefix"), torch.Tensor):
        rules["prefix"] = rules["prefix"].int()
    return Plan(given.leaves[0].shape[3] ** -0.5, **rules, scores=functions, tensors=tensors)


def interpreted(way: str) -> dict[str, torch.Tensor]:
    """Return what every kernel makes of the samples, one of them in fp16 too, in both backward forms."""
    made = {}
    for name, given in SAMPLES.items():
        for dtype in (torch.float32, torch.float16) if name == "causal" else (torch.float32,):
            (q, k, v, *sinks), plan = given.to(dtype).leaves, plan_of(given)
            with tiles(16, 32):
                out = forward(q, k, v, plan, *sinks, backend=way)
                found = {f"forward {field}": x for field, x in out._asdict().items()}
                for form, deterministic in FORMS.items():
                    how = {"deterministic": deterministic, "backend": way}
                    gradients = backward(q, k, v, out, *cotangents(*out), plan, **how)
                    found |= {f"{form} {field}": x for field, x in gradients._asdict().items()}
            made |= {f"{name} {str(dtype)[6:]} {key}": x for key, x in found.items()}
    return made


def let_descriptors_add() -> None:
    """Triton's interpreter has no atomics through descriptors: here they go through pointers."""
    from triton._C.libtriton import ir
    from triton.runtime.interpreter import InterpreterBuilder

    def reduce(self, kind, descriptor, value, offsets):
        pointers, mask = descriptor.materialize_pointers(offsets)
        sem, scope = ir.MEM_SEMANTIC.RELAXED, ir.MEM_SYNC_SCOPE.GPU
        return self.create_atomic_rmw(ir.ATOMIC_OP.FADD, pointers, value, mask, sem, scope)

    InterpreterBuilder.create_descriptor_reduce = reduce


if __name__ == "__main__":
    let_descriptors_add()
    torch.save(interpreted("interpreted"), sys.argv[1])
