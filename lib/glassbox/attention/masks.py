"""Which key a query may see: small rules of positions, joined with & | ~, and drawn out as a matrix.

Queries and keys are numbered by their position in the sequence. `Mask.dense(t, n)` places n keys at
0 ... n - 1 and the t queries at its end, n - t ... n - 1 (bottom-right alignment), so that one mask serves
training, prefill in chunks, and decoding: the mask of the last query is the last row of the whole mask.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_whole

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Mask:
    """A rule for (sequence, query position, key position): True where the query may see the key.

    The rule gets whole numbers of shapes (b, 1, 1), (t, 1) and (n,) and returns what broadcasts to (b, t, n).
    Join masks with `&` (both allow), `|` (either allows) and `~` (turned round).

    sequences: the batch size that the rule has data for; None: all sequences are alike.
    keys, queries: the number of positions that the rule has data for; None: any.
    """

    rule: Rule
    sequences: int | None = None
    keys: int | None = None
    queries: int | None = None

    def __and__(self, other: "Mask") -> "Mask":
        return _joined(self, other, torch.logical_and)

    def __or__(self, other: "Mask") -> "Mask":
        return _joined(self, other, torch.logical_or)

    def __invert__(self) -> "Mask":
        return replace(self, rule=lambda *at: ~self.rule(*at))

    def __bool__(self):
        raise TypeError("mask: expected & | ~ between masks; came `and`, `or`, `not` or `if`")

    def dense(
        self, t: int, n: int, first: int | None = None, device: torch.device | str | None = None
    ) -> Bool[Tensor, "..."]:
        """Return the matrix for t queries and n keys: (t, n), or (b, 1, t, n) where the rule has data.

        Convention: True is "may see". `first` is the position of the first query: n - t unless given, so that
            the last query is aligned with the last key; `first=0` is top-left alignment, which is what
            `is_causal=True` of torch means.
        Raises: TypeError, ValueError for bad sizes, or positions that the rule has no data for.
        """
        expect_whole("t", t, 0)
        expect_whole("n", n, 0)
        first = n - t if first is None else first
        _check_reach(self, t, n, first)
        batch = 1 if self.sequences is None else self.sequences
        sequence = torch.arange(batch, device=device)[:, None, None]
        query = torch.arange(first, first + t, device=device)[:, None]
        seen = self.rule(sequence, query, torch.arange(n, device=device)).broadcast_to(batch, t, n)
        return (seen[0] if self.sequences is None else seen[:, None]).contiguous()


def _check_reach(mask: Mask, t: int, n: int, first: int) -> None:
    """Refuse positions that the rule has no data for: an index would wrap or run over."""
    if mask.keys is not None and n > mask.keys:
        raise bad_value("n", f"at most {mask.keys} keys, for which the mask has data", n)
    if mask.queries is not None and not 0 <= first <= mask.queries - t:
        raise bad_value("t", f"queries at positions 0 to {mask.queries - 1}", f"{t} from position {first}")


def _joined(one: Mask, other: Mask, join: Callable) -> Mask:
    if not isinstance(other, Mask):
        raise bad_type("other", "a Mask", other)
    if None not in (one.sequences, other.sequences) and one.sequences != other.sequences:
        raise bad_value("other", f"a mask of {one.sequences} sequences", f"one of {other.sequences}")
    return Mask(
        lambda *at: join(one.rule(*at), other.rule(*at)),
        _least(one.sequences, other.sequences),
        _least(one.keys, other.keys),
        _least(one.queries, other.queries),
    )


def _least(*sizes: int | None) -> int | None:
    return min((size for size in sizes if size is not None), default=None)


def full() -> Mask:
    """Every query sees every key: an encoder, or a decoder that reads the encoder (cross-attention)."""
    return Mask(lambda sequence, query, key: torch.ones_like(key, dtype=torch.bool))


def causal() -> Mask:
    """A query sees its own position and those before it."""
    return Mask(lambda sequence, query, key: key <= query)


def prefix_lm(prefix: int | Int[Tensor, " b"]) -> Mask:
    """The first `prefix` positions see each other both ways; all later ones see the past.

    Convention: `prefix` counts positions from 0, one number for all or one per sequence. A prefix of 0 is
        causal, and so is 1: the first token sees itself anyhow.
    Raises: TypeError, ValueError for what is not such a count.
    Source: Raffel et al. 2020, figure 3 (arXiv:1910.10683); Dong et al. 2019, figure 1 (arXiv:1905.03197).
    """
    if not isinstance(prefix, Tensor):
        expect_whole("prefix", prefix, 0)
        return Mask(lambda sequence, query, key: (key <= query) | (key < prefix))
    _expect("prefix", prefix, torch.int64, 1, "one whole number per sequence")
    if prefix.numel() and prefix.min() < 0:
        raise bad_value("prefix", "whole numbers >= 0", int(prefix.min()))
    return Mask(
        lambda sequence, query, key: (key <= query) | (key < prefix.to(key.device)[sequence]),
        sequences=len(prefix),
    )


def blank_filling(context: int | Int[Tensor, " b"]) -> Mask:
    """GLM: the corrupted text (part A) sees itself both ways; the blanks (part B) see it and the past.

    Convention: part A is the first `context` positions, the blanks follow in the shuffled order in which they
        are filled, and an earlier blank is seen by a later one. As a matrix this is `prefix_lm`; what makes
        it GLM is the text (a [MASK] per blank) and the two position numbers per token.
    Raises: TypeError, ValueError as `prefix_lm`.
    Source: Du et al. 2022, section 2.1 and figure 2 (arXiv:2103.10360).
    """
    return prefix_lm(context)


def sliding_window(window: int) -> Mask:
    """A query sees the keys nearer than `window`, to both sides.

        |query - key| < window

    Convention: the window counts the query's own position, so `causal() & sliding_window(w)` sees w keys.
        Both-sided it is 2w - 1. A dilated window of w keys is `causal() & sliding_window(step * (w - 1) + 1)
        & dilated(step)`.
    Raises: TypeError, ValueError for a window that is no whole number >= 1.
    Source: Beltagy et al. 2020, section 3.1 (arXiv:2004.05150).
    """
    expect_whole("window", window, 1)
    return Mask(lambda sequence, query, key: (query - key).abs() < window)


def sinks(count: int) -> Mask:
    """Every query sees the first `count` positions: `causal() & (sinks(4) | sliding_window(w))`.

    Convention: sinks come on top of the window. They may lie in the future: join with `causal()`.
    Raises: TypeError, ValueError for a count that is no whole number >= 0.
    Source: Xiao et al. 2023, section 3.2 (arXiv:2309.17453).
    """
    expect_whole("count", count, 0)
    return Mask(lambda sequence, query, key: key < count)


def dilated(step: int) -> Mask:
    """A query sees every `step`-th key, counted from itself to both sides; `dilated(1)` is `full()`.

    Raises: TypeError, ValueError for a step that is no whole number >= 1.
    Source: Beltagy et al. 2020, section 3.1 (arXiv:2004.05150).
    """
    expect_whole("step", step, 1)
    return Mask(lambda sequence, query, key: (query - key) % step == 0)


def strided(stride: int) -> Mask:
    """The Sparse Transformer's strided pattern: the last `stride` keys, and every `stride`-th before.

    Convention: the paper's two heads in one mask, for both sides; with `causal()` it is the paper's.
    Raises: TypeError, ValueError for a stride that is no whole number >= 1.
    Source: Child et al. 2019, section 4.3 (arXiv:1904.10509).
    """
    expect_whole("stride", stride, 1)
    return sliding_window(stride) | dilated(stride)


def block_sparse(layout: Bool[Tensor, "rows columns"], block: int) -> Mask:
    """Blocks of `block` queries see blocks of `block` keys as `layout[query // block, key // block]` says.

    Convention: blocks are cut from position 0 for queries and keys alike; the last may be cut short. A causal
        layout still lets the diagonal blocks see ahead: join with `causal()`.
    Raises: TypeError, ValueError for a layout that is no matrix of bools, or a block that is not >= 1.
    Source: Zaheer et al. 2020, section 2 and appendix D (arXiv:2007.14062).
    """
    _expect("layout", layout, torch.bool, 2, "a matrix of bools")
    expect_whole("block", block, 1)
    rows, columns = layout.shape
    return Mask(
        lambda sequence, query, key: layout.to(key.device)[query // block, key // block],
        keys=columns * block,
        queries=rows * block,
    )


def documents(ids: Int[Tensor, "b n"]) -> Mask:
    """Packed documents: a query sees the keys that carry its own number.

    Convention: both ways; join with `causal()` for a decoder. Numbers are compared, not runs: two pieces with
        one number see each other. Positions that restart per document are not the mask's affair.
    Raises: TypeError, ValueError for what is no matrix of whole numbers.
    Source: Krell et al. 2021 (arXiv:2107.02027).
    """
    _expect("ids", ids, torch.int64, 2, "a matrix of whole numbers (sequence, position)")

    def same(sequence, query, key):
        at = ids.to(key.device)
        return at[sequence, query] == at[sequence, key]

    return Mask(same, *_extent(ids), queries=ids.shape[1])


def padding(valid: Bool[Tensor, "b n"]) -> Mask:
    """No query sees a key that is padding: `valid` is True where a token is real.

    Convention: True is a real token (the opposite of torch's `key_padding_mask`). Only keys are hidden:
        the rows of padded queries are computed and to be ignored. Left padding with `causal()` leaves rows
        that see nothing; attention returns zeros for them.
    Raises: TypeError, ValueError for what is no matrix of bools.
    """
    _expect("valid", valid, torch.bool, 2, "a matrix of bools (sequence, position)")
    return Mask(lambda sequence, query, key: valid.to(key.device)[sequence, key], *_extent(valid))


def _extent(data: Shaped[Tensor, "b n"]) -> tuple[int, int]:
    return data.shape[0], data.shape[1]


def _expect(name: str, value, dtype: torch.dtype, ndim: int, what: str) -> None:
    """Refuse what is no tensor of that kind; any signed whole numbers pass for int64."""
    kinds = {torch.int64: (torch.int64, torch.int32, torch.int16, torch.int8)}.get(dtype, (dtype,))
    if not isinstance(value, Tensor) or value.dtype not in kinds:
        raise bad_type(name, what, value)
    if value.ndim != ndim:
        raise bad_value(name, what, value)
