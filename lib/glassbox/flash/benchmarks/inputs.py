"""The problems: 16 384 tokens of 2048 features in all, as few long sequences or as many short ones.

Convention: where cases share a row of a table, the last one decides it; the headline is the only one of its
head size, so a quick tuning knows no such choice.
"""

from functools import partial

import torch
from torch import Tensor

from glassbox.flash.benchmarks.forms import Form
from glassbox.machine.bench import Case

TOKENS, FEATURES = 16_384, 2048
LENGTHS = (2048, 4096, 8192, 16_384)
HEADLINE = 8192
SIZES = (64, 128, 256)
GROUP = 4  # query heads for each key head, where they share


def _case(tokens: int, size: int, group: int = 1, headline: bool = False) -> Case:
    heads = FEATURES // size
    sizes = {"batch": TOKENS // tokens, "heads": heads, "kv_heads": heads // group, "tokens": tokens}
    return Case({**sizes, "size": size}, "bfloat16", headline)


def of_size(size: int) -> tuple[Case, ...]:
    """Return the cases of one head size; of 128 also one where four query heads share a key head."""
    shared = (_case(HEADLINE, size, GROUP),) if size == 128 else ()
    return shared + tuple(_case(tokens, size, headline=tokens == HEADLINE) for tokens in LENGTHS)


HEADLINES = tuple(_case(HEADLINE, size, headline=True) for size in SIZES)
VARIED = (_case(HEADLINE, 128, GROUP, headline=True), _case(TOKENS, 128))
PACKED = (_case(TOKENS, 128, GROUP, headline=True), _case(TOKENS, 128))


def tensors(case: Case, device: torch.device, form: Form) -> tuple[Tensor, ...]:
    """Return q, k, v, and a learned sink for each head where the form has some."""
    b, h, g, t, d = (case[name] for name in ("batch", "heads", "kv_heads", "tokens", "size"))
    random = partial(torch.randn, dtype=case.torch_dtype, device=device)
    made = random(b, h, t, d), random(b, g, t, d), random(b, g, t, d)
    return (*made, random(h) + 2) if form.sinks else made


def forward_bytes(case: Case, form: Form) -> int:
    """Return the bytes of q, k, v and o, and of the sinks."""
    return case.element_bytes * (2 * _queries(case) + 2 * _keys(case) + case["heads"] * form.sinks)


def backward_bytes(case: Case, form: Form) -> int:
    """Return the bytes of q, k, v and do, of the gradients of q, k, v, and of the sinks and theirs.

    Convention: outputs and log-sum-exps that the forward pass keeps are its own choice, not counted.
    """
    return case.element_bytes * (3 * _queries(case) + 4 * _keys(case) + 2 * case["heads"] * form.sinks)


def forward_flops(case: Case, form: Form) -> int:
    """Return 4 d for every pair of a query and a key that it sees: two products."""
    return int(4 * case["size"] * case["batch"] * case["heads"] * form.pairs(case["tokens"]))


def backward_flops(case: Case, form: Form) -> int:
    """Return 2.5 times the forward pass: five products, whoever computes more of them."""
    return forward_flops(case, form) * 5 // 2


def _queries(case: Case) -> int:
    return case["batch"] * case["heads"] * case["tokens"] * case["size"]


def _keys(case: Case) -> int:
    return case["batch"] * case["kv_heads"] * case["tokens"] * case["size"]
