"""One method of each family of efficient attention: its error against its multiply-adds."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.attention.api.approximate import hash_attention, random_feature_attention, same_bucket
from glassbox.attention.api.cheaper import linear_attention, low_rank_attention
from glassbox.attention.api.softmax import scaled_dot_product_attention
from glassbox.attention.api.summarised import (
    clustered_attention,
    locality_prior,
    pooled_attention,
    prior_attention,
    two_level_attention,
)
from glassbox.attention.experiments.traced import Traced, relative_error, traced_heads
from glassbox.attention.masks import causal, full, sliding_window, strided
from glassbox.tiny.seeds import normal

STEPS = 5  # of k-means
MASKS = {"causal": causal(), "both ways": full()}


class Tried(NamedTuple):
    """One method's output, and the multiply-adds that it needs for one head."""

    method: str
    setting: int
    output: Tensor
    multiply_adds: float
    mask: str = "causal"


def families(length: int = 256, seed: int = 0) -> list[dict]:
    """Approximate the heads of the trained tiny language model by methods of each family.

    A row has `family` ("exact", "sparse", "linear", "low rank", "fewer keys or queries", "prior", "modified
    heads"), `method`, `setting` (its size), `mask`, `multiply_adds` (share of exact attention's with the same
    mask) and `error` (root mean square of output - exact output, over that of the exact output).

    Convention: causal, as the model is; a projection along the length and clusters of queries have no causal
        form, and are set against exact attention "both ways". Nothing is trained: a method that a model
        learns to live with looks worse here. Additions and exponentials are not counted.
    """
    heads = traced_heads(length)
    exact = {name: scaled_dot_product_attention(*heads, mask) for name, mask in MASKS.items()}
    whole = {name: 2 * heads.q.shape[3] * _pairs(mask, length) for name, mask in MASKS.items()}
    kinds = {"exact": [Tried("softmax", 0, exact["causal"], whole["causal"])]}
    kinds |= {family: make(heads, seed) for family, make in FAMILIES.items()}
    return [
        {
            "family": family,
            "method": tried.method,
            "setting": tried.setting,
            "mask": tried.mask,
            "multiply_adds": tried.multiply_adds / whole[tried.mask],
            "error": relative_error(tried.output, exact[tried.mask]),
        }
        for family, methods in kinds.items()
        for tried in methods
    ]


def _pairs(mask, length: int) -> int:
    return int(mask.dense(length, length).sum())


def _sparse(heads: Traced, seed: int) -> Iterator[Tried]:
    n, d = heads.q.shape[2:]
    patterns = {"window": (sliding_window, (8, 16, 32, 64)), "strided": (strided, (8, 16, 32))}
    for name, (pattern, sizes) in patterns.items():
        for size in sizes:
            mask = causal() & pattern(size)
            output = scaled_dot_product_attention(*heads, mask)
            yield Tried(name, size, output, 2 * d * _pairs(mask, n))
    for rounds in (1, 2, 4, 8):
        rotations = normal((rounds, d, 4), seed)
        near = same_bucket(heads.q, heads.k, rotations) & causal().dense(n, n)
        pairs = near.sum((2, 3)).double().mean().item()
        hashing = 2 * n * d * 4 * rounds  # queries and keys, d x 4 each
        output = hash_attention(*heads, rotations, causal())
        yield Tried("hashing", rounds, output, 2 * d * pairs + hashing)


def _linear(heads: Traced, seed: int) -> Iterator[Tried]:
    n, d = heads.q.shape[2:]
    yield Tried("elu + 1", d, linear_attention(*heads), n * d * (2 * d + 1))
    for features in (16, 64, 256):
        output = random_feature_attention(*heads, normal((features, d), seed))
        yield Tried("random features", features, output, n * features * (4 * d + 1))


def _low_rank(heads: Traced, seed: int) -> Iterator[Tried]:
    n, d = heads.q.shape[2:]
    for rank in (8, 32, 64):
        project = averaging(rank, n)
        output = low_rank_attention(*heads, project, project)
        yield Tried("projection", rank, output, 2 * rank * n * d, "both ways")


