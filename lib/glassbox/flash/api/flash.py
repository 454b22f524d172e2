"""The one public function of the kernels: attention that never holds the matrix of scores."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_like, expect_shape, expect_whole
from glassbox.attention import masks
from glassbox.attention.api.checks import as_matrix, expect_queries_keys_values
from glassbox.attention.masks import Mask
from glassbox.attention.reference.core import Attended
from glassbox.flash.api.checks import expect_score, expect_sinks, scale_of
from glassbox.flash.reference.recomputing import Recomputing
from glassbox.flash.reference.scoring import Rules, Score
from glassbox.machine.dispatch import uses_kernel

LARGEST_HEAD = 256  # what the kernels' tiles hold
BLOCK = 128  # of the definition: eager tiles should be large


def flash_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    *,
    causal: bool = False,
    window: int | None = None,
    prefix: int | Int[Tensor, " s"] | None = None,
    sink_tokens: int = 0,
    mask: Mask | Bool[Tensor, "..."] | None = None,
    score: Score | None = None,
    sinks: Float[Tensor, " h"] | None = None,
    lengths: Sequence[int] | Int[Tensor, " s"] | None = None,
    key_lengths: Sequence[int] | Int[Tensor, " s"] | None = None,
    scale: float | None = None,
    return_lse: bool = False,
    deterministic: bool = False,
    backend: str = "auto",
) -> Float[Tensor, "b h t e"] | Attended:
    """Return softmax attention, computed tile by tile; scores and weights of size t n are never stored.

        output = softmax(score(scale q k^T)) v,  over the keys that are seen
        seen   = [key < prefix, or key <= query if causal, and (|query - key| < window or key < sink_tokens)]
                 and mask

    Shapes: g key heads serve h query heads; d, e up to 256. `mask` is (t, n) or (b or 1, h or 1, t, n). With
        `lengths` the axis of time holds s sequences end to end (b = 1): `lengths` of the queries,
        `key_lengths` of the keys, the same unless given. `prefix` is one for all, or one per sequence.
    Convention: queries stand at the end of the keys (bottom-right): causal is not torch's `is_causal` where
        t != n. `scale` is 1/sqrt(d) unless given; `score` comes after it (`soft_cap`, `alibi`, `then`,
        `own_score`). A query that sees nothing gives 0, its lse is -inf, its gradients are 0. `prefix` counts
        keys that all see, `sink_tokens` keys that the window does not hide. `sinks` are learned scores, one
        per head, of a key whose value is 0. Tiles without a visible pair are skipped, but not those that only
        `mask` hides. No dropout.
    Precision: halves are multiplied on tensor cores and added up in float32; weights are rounded to the dtype
        of v before they multiply. The lse is float32. With `deterministic` two backward passes agree to the
        bit; without, dq is added up by atomics. Tables, masks and the tensors of `score` get no gradient.
    Raises: TypeError, ValueError for shapes, types, devices or sizes that do not fit.
    Source: Dao et al. 2022 (arXiv:2205.14135); Dao 2023, algorithms 1 and 2 (arXiv:2307.08691);
        sinks: OpenAI 2025, gpt-oss model card, section 2.2 (arXiv:2508.10925).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_queries_keys_values(q, k, v)
    scale = scale_of(q, scale)
    expect_score(score, q.shape[1])
    expect_sinks(sinks, q)
    lengths, key_lengths = _packed(q, k, lengths, key_lengths, mask, window, sink_tokens)
    prefix = _prefix(prefix, q, 1 if lengths is None else len(lengths))
    matrix = as_matrix(mask, (*q.shape[:3], k.shape[2]), q)
    if uses_kernel(backend, "q", q):
        parts = _parts(score, q, v)
        from glassbox.flash.kernels.operators import attend

        found = attend(
            q, k, v, sinks, prefix, matrix, lengths, key_lengths, parts, scale, causal, window, sink_tokens,
            deterministic,
        )  # fmt: skip
        return Attended(*found) if return_lse else found[0]
    rules = (scale, causal, window, sink_tokens, matrix, score)
    found = _reference(q, k, v, sinks, prefix, lengths, key_lengths, rules)
    return found if return_lse else found.output


