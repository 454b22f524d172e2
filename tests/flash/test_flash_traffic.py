"""Every byte that a FlashAttention kernel moves is in the formula of its docstring, and no other."""

import pytest
import torch
from flash_cases import FORMS, called, case, draw, seen, tiles
from glassbox.flash import flash_attention
from glassbox.machine import metered

TILE = 16, 32


def ceil(a, b):
    return -(-a // b)


def pad(x):
    return max(16, 1 << (x - 1).bit_length())


class Met:
    """What one sequence of one head meets: for every tile whether it has a visible pair, by brute force."""

    def __init__(self, t, n, rules):
        visible = seen(1, t, n, {name: rule for name, rule in rules.items() if name != "mask"})
        room = torch.zeros(ceil(t, TILE[0]) * TILE[0], ceil(n, TILE[1]) * TILE[1], dtype=torch.bool)
        room[:t, :n] = visible[0, 0]
        self.tiles = room.unflatten(0, (-1, TILE[0])).unflatten(2, (-1, TILE[1])).any(3).any(1).long()
        ends = [torch.full((count,), tile) for count, tile in zip(self.tiles.shape, TILE, strict=True)]
        for each, size, tile in zip(ends, (t, n), TILE, strict=True):
            if size % tile:
                each[-1] = size % tile
        self.rows, self.keys = ends
        self.programs, self.key_programs = self.tiles.shape

    def keys_loaded(self):
        return int((self.tiles @ self.keys).sum())

    def rows_loaded(self):
        return int((self.rows @ self.tiles).sum())

    def pairs(self):
        return int(self.rows @ self.tiles @ self.keys)


def sequences(given):
    """Return what each sequence meets; a batch or a list of packed ones."""
    q, k = given.leaves[:2]
    rules, lengths = dict(given.rules), given.rules.get("lengths")
    prefix = rules.pop("prefix", None)
    pairs = [(q.shape[2], k.shape[2])] * q.shape[0]
    if lengths is not None:
        pairs = list(zip(lengths, rules.get("key_lengths") or lengths, strict=True))
    prefixes = torch.as_tensor(0 if prefix is None else prefix).expand(len(pairs))
    return [Met(*pair, rules | {"prefix": p}) for pair, p in zip(pairs, prefixes.tolist(), strict=True)]


def extras(given, programs):
    """Return the bytes of the prefixes and the lists of packed blocks."""
    return programs * (4 * ("prefix" in given.rules) + 24 * ("lengths" in given.rules))


def forward_bytes(given):
    q, _, v, *sinks = given.leaves
    (b, h, t, d), e, z = q.shape, v.shape[3], q.element_size()
    met = sequences(given)
    keys, programs = sum(one.keys_loaded() for one in met), sum(one.programs for one in met)
    mask = sum(one.pairs() for one in met) * ("mask" in given.rules)
    ends = b * t * (d * z + e * z + 4)
    return h * (ends + keys * (d + e) * z + extras(given, programs) + 4 * programs * len(sinks) + mask)


def delta_bytes(given, dlse=True):
    (b, h, t, _), v = given.leaves[0].shape, given.leaves[2]
    return b * h * t * (2 * v.shape[3] * v.element_size() + 4 + 4 * dlse)


def queries_bytes(given):
    (b, h, t, d), v = given.leaves[0].shape, given.leaves[2]
    e, z, met = v.shape[3], v.element_size(), sequences(given)
    keys, programs = sum(one.keys_loaded() for one in met), sum(one.programs for one in met)
    mask = sum(one.pairs() for one in met) * ("mask" in given.rules)
    ends = b * t * ((d + e) * z + 8 + d * z)
    return h * (ends + keys * (d + e) * z + extras(given, programs) + mask)


def keys_bytes(given, fused):
    (b, h, _, d), (_, g, n, _) = given.leaves[0].shape, given.leaves[1].shape
    e, z, met = given.leaves[2].shape[3], given.leaves[2].element_size(), sequences(given)
    rows, programs = sum(one.rows_loaded() for one in met), sum(one.key_programs for one in met)
    mask = sum(one.pairs() for one in met) * ("mask" in given.rules)
    each = rows * ((d + e) * z + 8 + 8 * d * fused) + mask
    return g * (2 * b * n * (d + e) * z + extras(given, programs)) + h * each


def whole(*values):
    return torch.tensor(values, dtype=torch.int32)


CASES = {
    "full": case(b=2, h=2, t=40, n=70, d=24, e=16),
    "full, bfloat16": case(h=2, t=40, n=70, d=24, e=40, dtype=torch.bfloat16),
    "whole tiles": case(t=32, n=64),
    "grouped": case(b=2, h=4, g=2, t=20, n=40),
    "one query": case(h=4, g=1, t=1, n=70),
    "causal": case(t=70, causal=True),
    "causal, fewer queries": case(t=20, n=70, causal=True),
    "causal, more queries": case(t=70, n=20, causal=True),
    "window": case(t=70, window=9),
    "window, more queries": case(t=70, n=30, window=9),
    "window, causal": case(t=70, causal=True, window=9),
    "window, sinks": case(t=70, causal=True, window=9, sink_tokens=3),
    "window, more sinks than a tile": case(t=70, window=5, sink_tokens=35),
    "window, causal, more sinks than a tile": case(t=70, causal=True, window=5, sink_tokens=35),
    "prefix": case(t=70, causal=True, prefix=40),
    "prefix per sequence": case(b=3, t=70, causal=True, prefix=whole(0, 33, 70)),
    "prefix, window, sinks": case(t=100, causal=True, window=9, prefix=40, sink_tokens=20),
    "learned sinks": case(t=40, causal=True, sinks=True),
    "mask": case(b=2, h=2, g=1, t=40, n=70, mask=draw(1, 2, 40, 70) > 0),
    "mask, causal": case(t=70, causal=True, mask=draw(70, 70) > 9),
    "packed": case(t=60, n=80, h=4, g=2, lengths=(33, 0, 20, 7), key_lengths=(10, 5, 0, 65)),
    "packed, causal": case(t=80, causal=True, lengths=(33, 0, 40, 7)),
    "packed, window, prefix": case(
        t=80, causal=True, window=3, lengths=(33, 47), prefix=whole(0, 40), sinks=True
    ),
}


def reports_of(given, form):
    with tiles(*TILE), metered() as reports:
        called(given, backend="simulated", deterministic=FORMS[form])
    return reports


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_those_of_the_formulas(name):
    given = CASES[name]
    start = [forward_bytes(given), delta_bytes(given)]
    pair = reports_of(given, "deterministic")
    assert [r.bytes_moved for r in pair] == [*start, keys_bytes(given, False), queries_bytes(given)]
    fused = reports_of(given, "fused")
    assert [r.bytes_moved for r in fused] == [*start, keys_bytes(given, True)]


def test_a_formula_that_is_nearly_right_is_refuted():
    """One tile too many, or the keys once for each head instead of each tile: other numbers."""
    given = CASES["window, causal"]
    (report, *_) = reports_of(given, "fused")
    wider = given._replace(rules={"causal": True, "window": 33})
    assert forward_bytes(wider) != forward_bytes(given) == report.bytes_moved
    assert keys_bytes(CASES["grouped"], True) != keys_bytes(case(b=2, h=4, t=20, n=40), True)


def test_the_gradient_of_the_log_sum_exp_is_read_only_if_there_is_one():
    given = CASES["full"]
    q, k, v = (x.clone().requires_grad_() for x in given.leaves)
    with tiles(*TILE), metered() as reports:
        output = flash_attention(q, k, v, backend="simulated")
        output.backward(torch.ones_like(output))
    assert reports[1].bytes_moved == delta_bytes(given, dlse=False)


def test_queries_and_outputs_move_once():
    given = CASES["causal"]
    q, k, _ = given.leaves
    report = reports_of(given, "fused")[0]
    moved = {name: (each.loaded, each.stored) for name, each in report.arguments.items()}
    assert moved["q_ptr"] == (q.numel() * 4, 0) and moved["o_ptr"] == (0, q.numel() * 4)
    assert moved["lse_ptr"] == (0, q.numel() // q.shape[3] * 4)
    assert moved["k_ptr"][0] > k.numel() * 4


@pytest.mark.parametrize("form", FORMS)
def test_alibi_reads_one_slope_for_each_tile(form):
    plain, biased = (case(h=4, g=2, t=40, causal=True, score=score) for score in (None, "alibi"))
    (met,), slope = sequences(plain), 4
    pairs = zip(reports_of(plain, form), reports_of(biased, form), strict=True)
    more = [other.bytes_moved - one.bytes_moved for one, other in pairs]
    assert [more[0], *more[2:]] == [slope * 4 * int(met.tiles.sum())] * (len(more) - 1) and more[1] == 0


# ---- what is skipped


def test_tiles_without_a_visible_pair_are_never_loaded():
    for name in ("causal", "window", "window, causal", "window, sinks", "prefix, window, sinks"):
        given = CASES[name]
        (met,) = sequences(given)
        report = reports_of(given, "fused")[0]
        assert 0 < int(met.tiles.sum()) < met.tiles.numel()
        last = met.programs - 1
        for event in report.events:
            if event.argument in ("k_ptr", "v_ptr"):
                (first, end), query_block = event.tile[2], last - event.program[0]
                assert met.tiles[query_block, first // TILE[1]] and first % TILE[1] == 0 and end - first <= 32


def test_the_last_queries_come_first():
    report = reports_of(CASES["causal"], "fused")[0]
    (first,) = [e for e in report.events if e.argument == "q_ptr" and e.program == (0, 0, 0)]
    assert first.tile[2] == (64, 70)


def test_keys_that_no_query_sees_may_be_anything():
    q, k, v = case(t=20, n=100).leaves
    rules = {"causal": True, "window": 9, "backend": "simulated"}
    with tiles(*TILE):
        clean = flash_attention(q, k, v, **rules)
        k[:, :, :64], v[:, :, :64] = torch.nan, torch.inf
        assert torch.equal(flash_attention(q, k, v, **rules), clean)


# ---- operations


@pytest.mark.parametrize("name", ["full", "grouped", "causal", "window, sinks", "packed"])
def test_the_matrix_products_are_those_of_the_docstrings(name):
    given = CASES[name]
    (_, h, _, d), e = given.leaves[0].shape, given.leaves[2].shape[3]
    met = sequences(given)
    tile = 2 * TILE[0] * TILE[1] * h * sum(int(one.tiles.sum()) for one in met)
    wide_d, wide_e = pad(d), pad(e)
    made = [report.flops.matrix for report in reports_of(given, "deterministic")]
    assert made == [tile * (wide_d + wide_e), 0, tile * 2 * (wide_d + wide_e), tile * (2 * wide_d + wide_e)]
    assert reports_of(given, "fused")[2].flops.matrix == tile * (3 * wide_d + 2 * wide_e)


def test_the_fused_form_spares_two_products_of_seven():
    given = case(t=64)
    work = {form: sum(r.flops.matrix for r in reports_of(given, form)[1:]) for form in FORMS}
    assert work["deterministic"] / work["fused"] == 7 / 5


def test_beyond_128_features_there_is_no_fused_form():
    assert [len(reports_of(case(t=20, d=d), "fused")) for d in (128, 144)] == [3, 4]
