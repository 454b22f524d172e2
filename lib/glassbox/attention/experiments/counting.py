"""What attention costs, by formula and counted: multiply-adds, score entries, bytes kept, matrix products."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from glassbox.attention.eager import every_step, fused
from glassbox.attention.masks import Mask, causal, full, sliding_window
from glassbox.attention.modules import MultiHeadAttention
from glassbox.measured.memory import kept_bytes
from glassbox.tiny.seeds import normal


class Product(NamedTuple):
    """One matrix product that ran: its multiply-adds, and the bytes of its left factor."""

    multiply_adds: int
    bytes_read: int


class _Products(TorchFunctionMode):
    """Notes every matrix product below it. torch's own counter agrees, and takes seconds to start."""

    def __init__(self):
        super().__init__()
        self.seen: list[Product] = []

    def __torch_function__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if function in (torch.matmul, Tensor.matmul, Tensor.__matmul__, functional.linear):
            left = arguments[0]
            work = result.numel() * left.shape[-1]
            self.seen.append(Product(work, left.numel() * left.element_size()))
        return result


def products(call: Callable[[], object]) -> list[Product]:
    """Return the matrix products that a call runs, in order."""
    with _Products() as noted:
        call()
    return noted.seen


def counted(call: Callable[[], object]) -> int:
    """Return the multiply-adds of the matrix products that a call runs."""
    return sum(product.multiply_adds for product in products(call))


def complexity(
    lengths: Sequence[int] = (32, 64, 128, 256, 512), width: int = 64, heads: int = 4, kv_heads: int = 4
) -> list[dict]:
    """Count the multiply-adds of an attention layer, projections and attention apart.

        projections = 2 n m^2 (1 + kv_heads / heads),   attention = 2 n^2 m    (4 n m^2 for MHA)

    A row has `length` (n), `part` ("projections", "attention"), `multiply_adds` (the formula) and `counted`
    (the matrix products that ran). For MHA the parts are equal at n = 2 m.

    Convention: no mask, or one that is filled in after all scores are formed: causal costs the same here.
    """
    layer = MultiHeadAttention(width, heads, kv_heads)
    rows = []
    for length in lengths:
        x = normal((1, length, width), 0, torch.float32)
        q, (k, v) = layer.queries(x), layer.keys_and_values(x)
        whole, attention = counted(lambda x=x: layer(x)), counted(lambda q=q, k=k, v=v: layer.read(q, k, v))
        attention -= length * width**2  # the output projection, which `read` contains
        formula = {
            "projections": 2 * length * width**2 * (heads + kv_heads) // heads,
            "attention": 2 * length**2 * width,
        }
        for part, number in (("projections", whole - attention), ("attention", attention)):
            rows.append({"length": length, "part": part, "multiply_adds": formula[part], "counted": number})
    return rows


def saved_bytes(
    lengths: Sequence[int] = (128, 256, 512, 1024), heads: int = 4, head_size: int = 16
) -> list[dict]:
    """Count what a causal attention keeps in memory for its backward pass.

    A row has `length`, `form` ("every step kept": scores, mask and softmax as separate operations; "torch's
    fused": one operation that computes the weights again in the backward pass) and `bytes`, float32, each
    storage counted once.
    """
    rows = []
    for length in lengths:
        for form, attend in {"every step kept": every_step, "torch's fused": fused}.items():
            shape = (1, heads, length, head_size)
            inputs = [normal(shape, seed, torch.float32).requires_grad_() for seed in range(3)]
            kept = kept_bytes(lambda attend=attend, inputs=inputs: attend(*inputs, causal=True))
            rows.append({"length": length, "form": form, "bytes": kept})
    return rows


def projections(width: int = 64, heads: int = 4, kv_heads: int = 2, tokens: int = 32) -> list[dict]:
    """Make queries, keys and values by three matrix products, and by one with the weights stacked.

    A row has `form` ("three", "fused"), `matmuls`, `bytes_read` (of x, float64) and `equal` (whether q, k, v
    are those of "three", to 1e-12).
    """
    layer, x = MultiHeadAttention(width, heads, kv_heads).double(), normal((tokens, width), 9)
    apart = [layer.query.weight, layer.key.weight, layer.value.weight]
    stacked, sizes = torch.cat(apart), [len(weight) for weight in apart]
    forms = {
        "three": lambda: [x @ weight.T for weight in apart],
        "fused": lambda: (x @ stacked.T).split(sizes, -1),
    }
    expected, rows = forms["three"](), []
    for form, make in forms.items():
        seen = products(make)
        equal = all(map(_same, make(), expected))
        read = sum(product.bytes_read for product in seen)
        rows.append({"form": form, "matmuls": len(seen), "bytes_read": read, "equal": equal})
    return rows


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=1e-12)