def _packed(q, k, lengths, key_lengths, mask, window, sink_tokens) -> tuple:
    """Refuse sizes that are none, and lengths that are not those of the axes; return them as tuples."""
    if window is not None:
        expect_whole("window", window, 1)
    expect_whole("sink_tokens", sink_tokens, 0)
    if lengths is None:
        if key_lengths is not None:
            raise bad_value("key_lengths", "lengths beside it", key_lengths)
        return None, None
    key_lengths = lengths if key_lengths is None else key_lengths
    counted = [_counts(*pair) for pair in (("lengths", lengths), ("key_lengths", key_lengths))]
    for name, each, x in (("lengths", counted[0], q), ("key_lengths", counted[1], k)):
        if sum(each) != x.shape[2] or x.shape[0] != 1:
            raise bad_value(
                name, f"counts that add up to the {x.shape[2]} rows, and one batch", (each, x.shape)
            )
    if len(counted[0]) != len(counted[1]):
        raise bad_value("key_lengths", f"{len(counted[0])} counts, as in lengths", counted[1])
    if mask is not None:
        raise bad_value("mask", "none beside lengths: packed sequences are kept apart by them", "a mask")
    return tuple(counted)


def _counts(name: str, value) -> tuple[int, ...]:
    found = value.tolist() if isinstance(value, Tensor) else value
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise bad_type(name, "whole numbers, one per sequence", value)
    for each in found:
        expect_whole(name, each, 0)
    return tuple(found)


def _prefix(prefix, q: Tensor, packed: int) -> Tensor | None:
    """Return the prefixes as (b,) int32, one for each sequence."""
    if prefix is None:
        return None
    sequences = q.shape[0] if packed == 1 else packed
    if not isinstance(prefix, Tensor):
        expect_whole("prefix", prefix, 0)
        return torch.full((sequences,), prefix, dtype=torch.int32, device=q.device)
    if prefix.dtype not in (torch.int32, torch.int64):
        raise bad_type("prefix", "a whole number, or whole numbers, one per sequence", prefix)
    expect_shape("prefix", prefix, (sequences,))
    expect_like("prefix", prefix, "q", q)
    return prefix.int().contiguous()


def _parts(score: Score | None, q: Tensor, v: Tensor) -> tuple:
    """Return the jit forms of a score; refuse what the kernels do not take."""
    for name, x in (("q", q), ("v", v)):
        if not 1 <= x.shape[3] <= LARGEST_HEAD:
            raise bad_value(name, f"1 to {LARGEST_HEAD} features per head for a kernel", x)
    if score is not None and not score.parts:
        raise bad_value("score", "a score with jit functions (`own_score`) for a kernel", "one without")
    return () if score is None else score.parts


def _mask(causal: bool, window: int | None, sink_tokens: int, prefix: Tensor | None) -> Mask | None:
    """Return the rule that the arguments name, None where all is seen."""
    rule = masks.causal() if causal else masks.full()
    if window is not None:
        near = masks.sliding_window(window)
        rule = rule & (near | masks.sinks(sink_tokens))
    if prefix is not None:
        rule = rule | Mask(lambda sequence, query, key: key < prefix[sequence], sequences=len(prefix))
    return rule if causal or window is not None else None


def _reference(q, k, v, sinks, prefix, lengths, key_lengths, rules) -> Attended:
    """The definition: tile by tile in PyTorch; packed sequences one after the other."""
    scale, causal, window, sink_tokens, matrix, score = rules

    def attend(q, k, v, prefix):
        if k.shape[2] == 0:
            return _nothing_seen(q, v, sinks)
        rule = Rules(scale, _mask(causal, window, sink_tokens, prefix), score, matrix)
        return Attended(*Recomputing.apply(q, k, v, sinks, rule, BLOCK, BLOCK))

    if lengths is None:
        return attend(q, k, v, prefix)
    each = zip(q.split(lengths, 2), k.split(key_lengths, 2), v.split(key_lengths, 2), strict=True)
    prefixes = [None] * len(lengths) if prefix is None else prefix.split(1)
    found = [attend(*three, first) for three, first in zip(each, prefixes, strict=True)]
    return Attended(torch.cat([one.output for one in found], 2), torch.cat([one.lse for one in found], 2))


def _nothing_seen(q: Tensor, v: Tensor, sinks: Tensor | None) -> Attended:
    """What queries without any key give: 0, and the sink as the only score."""
    lse = q.new_full(q.shape[:3], -torch.inf, dtype=torch.promote_types(q.dtype, torch.float32))
    lse = lse if sinks is None else sinks.to(lse)[:, None].expand_as(lse)
    return Attended(q.new_zeros(*q.shape[:3], v.shape[3]), lse)
