"""Every byte that a decode kernel moves is in the formula of its docstring, and no other."""

import pytest
import torch
from decode_cases import contiguous, latent, launched, paged
from glassbox.attention.experiments import traffic
from glassbox.machine import configs, metered


def ceil(a, b):
    return -(-a // b)


def metered_bytes(kind, given, splits):
    with metered() as reports:
        launched(kind, given, splits)
    return [report.bytes_moved for report in reports]


def tiles_of(table, dtype, size, group):
    rows = max(16, 1 << (group - 1).bit_length())
    return ceil(group, min(configs.choose(table, dtype, size)["HEADS"], rows))


def ends(b, h, d, e, z, tiles, splits, lengths):
    """Return the bytes beside the cache of the first launch, and the bytes of the merge."""
    out = z if splits == 1 else 4
    first = splits * b * (h * (d * z + e * out + 4) + 4 * tiles * lengths)
    return first, [b * h * (splits * (4 * e + 4) + e * z + 4)] if splits > 1 else []


@pytest.mark.parametrize("splits", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "b, h, g, n, d, e, lengths",
    [(2, 4, 2, 70, 24, 40, None), (1, 20, 1, 70, 32, 32, None), (3, 2, 1, 70, 32, 32, [0, 70, 9])],
)
def test_the_bytes_of_a_contiguous_cache(b, h, g, n, d, e, lengths, dtype, splits):
    z, tokens = dtype.itemsize, b * n if lengths is None else sum(lengths)
    tiles = tiles_of("decode_attention", dtype, max(d, e), h // g)
    first, merge = ends(b, h, d, e, z, tiles * g, splits, lengths is not None)
    wanted = [tiles * g * tokens * (d + e) * z + first, *merge]
    assert metered_bytes("contiguous", contiguous(b, h, g, n, d, e, lengths, dtype), splits) == wanted


@pytest.mark.parametrize("splits", [1, 3])
@pytest.mark.parametrize("size", [16, 64])
def test_the_bytes_of_a_paged_cache(size, splits):
    lengths, (h, g, d, e) = [40, 0, 129], (4, 2, 24, 40)
    first, merge = ends(3, h, d, e, 4, g, splits, True)
    wanted = [g * sum(lengths) * ((d + e) * 4 + 4) + first, *merge]
    assert metered_bytes("paged", paged(h, g, size, d, e, lengths), splits) == wanted


@pytest.mark.parametrize("splits", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("h", [3, 20])
def test_the_bytes_of_a_latent_cache(h, dtype, splits):
    z, (r, p), lengths = dtype.itemsize, (40, 8), [33, 0]
    tiles = tiles_of("latent_decode_attention", dtype, h, h)
    first, merge = ends(2, h, r, r, z, tiles, splits, True)
    wanted = [tiles * sum(lengths) * (r + p) * z + first + splits * 2 * h * p * z, *merge]
    assert metered_bytes("latent", latent(2, h, 40, r, p, lengths, dtype), splits) == wanted


def test_the_flops_of_the_matrix_products_are_those_of_the_docstrings():
    with metered() as reports:
        launched("contiguous", contiguous(1, 4, 1, 128, 64), 1)
        launched("latent", latent(1, 16, 64, 128, 16), 1)
    assert reports[0].flops.matrix == 2 * 16 * (64 + 64) * 128
    assert reports[1].flops.matrix == 2 * 16 * (2 * 128 + 16) * 64


# ---- the notebook's rows


def test_packing_reads_each_key_once_whatever_the_group():
    rows = {(row["groups"], row["form"]): row for row in traffic.packed_heads(8, (8, 2, 1), 96, 32)}
    for (groups, form), row in rows.items():
        assert row["least"] == groups * 96 * 64 * 2
        assert row["cache"] == (groups if form == "packed" else 8) * 96 * 64 * 2
    assert rows[1, "one by one"]["cache"] == 8 * rows[1, "packed"]["cache"]


def test_both_forms_compute_the_same():
    given = contiguous(2, 4, 2, 40, 32)[:3]
    split_up = traffic._one_by_one(*given)
    assert split_up[1].data_ptr() == given[1].data_ptr()
    packed, alone = (launched("contiguous", (*each, None), 1) for each in (given, split_up))
    assert torch.equal(packed.output.flatten(0, 1), alone.output.flatten(0, 1))


def test_splitting_costs_the_partial_outputs_alone():
    rows = traffic.split_keys((1, 2, 4), heads=4, groups=2, keys=256, size=32)
    assert {row["cache"] for row in rows} == {2 * 256 * 64 * 2}
    assert [row["partial"] for row in rows] == [0, *(2 * s * 4 * (4 * 32 + 4) for s in (2, 4))]
    assert [row["programs"] for row in rows] == [2, 4, 8]


def test_a_latent_is_read_once_or_twice_or_expanded():
    once, twice, expanded = traffic.latent_once(heads=8, keys=40, latent=64, rotary=16, size=32)
    assert once["cache"] == 40 * (64 + 16) * 2
    assert twice["cache"] == 40 * (2 * 64 + 16) * 2
    assert expanded["cache"] == 40 * 8 * (32 + 16 + 32) * 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: traffic.packed_heads(heads=8, groups=(3,)),
        lambda: traffic.split_keys(keys=0),
        lambda: traffic.latent_once(latent=-1),
    ],
)
def test_impossible_sizes_are_refused(call):
    with pytest.raises(ValueError, match=r"groups|keys|latent"):
        call()