def softmax_cost(sizes: Sequence[int] = (16, 32, 64, 128), length: int = 256) -> list[dict]:
    """Count the work of each step of one head against the head size.

    A row has `size` (d), `part` ("scores", "softmax", "values") and `operations`: multiply-adds of the matrix
    products that ran; for the softmax the exponentials, one per score, as formed.
    """
    rows = []
    for size in sizes:
        q, k, v = (normal((length, size), seed) for seed in range(3))
        scores = q @ k.T
        weights = scores.softmax(-1)
        count = {
            "scores": counted(lambda q=q, k=k: q @ k.T),
            "softmax": weights.numel(),
            "values": counted(lambda weights=weights, v=v: weights @ v),
        }
        rows += [{"size": size, "part": part, "operations": number} for part, number in count.items()]
    return rows


def compared_pairs(lengths: Sequence[int] = (64, 128, 256, 512, 1024), size: int = 16) -> list[dict]:
    """Count the pairs that self-attention compares: every token with every token, not each with itself.

    A row has `length`, `entries` (of the map, above zero) and `multiply_adds` (counted).
    """
    rows = []
    for length in lengths:
        x = normal((length, size), length)
        weights = (x @ x.T / size**0.5).softmax(-1)
        work = counted(lambda x=x: (x @ x.T / size**0.5).softmax(-1) @ x)
        rows.append({"length": length, "entries": int((weights > 0).sum()), "multiply_adds": work})
    return rows


def score_entries(lengths: Sequence[int] = (64, 128, 256, 512), window: int = 16) -> list[dict]:
    """Count the scores that a query-key pattern needs.

    A row has `length`, `pattern` ("dense", "dense with a relative bias", "causal", "causal window") and
    `entries`. A bias is added to the scores of all pairs, so it takes none away.
    """
    patterns: dict[str, Mask] = {
        "dense": full(),
        "dense with a relative bias": full(),
        "causal": causal(),
        "causal window": causal() & sliding_window(window),
    }
    return [
        {"length": length, "pattern": name, "entries": int(_scored(mask, length, "bias" in name).sum())}
        for length in lengths
        for name, mask in patterns.items()
    ]


def _scored(mask: Mask, length: int, biased: bool) -> Tensor:
    """True where a pair has a finite score."""
    scores = torch.zeros(length, length).masked_fill(~mask.dense(length, length), -torch.inf)
    distance = torch.arange(length)[:, None] - torch.arange(length)
    return (scores - 0.1 * distance.abs() if biased else scores).isfinite()


def sharing_saves(
    width: int = 512, heads: int = 8, kv_heads: Sequence[int] = (8, 4, 2, 1), length: int = 8192
) -> list[dict]:
    """Set the parameters that fewer key heads save beside the cache that they save, for one layer.

        parameters saved = 2 m^2 (1 - g / h),  of a block of 12 m^2;   cache = 2 g d numbers per token

    A row has `kv_heads`, `parameters_saved`, `block_share` (of a block's 12 m^2), `bytes_per_token` (16-bit),
    and `cache_bytes`: held for `length` tokens, and read to decode one more.
    """
    whole = _parameters(MultiHeadAttention(width, heads))
    rows = []
    for groups in kv_heads:
        saved = whole - _parameters(MultiHeadAttention(width, heads, groups))
        per_token = 2 * groups * (width // heads) * 2
        share = {"parameters_saved": saved, "block_share": saved / (12 * width**2)}
        rows.append({"kv_heads": groups} | share | _cache(per_token, length))
    return rows


def _cache(per_token: int, length: int) -> dict:
    return {"bytes_per_token": per_token, "cache_bytes": per_token * length}


def _parameters(layer: MultiHeadAttention) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())
