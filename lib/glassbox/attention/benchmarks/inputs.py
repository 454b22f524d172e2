"""The problems: caches of a gigabyte and more, so that no figure is one of the L2 cache."""

from functools import partial

import torch
from torch import Tensor

from glassbox.machine.bench import Case

R, P = 512, 64  # the latent and the rotary part of DeepSeek-V2 and -V3


def _grouped(batch, heads, kv_heads, keys, size, headline=False, **more) -> Case:
    sizes = {"batch": batch, "heads": heads, "kv_heads": kv_heads, "keys": keys, "size": size, **more}
    return Case(sizes, "bfloat16", headline)


def _latent(batch, heads, keys, headline=False) -> Case:
    return Case({"batch": batch, "heads": heads, "keys": keys}, "bfloat16", headline)


CONTIGUOUS = (
    _grouped(64, 64, 8, 8192, 128, headline=True),
    _grouped(1, 32, 8, 262_144, 128, headline=True),  # one long sequence: nothing but splits fills the GPU
    _grouped(16, 32, 8, 16_384, 128),
    _grouped(32, 32, 32, 2048, 128),  # multi-head
    _grouped(64, 8, 1, 16_384, 256),  # multi-query
    _grouped(64, 64, 8, 16_384, 64),
)
PAGED = (
    _grouped(64, 64, 8, 8192, 128, headline=True, page=16),
    _grouped(64, 64, 8, 8192, 128, page=64),
    _grouped(16, 32, 8, 32_768, 128, headline=True, page=16),
    _grouped(4, 32, 8, 131_072, 128, page=64),
)
LATENT = (_latent(128, 16, 8192, headline=True), _latent(16, 16, 65_536), _latent(128, 64, 8192))
LATENT_WIDE = (_latent(128, 128, 8192, headline=True), _latent(16, 128, 65_536))


def contiguous(case: Case, device: torch.device) -> tuple[Tensor, ...]:
    """Return q, k, v."""
    b, h, g, n, d = (case[name] for name in ("batch", "heads", "kv_heads", "keys", "size"))
    random = partial(torch.randn, dtype=case.torch_dtype, device=device)
    return random(b, h, d), random(b, g, n, d), random(b, g, n, d)


def contiguous_bytes(case: Case) -> int:
    """Return the bytes of keys and values, and of one query and one output per head."""
    return case.element_bytes * case["size"] * 2 * (_pairs(case) * case["keys"] + _rows(case))


def lengths(case: Case) -> list[int]:
    """Return how long each sequence of a paged case is: evenly from all its keys down to half of them."""
    b, n = case["batch"], case["keys"]
    return [n - n * i // (2 * b) for i in range(b)]


def paged(case: Case, device: torch.device) -> tuple[Tensor, ...]:
    """Return q, the pools of pages, the table and the lengths; the pages of a sequence lie anywhere."""
    g, d, s = case["kv_heads"], case["size"], case["page"]
    random = partial(torch.randn, dtype=case.torch_dtype, device=device)
    counts = [-(-length // s) for length in lengths(case)]
    order = torch.randperm(sum(counts), device=device, dtype=torch.int32).split(counts)
    table = torch.nn.utils.rnn.pad_sequence(order, batch_first=True, padding_value=-1)
    pools = (random(sum(counts), g, s, d) for _ in range(2))
    counted = torch.tensor(lengths(case), dtype=torch.int32, device=device)
    return random(case["batch"], case["heads"], d), *pools, table, counted


def paged_bytes(case: Case) -> int:
    """Return the bytes of keys and values in use, the table, the lengths, the queries and the outputs."""
    pages = case["batch"] * -(-max(lengths(case)) // case["page"])
    tokens = case["kv_heads"] * sum(lengths(case))
    numbers = case.element_bytes * case["size"] * 2 * (tokens + _rows(case))
    return numbers + 4 * pages + 4 * case["batch"]


def flops(case: Case) -> int:
    """Return the operations of both products; every sequence counts with its own length."""
    tokens = sum(lengths(case)) if "page" in case.sizes else case["batch"] * case["keys"]
    return 2 * tokens * case["heads"] * 2 * case["size"]


def latent(case: Case, device: torch.device) -> tuple[Tensor, ...]:
    """Return q and its rotary part, both in latent space, the latents, and the rotary keys."""
    b, h, n = case["batch"], case["heads"], case["keys"]
    random = partial(torch.randn, dtype=case.torch_dtype, device=device)
    return random(b, h, R), random(b, h, P), random(b, n, R), random(b, n, P)


def latent_bytes(case: Case) -> int:
    """Return the bytes of the cache, and of the queries and outputs."""
    return case.element_bytes * (case["batch"] * case["keys"] * (R + P) + _rows(case) * (2 * R + P))


def latent_flops(case: Case) -> int:
    """Return the operations of both products."""
    return 2 * _rows(case) * case["keys"] * (2 * R + P)


def _pairs(case: Case) -> int:
    return case["batch"] * case["kv_heads"]


def _rows(case: Case) -> int:
    return case["batch"] * case["heads"]
