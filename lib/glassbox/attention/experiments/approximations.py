"""How good the approximations are, and where they break: hashing, features, projections, states, levels."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.attention.api.approximate import positive_features, same_bucket
from glassbox.attention.api.cheaper import low_rank_attention
from glassbox.attention.api.softmax import scaled_dot_product_attention
from glassbox.attention.api.summarised import two_level_attention
from glassbox.attention.experiments.families import averaging
from glassbox.attention.experiments.traced import maps, relative_error, traced_heads
from glassbox.attention.masks import causal, sliding_window
from glassbox.attention.reference.cheaper import elu_plus_one
from glassbox.tiny.seeds import normal


def unit(shape: Sequence[int], seed: int) -> Float[Tensor, "..."]:
    """Return random vectors of length 1."""
    return torch.nn.functional.normalize(normal(shape, seed), dim=-1)


def hash_recall(
    rounds: Sequence[int] = (1, 2, 4, 8, 16),
    buckets: int = 16,
    length: int = 256,
    size: int = 32,
    top: int = 8,
    seeds: Iterable[int] = range(3),
) -> list[dict]:
    """Look for the `top` nearest of random unit vectors among those in the same buckets.

    A row has `rounds`, `seed`, `recall` (share of the true nearest that are compared) and `pairs` (share of
    all pairs that are compared: what a blind choice would recall). A vector is not its own neighbour.
    """
    rows = []
    for seed in seeds:
        x = unit((1, 1, length, size), 2 * seed)
        own = torch.eye(length, dtype=torch.bool)
        nearest = (x @ x.mT).masked_fill(own, -2).topk(top, -1).indices
        rotations = normal((max(rounds), size, buckets // 2), 2 * seed + 1)
        for count in rounds:
            near = same_bucket(x, x, rotations[:count]) & ~own
            recall = near.gather(-1, nearest).double().mean().item()
            pairs = near.sum().item() / (length * (length - 1))
            rows.append({"rounds": count, "seed": seed, "recall": recall, "pairs": pairs})
    return rows


def random_feature_error(
    features: Sequence[int] = (16, 64, 256, 1024, 4096),
    norms: Sequence[float] = (1.0, 2.0, 4.0),
    size: int = 8,
    seeds: Iterable[int] = range(5),
    vectors: int = 64,
) -> list[dict]:
    """Estimate exp(q . k) by positive random features, for vectors of a given length.

    A row has `features`, `norm` (|q| = |k|), `seed`, `error` (root mean square over the pairs of the estimate
    over exp(q . k), less 1) and `expected` (the same over all draws of the features).

        expected^2 = mean of (exp(|q + k|^2) - 1) / features

    Convention: the error falls as one over the root of the number, while long vectors need exponentially
        many. Where `error` is far below `expected`, the rare directions that carry the mean were not drawn.
    """
    rows = []
    for norm in norms:
        for seed in seeds:
            q, k = (norm * unit((vectors, size), 3 * seed + part) for part in (0, 1))
            drawn = normal((max(features), size), 3 * seed + 2)
            for count in features:
                estimate = positive_features(q, drawn[:count]) @ positive_features(k, drawn[:count]).T
                error = (estimate / (q @ k.T).exp() - 1).square().mean().sqrt().item()
                row = {"features": count, "norm": norm, "seed": seed, "error": error}
                rows.append(row | {"expected": _expected(q, k) / count**0.5})
    return rows


def _expected(q: Float[Tensor, "n d"], k: Float[Tensor, "n d"]) -> float:
    return (q[:, None] + k).square().sum(-1).expm1().mean().sqrt().item()


def state_capacity(
    pairs: Sequence[int] = (4, 8, 16, 32, 64, 128), size: int = 32, seeds: Iterable[int] = range(5)
) -> list[dict]:
    """Store random key-value pairs, then ask for each: in linear attention's state, and among kept keys.

    A row has `pairs`, `seed`, `method`, `error` (relative, root mean square) and `found` (share of the
    answers that are nearest to their own value). Methods: "linear" (S = sum of k v^T, read as k S), "elu + 1"
    (the same with that feature map and the division by the sum of the weights), "softmax" (all pairs kept,
    scores times 8 sqrt(size)).

    Convention: keys of length 1, or sqrt(size) for "elu + 1". The state has size x size numbers for any
        number of pairs; what softmax reads grows with them.
    """
    rows = []
    for seed in seeds:
        keys, values = unit((max(pairs), size), 2 * seed), normal((max(pairs), size), 2 * seed + 1)
        for count in pairs:
            k, v = keys[:count], values[:count]
            features = elu_plus_one(k * size**0.5)
            weights = features @ features.T
            read = {
                "linear": k @ (k.T @ v),
                "elu + 1": weights @ v / weights.sum(-1, keepdim=True),
                "softmax": (8 * size**0.5 * k @ k.T).softmax(-1) @ v,
            }
            for name, answers in read.items():
                rows.append({"pairs": count, "seed": seed, "method": name} | _found(answers, v))
    return rows


def _found(answers: Float[Tensor, "n e"], values: Float[Tensor, "n e"]) -> dict:
    nearest = torch.cdist(answers, values).argmin(-1)
    found = (nearest == torch.arange(len(values))).double().mean().item()
    return {"error": relative_error(answers, values), "found": found}


def low_rank_error(ranks: Sequence[int] = (8, 16, 32, 64, 128, 256), length: int = 256) -> list[dict]:
    """Project the tiny model's keys and values along the length, and cut its attention maps to a rank.

    A row has `rank`, `projection`, `mask` and `error` of the output (relative, root mean square, against the
    exact output under that mask). Projections: "average" (of neighbouring keys and values; mask "both ways",
    since a mixture holds the future) and "best map" (the model's own causal map, cut to its largest singular
    values; mask "causal": of all maps of that rank the nearest, though its entries above the diagonal are
    no longer 0). The first is a method, the second what a method of that rank could hope for on causal maps.
    """
    heads = traced_heads(length)
    exact = {"both ways": scaled_dot_product_attention(*heads)}
    exact["causal"] = scaled_dot_product_attention(*heads, causal())
    left, values, right = torch.linalg.svd(maps(heads))
    rows = []
    for rank in ranks:
        average = averaging(rank, length)
        outputs = {
            ("average", "both ways"): low_rank_attention(*heads, average, average),
            ("best map", "causal"): (left[..., :rank] * values[..., None, :rank])
            @ right[..., :rank, :]
            @ heads.v,
        }
        for (name, mask), output in outputs.items():
            error = relative_error(output, exact[mask])
            rows.append({"rank": rank, "projection": name, "mask": mask, "error": error})
    return rows


def singular_values(length: int = 256) -> list[dict]:
    """Return the singular values of the tiny model's attention maps, as it computes them: causal.

    A row has `layer`, `head`, `index` (1 is the largest), `value` (over the largest) and `energy` (share of
    the sum of squares that this and the larger ones hold).
    """
    values = torch.linalg.svdvals(maps(traced_heads(length)))
    energy = values.square().cumsum(-1) / values.square().sum(-1, keepdim=True)
    relative = values / values[..., :1]
    return [
        {
            "layer": layer,
            "head": head,
            "index": index + 1,
            "value": relative[layer, head, index].item(),
            "energy": energy[layer, head, index].item(),
        }
        for layer, head, index in torch.cartesian_prod(*map(torch.arange, values.shape)).tolist()
    ]


def two_levels(
    length: int = 2048,
    chunk: int = 64,
    opened: Sequence[int] = (0, 1, 4, 8, 16),
    size: int = 32,
    trials: int = 32,
    strength: float = 12.0,
    seed: int = 0,
) -> list[dict]:
    """Hide one key that fits the query among `length` random ones, and ask the last position for its value.

    A row has `method` ("dense", "own chunk", "summaries", "opened"), `opened` (chunks that are read key by
    key), `found` (share of trials whose output is nearest to the hidden value) and `multiply_adds` (share of
    dense).

    Convention: keys of length 1; the scaled score is `strength` for the hidden key, and about strength /
        sqrt(size) with random sign for others. The hidden key lies before the query's own chunk.
    """
    q, k, v, hidden = _hidden_pair(length, chunk, size, trials, strength, seed)
    dense = scaled_dot_product_attention(q, k, v)
    near = scaled_dot_product_attention(q, k, v, causal() & sliding_window(chunk))
    tried = [("dense", 0, dense, length), ("own chunk", 0, near, chunk)]
    others = length // chunk - 1
    for count in opened:
        output, read = two_level_attention(q, k, v, chunk, count), min(count, others)
        tried.append(("opened" if count else "summaries", count, output, chunk * (1 + read) + others))
    return [
        {"method": name, "opened": count, "found": _hit(output, v, hidden), "multiply_adds": pairs / length}
        for name, count, output, pairs in tried
    ]


def _hidden_pair(length, chunk, size, trials, strength, seed):
    k, v = unit((trials, 1, length, size), seed), normal((trials, 1, length, size), seed + 1)
    q = unit((trials, 1, 1, size), seed + 2)
    hidden = (torch.arange(trials) * 7919) % (length - chunk)
    k[torch.arange(trials), 0, hidden] = q[:, 0, 0]
    return strength * size**0.5 * q, k, v, hidden


def _hit(output: Float[Tensor, "b 1 1 e"], v: Float[Tensor, "b 1 n e"], hidden: Tensor) -> float:
    nearest = torch.cdist(output[:, 0], v[:, 0])[:, 0].argmin(-1)
    return (nearest == hidden).double().mean().item()
