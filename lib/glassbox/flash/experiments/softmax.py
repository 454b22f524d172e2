"""The softmax by hand and as a stream: what overflows, what is kept, and that merging is associative."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite, log

import torch
from torch import Tensor

from glassbox.arguments import bad_value, expect_whole
from glassbox.attention.reference.core import Attended
from glassbox.flash.api import merge
from glassbox.flash.reference.softmax import start, step
from glassbox.tiny.seeds import normal, uniform

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
DTYPES |= {"float64": torch.float64}


def worked_instance(scores: Sequence[float] = (1, 2, 3, 4), group: int = 2) -> list[dict]:
    """Walk over a few scores in groups: m and l after each group.

    A row has `group` (from 1), `scores`, `m`, `l`, and `keep`, what the old sum was multiplied by.

    Precision: float64.
    Raises: TypeError, ValueError for no scores, or a group that is no whole number >= 1.
    Source: Milakov & Gimelshein 2018, algorithm 3 (arXiv:1805.02867).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("group", group, 1)
    if len(scores) == 0:
        raise bad_value("scores", "at least one score", list(scores))
    values = torch.tensor(scores, dtype=torch.float64)
    rows, run = [], start(values[0])
    for number, part in enumerate(values.split(group), start=1):
        before, run = run, step(run, part)
        keep = (before.m - run.m).exp().item()
        rows.append(
            {"group": number, "scores": part.tolist(), "m": run.m.item(), "l": run.l.item(), "keep": keep}
        )
    return rows


def stream_rows(scores: Sequence[float] | None = None, length: int = 64, seed: int = 0) -> list[dict]:
    """Walk over scores one by one: the running maximum m and sum l as the stream arrives.

    A row has `index` (from 1), `score`, `m`, `l`, `keep` (what the old sum was multiplied by) and `moved`
    (whether the maximum rose, so that the old sum had to be rescaled).

    Convention: `length` normal scores times 2, rounded to tenths, unless given. The first score moves m too.
    Precision: float64.
    Raises: TypeError, ValueError for no scores.
    Source: Milakov & Gimelshein 2018, algorithm 3 (arXiv:1805.02867).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("length", length, 1)
    values = (2 * normal((length,), seed)).round(decimals=1).tolist() if scores is None else list(scores)
    rows, before = [], -inf
    for row in worked_instance(values, 1):
        moved, before = row["m"] > before, row["m"]
        state = {"m": row["m"], "l": row["l"], "keep": row["keep"], "moved": moved}
        rows.append({"index": row["group"], "score": row["scores"][0]} | state)
    return rows


def rescales(lengths: Sequence[int] = (4, 16, 64, 256, 1024), trials: int = 200) -> list[dict]:
    """Count how often the running maximum rises while blocks of a row arrive in random order.

        expected = 1 + 1/2 + ... + 1/n,   about log n

    A row has `blocks` (n), `moved` (mean over the trials) and `expected`. The first block counts.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_whole("trials", trials, 1)
    rows = []
    for n in lengths:
        expect_whole("lengths", n, 1)
        highest = normal((trials, n), n).cummax(-1).values
        rises = 1 + (highest[:, 1:] > highest[:, :-1]).sum(-1).double().mean().item()
        rows.append({"blocks": n, "moved": rises, "expected": sum(1 / place for place in range(1, n + 1))})
    return rows


def overflow(scores: Sequence[float] = (1, 2, 300)) -> list[dict]:
    """Take the softmax of a few scores as written, and with the largest score subtracted first.

    A row has `dtype`, `form` ("plain", "safe"), `result` (the weights), `largest` (the largest term of the
    sum), `finite` (whether every weight is a number) and `limit` (the largest score whose exponential the
    dtype can hold).

    Convention: every step in that dtype.
    Raises: ValueError for no scores.
    Source: Milakov & Gimelshein 2018, section 2 (arXiv:1805.02867).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    if len(scores) == 0:
        raise bad_value("scores", "at least one score", list(scores))
    rows = []
    for name, dtype in DTYPES.items():
        values, limit = torch.tensor(scores, dtype=dtype), log(torch.finfo(dtype).max)
        for form, shifted in (("plain", values), ("safe", values - values.max())):
            terms = shifted.exp()
            result = (terms / terms.sum()).tolist()
            finite = all(map(isfinite, result))
            row = {"dtype": name, "form": form, "result": result, "largest": terms.max().item()}
            rows.append(row | {"finite": finite, "limit": limit})
    return rows


def associativity(trials: int = 200, keys: int = 24, parts: int = 6) -> dict:
    """Merge the parts of random splits in several orders; return by how much the results differ at most.

    The keys are `trials`, and the largest gaps over all trials: `line` (from the left against from the
    right), `tree` (pairs of neighbours against from the left), `order` (parts shuffled), `whole` (against the
    softmax over all keys at once), `largest_gap` (of these), and `same_bits` (whether every tree gave the
    bits of its line: rounding does not keep the law).

    Convention: a split may leave a part without a key, which is o = 0, lse = -inf. Scores are normal times 4.
    Precision: float64.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    for name, number in (("trials", trials), ("keys", keys), ("parts", parts)):
        expect_whole(name, number, 1)
    largest = dict.fromkeys(("line", "tree", "order", "whole"), 0.0)
    same_bits = True
    for trial in range(trials):
        scores, v = 4 * normal((keys,), 3 * trial), normal((keys, 4), 3 * trial + 1)
        some = [_attended(scores[a:b], v[a:b]) for a, b in pairwise(_cuts(keys, parts, 3 * trial + 2))]
        line = _line(some)
        others = {
            "line": _line(some[::-1], turned=True),
            "tree": _tree(some),
            "order": _line([some[place] for place in normal((len(some),), trial).argsort().tolist()]),
            "whole": _attended(scores, v),
        }
        largest = {name: max(gap, _gap(line, others[name])) for name, gap in largest.items()}
        same_bits = same_bits and all(map(torch.equal, line, others["tree"]))
    return {"trials": trials} | largest | {"largest_gap": max(largest.values()), "same_bits": same_bits}


def _cuts(keys: int, parts: int, seed: int) -> list[int]:
    inner = uniform((parts - 1,), seed, 0, keys + 1).long().sort().values
    return [0, *inner.tolist(), keys]


def _attended(scores: Tensor, v: Tensor) -> Attended:
    """One query's attention over these keys, by torch."""
    if not len(scores):
        return Attended(v.new_zeros(v.shape[1]), v.new_tensor(-inf))
    return Attended(scores.softmax(-1) @ v, scores.logsumexp(-1))


def _line(parts: Sequence[Attended], turned: bool = False) -> Attended:
    found = parts[0]
    for part in parts[1:]:
        found = merge(part, found) if turned else merge(found, part)
    return found


def _tree(parts: Sequence[Attended]) -> Attended:
    while len(parts) > 1:
        parts = [_line(parts[place : place + 2]) for place in range(0, len(parts), 2)]
    return parts[0]


def _gap(one: Attended, other: Attended) -> float:
    return max((a - b).abs().max().item() for a, b in zip(one, other, strict=True))
