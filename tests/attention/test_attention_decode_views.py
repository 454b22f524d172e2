"""The decode kernels take caches as they lie in memory, and cut the keys into splits by shape alone."""

import pytest
import torch
from decode_cases import CALLS, SAMPLES, TOLERANCE, contiguous, defined, disagreement, draw, launched
from glassbox.attention.api.decode import decode_attention
from glassbox.attention.caches import PagedCache
from glassbox.attention.kernels import splits_of
from glassbox.machine import metered

VIEWS = {
    "tokens before heads": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "features first": lambda x: x.mT.contiguous().mT,
    "the start of a longer cache": lambda x: torch.cat((x, x * torch.nan), 2)[:, :, : x.shape[2]],
    "one key head expanded": lambda x: x[:, :1].expand_as(x),
    "every other feature": lambda x: x.repeat_interleave(2, -1)[..., ::2],
}


@pytest.mark.parametrize("view", VIEWS)
def test_views_are_taken_as_they_are(view):
    q, k, v, lengths = contiguous(2, 4, 2, 70, 32, lengths=[70, 9])
    q = torch.stack((q, q), 2)[:, :, 1]  # heads two rows apart
    k, v = VIEWS[view](k), VIEWS[view](v)
    with metered() as reports:
        made = launched("contiguous", (q, k, v, lengths), 1)
    assert disagreement(made, defined("contiguous", (q, k, v, lengths))) < TOLERANCE
    moved = sum(report.bytes_moved for report in reports)
    assert len(reports) == 1 and moved < (k.numel() + v.numel() + 4 * q.numel()) * 4


@pytest.mark.parametrize("backend", ["simulated", "reference"])
def test_what_lies_beyond_a_length_is_never_used(backend):
    q, k, v, lengths = contiguous(2, 4, 2, 70, 32, lengths=[5, 66])
    clean = decode_attention(q, k, v, lengths, backend=backend)
    for sequence, length in enumerate(lengths.tolist()):
        k[sequence, :, length:], v[sequence, :, length:] = torch.nan, torch.nan
    assert torch.equal(decode_attention(q, k, v, lengths, backend=backend), clean)


def test_a_paged_cache_is_read_as_it_stands():
    cache = PagedCache.empty(pages=9, page_size=16, heads=2, key_size=24, value_size=20)
    rows = {}
    for name, t in (("a", 40), ("b", 0), ("c", 17)):
        cache = cache.start(name)
        rows[name] = draw(2, t, 24, seed=t), draw(2, t, 20, seed=t + 1)
        if t:
            cache, _ = cache.append(name, *rows[name])
    table, lengths = cache.block_table(["c", "b", "a"])
    q = draw(3, 8, 24)
    made = CALLS["paged"](q, cache.keys, cache.values, table, lengths, backend="simulated")
    for i, name in enumerate("cba"):
        k, v = (rows[name][j][None] for j in range(2))
        alone = decode_attention(q[i : i + 1], k, v)[0] if k.shape[2] else torch.zeros(8, 20)
        assert (made[i] - alone).abs().max() < TOLERANCE


def test_two_runs_agree_to_the_bit():
    for kind, given in SAMPLES.items():
        first, second = (launched(kind, given, 3) for _ in range(2))
        assert torch.equal(first.output, second.output) and torch.equal(first.lse, second.lse)


# ---- how many splits


def test_splits_fill_the_processors_and_no_more():
    assert splits_of(programs=8, keys=32_768, tile=64, wanted=264) == 33
    assert splits_of(programs=512, keys=32_768, tile=64, wanted=264) == 1
    assert splits_of(programs=1, keys=1_000_000, tile=64, wanted=264) == 64
    assert splits_of(programs=1, keys=130, tile=64, wanted=264) == 3
    assert splits_of(programs=0, keys=0, tile=64, wanted=264) == 1


def test_the_grid_does_not_depend_on_the_lengths():
    """So a CUDA graph that was captured with other lengths stays valid."""
    grids = set()
    for lengths in ([130, 130], [0, 7], [64, 1]):
        with metered() as reports:
            launched("contiguous", contiguous(2, 4, 2, 130, 64, lengths=lengths))
        grids.add(tuple(report.grid for report in reports))
    assert len(grids) == 1 and grids.pop()[0][1] == 3


def test_every_split_of_a_long_sequence_has_its_share():
    with metered() as reports:
        launched("contiguous", contiguous(2, 4, 2, 256, 64, lengths=[256, 64]), 4)
    loads = [program.loaded for program in reports[0].programs]
    long = {loads[4 * split + pair] for split in range(4) for pair in (0, 1)}
    assert len(long) == 1 and min(long) > 2 * 64 * 64 * 4
    assert [loads[4 * split + 2] > 2 * 64 * 64 * 4 for split in range(4)] == [True, False, False, False]