def _fewer(heads: Traced, seed: int) -> Iterator[Tried]:
    n, d = heads.q.shape[2:]
    for stride in (2, 4, 16):
        output = pooled_attention(*heads, stride)
        yield Tried("pooled keys", stride, output, 2 * d * _summaries(n, stride, 1))
    for chunk, opened in ((16, 0), (16, 1), (16, 2), (32, 1)):
        output = two_level_attention(*heads, chunk, opened)
        name = "two levels" if not opened else f"two levels, {opened} opened"
        yield Tried(name, chunk, output, 2 * d * two_level_pairs(n, chunk, opened))
    for clusters in (8, 32, 64):
        output = clustered_attention(*heads, clusters, STEPS)
        yield Tried("clustered queries", clusters, output, (STEPS + 3) * clusters * n * d, "both ways")


def _summaries(n: int, stride: int, ahead: int = 0) -> int:
    """The pairs of a query with a run that is over before it, or with it if `ahead` is 1."""
    return sum((position + ahead) // stride for position in range(n))


def two_level_pairs(n: int, chunk: int, opened: int = 0) -> int:
    """Return how many scores causal `two_level_attention` needs: own chunk, summaries, opened chunks."""
    own = sum(position % chunk + 1 for position in range(n))
    return own + _summaries(n, chunk) + sum(min(opened, at // chunk) * chunk for at in range(n))


def _prior(heads: Traced, seed: int) -> Iterator[Tried]:
    n, d = heads.q.shape[2:]
    for width in (1, 4, 16):
        output = prior_attention(heads.v, locality_prior(n, n, width, torch.float64), causal())
        yield Tried("Gaussian alone", width, output, d * _pairs(causal(), n))


def _modified(heads: Traced, seed: int) -> Iterator[Tried]:
    n, d = heads.q.shape[2:]
    for groups in (2, 1):
        k, v = (x.unflatten(1, (groups, -1)).mean(2) for x in heads[1:])
        output = scaled_dot_product_attention(heads.q, k, v, causal())
        yield Tried("mean key heads", groups, output, 2 * d * _pairs(causal(), n))


FAMILIES = {
    "sparse": _sparse,
    "linear": _linear,
    "low rank": _low_rank,
    "fewer keys or queries": _fewer,
    "prior": _prior,
    "modified heads": _modified,
}


def averaging(rank: int, n: int) -> Tensor:
    """Return the (rank, n) matrix whose rows average neighbouring keys: a projection along the length."""
    owner = torch.arange(n) * rank // n
    member = (owner == torch.arange(rank)[:, None]).double()
    return member / member.sum(1, keepdim=True)


def compression(ratios: Sequence[int] = (1, 2, 4, 8, 16), length: int = 256) -> list[dict]:
    """Pool keys and values by a stride; cluster queries; the tiny model's heads, both ways.

    A row has `method` ("pooled keys", "clustered queries"), `ratio` (keys per mean; queries per cluster),
    `multiply_adds` (share of exact attention, k-means not counted) and `error`, as in `families`.
    """
    heads = traced_heads(length)
    exact = scaled_dot_product_attention(*heads)
    rows = []
    for ratio in ratios:
        outputs = {
            "pooled keys": pooled_attention(*heads, ratio, False),
            "clustered queries": clustered_attention(*heads, length // ratio, STEPS),
        }
        for method, output in outputs.items():
            error = relative_error(output, exact)
            rows.append({"method": method, "ratio": ratio, "multiply_adds": 1 / ratio, "error": error})
    return rows


def inside(length: int = 256, rounds: int = 1, buckets: int = 8, rank: int = 32, seed: int = 0) -> list[dict]:
    """Set hashing beside a low-rank projection: how many vectors, how wide, how many pairs.

    A row has `method` ("exact", "hashing", "low rank"), `keys` (vectors that are kept), `width` (numbers in
    each) and `pairs` (per head, both ways, the mean over the tiny model's heads).
    """
    q, k = traced_heads(length)[:2]
    near = same_bucket(q, k, normal((rounds, q.shape[3], buckets // 2), seed))
    mixed = averaging(rank, length) @ k
    return [
        {"method": name, "keys": keys.shape[2], "width": keys.shape[3], "pairs": pairs}
        for name, keys, pairs in (
            ("exact", k, length**2),
            ("hashing", k, round(near.double().sum((2, 3)).mean().item())),
            ("low rank", mixed, length * mixed.shape[2]),
        )
    ]
