"""What the contiguous and the sliding cache refuse; the paged one has its own test."""

import pytest
import torch
from glassbox.attention.caches import ContiguousCache, PagedCache, SinkCache

ROWS = torch.ones(1, 2, 3, 4)
BAD = {
    "too many tokens": (torch.ones(1, 2, 6, 4),) * 2 + (r"k: expected at most 5 more tokens",),
    "other heads": (torch.ones(1, 1, 3, 4),) * 2 + (r"k: expected shape \(1, 2, 3, 4\)",),
    "other batch": (torch.ones(2, 2, 3, 4),) * 2 + (r"k: expected shape \(1, 2, 3, 4\)",),
    "other key size": (torch.ones(1, 2, 3, 1), ROWS, r"k: expected shape \(1, 2, 3, 4\)"),
    "fewer values": (ROWS, torch.ones(1, 2, 1, 4), r"v: expected shape \(1, 2, 3, 4\)"),
    "no batch": (ROWS[0], ROWS[0], r"k: expected at least 4 dimension"),
    "no token": (ROWS[:, :, :0], ROWS[:, :, :0], r"k: expected at least one new token"),
    "other dtype": (ROWS.double(), ROWS.double(), r"k: expected the dtype of the cache, float32"),
    "whole numbers": (ROWS.long(), ROWS, r"k: expected a floating-point tensor"),
    "other device": (ROWS.to("meta"), ROWS, r"k: expected a tensor on cpu"),
    "a gradient": (ROWS, ROWS.clone().requires_grad_(), r"v: expected no gradient"),
    "no tensor": (ROWS.tolist(), ROWS, r"k: expected a torch tensor"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_and_not_stored(name):
    k, v, message = BAD[name]
    cache = ContiguousCache.empty(1, 2, 5, 4)
    with pytest.raises((TypeError, ValueError), match=message):
        cache.append(k, v)
    assert cache.keys.abs().sum() == 0
    if name != "too many tokens":
        with pytest.raises((TypeError, ValueError), match=message):
            SinkCache.empty(1, 2, 1, 2, 4).append(k, v)


SIZES = {
    "batch": lambda: ContiguousCache.empty(0, 1, 1, 1),
    "heads": lambda: SinkCache.empty(1, 0, 1, 1, 1),
    "capacity": lambda: ContiguousCache.empty(1, 1, 0, 1),
    "key_size": lambda: ContiguousCache.empty(1, 1, 1, 0),
    "value_size": lambda: ContiguousCache.empty(1, 1, 1, 1, -1),
    "sinks": lambda: SinkCache.empty(1, 1, -1, 1, 1),
    "window": lambda: SinkCache.empty(1, 1, 1, 0, 1),
    "pages": lambda: PagedCache.empty(0, 1, 1, 1),
    "page_size": lambda: PagedCache.empty(1, 0, 1, 1),
}


@pytest.mark.parametrize("name", SIZES)
def test_an_impossible_size_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: expected a whole number"):
        SIZES[name]()
