"""The law of traffic: closed formulas equal what the kernels move, and the powers that are fitted to them."""

import pytest
from glassbox.attention.masks import causal
from glassbox.flash import counting, experiments
from glassbox.flash.experiments import law, metering
from glassbox.machine import GPUS
from glassbox.machine.roofline import predict

ROWS = experiments.traffic_law()


# Metered.


def test_every_metered_byte_is_in_the_formula_and_no_other():
    rows = experiments.metered_traffic((64, 128), (16,), (16_384, 65_536))
    assert len(rows) == 15 and [row["metered"] for row in rows] == [row["bytes"] for row in rows]
    blocks = {(row["form"], row["chip_bytes"]): row["query_block"] for row in rows if row["varies"] != "d"}
    assert blocks["tiled", 16_384] == 32 and blocks["tiled", 65_536] == 128


@pytest.mark.parametrize("item", [4, 2])
@pytest.mark.parametrize("t, n, d, query_block, key_block", [(70, 70, 24, 16, 32), (40, 70, 16, 32, 16)])
def test_the_formulas_hold_where_nothing_divides(t, n, d, query_block, key_block, item):
    sizes = (t, n, d, d, query_block)
    forms = {
        "naive": experiments.step_by_step_bytes(*sizes, key_block, item),
        "tiled": [counting.queries_outside_bytes(*sizes, item)],
        "causal": [experiments.causal_bytes(*sizes, key_block, item)],
    }
    for form, formula in forms.items():
        reports = experiments.launches(form, n, d, query_block, key_block, queries=t, item=item)
        assert [report.bytes_moved for report in reports] == formula


def test_one_block_each_makes_the_naive_form_read_its_inputs_once():
    steps = experiments.step_by_step_bytes(40, 70, 24, 16, 64, 128)
    assert sum(steps) == counting.naive_bytes(40, 70, 24, 16)
    apart = experiments.step_by_step_bytes(40, 70, 24, 16, 64, 128, apart=True)
    assert [*apart[:1], *apart[2:]] == steps and apart[1] == 2 * 4 * 40 * 70


def test_skipping_reads_the_keys_of_visible_tiles():
    for t, n, rows, columns in ((8, 8, 2, 2), (7, 9, 3, 4), (9, 5, 2, 2), (4, 12, 4, 3)):
        visible = counting.visible_tiles(t, n, rows, columns, causal())
        last = n % columns or columns
        short = sum(1 for first in range(0, t, rows) if min(first + rows, t) + n - t > n - last)
        assert experiments.keys_met(t, n, rows, columns) == visible * columns - short * (columns - last)


def test_the_steps_of_attention_and_all_in_one():
    rows = experiments.step_bytes(128, 32, 64)
    steps, (whole,) = rows[:4], rows[4:]
    assert [row["step"] for row in steps] == list(metering.STEPS) and whole["step"] == "all in one"
    formula = experiments.step_by_step_bytes(128, 128, 32, 32, 64, 64, 2, apart=True)
    assert [row["bytes"] for row in steps] == formula
    assert all(row["bytes"] == row["read"] + row["written"] for row in rows)
    assert sum(row["matrix"] for row in steps) == whole["matrix"] == 4 * 128 * 128 * 32
    between = [row["intensity"] for row in steps if row["step"] in ("scale + mask", "softmax")]
    assert max(between) < 1.3 < 10 < min(steps[0]["intensity"], steps[3]["intensity"])


def test_forward_the_other_operations_are_about_as_many_fewer_with_wide_tiles_and_more_with_narrow_ones():
    naive, wide, narrow = (
        sum(report.flops.total for report in experiments.launches(form, 128, 32, 64, keys))
        for form, keys in (("naive", 64), ("tiled", 64), ("tiled", 16))
    )
    assert 0.98 * naive < wide < naive < narrow < 1.05 * naive


@pytest.mark.parametrize(
    "formula, wrong",
    [
        ("step_by_step_bytes", lambda t, n, d, e, *rest: [counting.naive_bytes(t, n, d, e)]),
        ("queries_outside_bytes", lambda t, n, d, e, block, item: item * 2 * (t * d + n * e) + 4 * t),
        ("causal_bytes", lambda t, n, d, e, r, c, item: counting.queries_outside_bytes(t, n, d, e, r, item)),
    ],
)
def test_a_formula_that_forgets_repeats_or_skipping_is_seen(formula, wrong, monkeypatch):
    monkeypatch.setattr(law, formula, wrong)
    with pytest.raises(AssertionError):
        test_every_metered_byte_is_in_the_formula_and_no_other()


# The law.


def test_the_fitted_powers():
    power = experiments.exponents(ROWS)
    assert power["naive", "n"] == pytest.approx(2, abs=0.01)
    assert power["tiled", "n"] == pytest.approx(2, abs=0.06)
    assert power["tiled", "d"] == pytest.approx(2, abs=0.03)
    assert power["tiled", "chip_bytes"] == pytest.approx(-1, abs=0.12)
    assert power["naive", "d"] < 0.7 and power["naive", "chip_bytes"] > -0.3
    assert power["causal", "n"] < power["tiled", "n"] and len(power) == 9


def test_twice_the_chip_is_about_half_the_traffic_and_causal_about_half_again():
    at = {(row["form"], row["chip_bytes"]): row["bytes"] for row in ROWS if row["varies"] == "chip_bytes"}
    assert 0.45 < at["tiled", 262_144] / at["tiled", 131_072] < 0.52
    assert 0.5 < at["causal", 131_072] / at["tiled", 131_072] < 0.56
    assert at["naive", 262_144] / at["naive", 131_072] > 0.9


def test_with_every_load_counted_small_query_blocks_do_not_pay():
    rows = {row["d"]: row for row in experiments.break_even()}
    assert {d: row["query_block"] for d, row in rows.items()} == {32: 16, 64: 32, 128: 64, 256: 128}
    assert [round(row["ratio_at_128"], 1) for row in rows.values()] == [7.9, 4.0, 2.0, 1.0]


# Blocks.


@pytest.mark.parametrize("item", [2, 4])
@pytest.mark.parametrize("chip_bytes, d", [(65_536, 64), (131_072, 128), (232_448, 96)])
def test_the_largest_block_fits_and_one_more_query_does_not(chip_bytes, d, item):
    block = experiments.largest_query_block(chip_bytes, d, item=item)
    held = [sum(experiments.held_bytes(size, 16, d, item=item).values()) for size in (block, block + 1)]
    assert held[0] <= chip_bytes < held[1]
    two = experiments.largest_query_block(chip_bytes, d, item=item, power_of_two=True)
    assert two <= block < 2 * two and two & (two - 1) == 0
    side = experiments.square_block(chip_bytes, d, item)
    assert [2 * d * size * item + 4 * size**2 <= chip_bytes for size in (side, side + 1)] == [True, False]


def test_what_a_tile_holds_counts_the_scores():
    held = experiments.held_bytes(64, 32, 16, 8, item=2)
    assert held == {"q": 2048, "k": 1024, "v": 512, "o": 2048, "scores": 8192, "m and l": 512}


def test_the_published_shapes_fit_by_the_cap_or_not_at_all():
    rows = {(row["chip_bytes"], row["d"], row["choice"]): row for row in experiments.block_shapes()}
    capped, free = rows[196_608, 64, "keys outside"], rows[196_608, 64, "keys outside, no cap"]
    assert (capped["query_block"], capped["key_block"], free["query_block"]) == (64, 192, 192)
    assert capped["fits"] and not free["fits"] and capped["scores"] == 196_608 // 4
    assert capped["bytes"] == free["bytes"]  # with keys outside the query block moves nothing
    wide = rows[196_608, 128, "keys outside"]
    assert wide["query_block"] == wide["key_block"] == 96 and 1.15 < wide["held"] / 196_608 < 1.25
    for (chip_bytes, d, choice), row in rows.items():
        assert row["held"] == sum(row[part] for part in ("q", "k", "v", "o", "scores", "m and l"))
        assert row["fits"] == (row["held"] <= chip_bytes) and (choice != "queries outside" or row["fits"])
        assert row["bytes"] >= rows[chip_bytes, d, "queries outside"]["bytes"]


def test_one_block_decides_and_the_other_is_free():
    def bytes_of(order, grows):
        rows = experiments.block_sweep()
        return [row["bytes"] for row in rows if (row["order"], row["grows"]) == (order, grows)]

    for order, decides, free in (
        ("queries outside", "query block", "key block"),
        ("keys outside", "key block", "query block"),
    ):
        falling = bytes_of(order, decides)
        assert falling == sorted(falling, reverse=True) and falling[0] > 200 * falling[-1]
        assert falling[-1] == falling[-2]  # a block beyond n saves nothing more
        assert len(set(bytes_of(order, free))) == 1


# Decoding, and the roofline.


def test_one_query_saves_almost_nothing_and_a_block_of_queries_most():
    ratio = {row["queries"]: row["ratio"] for row in experiments.decode_saving()}
    assert 1 < ratio[1] < 1.02 and max(ratio, key=ratio.get) == 128
    assert 1.9 < ratio[4096] < 2.1 < 2.9 < ratio[128]
    for form in ("naive", "tiled"):
        reports = experiments.launches(form, 96, 32, 128, 128, queries=1, item=2)
        (row,) = experiments.decode_saving(96, 32, [1])
        assert row[form] == sum(report.bytes_moved for report in reports)


@pytest.mark.parametrize("form", law.FORMS)
def test_the_work_under_the_roofline_is_that_of_the_kernels(form):
    reports = experiments.launches(form, 128, 32, 32, 32, item=2)
    for count, name in (("moved", "bytes_moved"), ("least", "bytes_compulsory")):
        steps = experiments.work_of(form, count, 128, 32, 32, 2)
        assert [step["bytes"] for step in steps] == [getattr(report, name) for report in reports]
        for step, report in zip(steps, reports, strict=True):
            assert (step["matrix"], step["special"]) == (report.flops.matrix, report.flops.special)
            assert step["elementwise"] == pytest.approx(report.flops.elementwise, rel=2e-3)


def test_the_points_have_the_floors_of_their_launches():
    rows = {(row["form"], row["count"]): row for row in experiments.roofline_points(128, 32, 32)}
    for (form, count), row in rows.items():
        kind = "compulsory" if count == "least" else "moved"
        reports = experiments.launches(form, 128, 32, 32, 32, item=2)
        assert row["floors"]["H200"] == pytest.approx(predict(reports, "H200", bytes=kind).seconds, rel=1e-2)
    assert set(rows) == {(form, count) for form in law.FORMS for count in ("least", "moved")}


def test_naive_attention_waits_for_memory_and_tiled_does_if_no_cache_serves_its_repeats():
    rows = {row["name"]: row for row in experiments.roofline_points(gpus=("A100", "H200"))}
    ridge = GPUS["H200"].peak("bf16") / GPUS["H200"].memory_bytes_per_second
    assert rows["naive, least"]["intensity"] < 64 < rows["tiled, moved"]["intensity"] < 128 < ridge
    assert rows["tiled, least"]["intensity"] > 4000
    assert rows["tiled, least"]["binds"]["H200"] == "matrix" != rows["tiled, moved"]["binds"]["H200"]
    times = {name: row["floors"]["H200"] for name, row in rows.items()}
    assert 3 < times["naive, least"] / times["tiled, least"] < 3.6
    assert 1.9 < times["naive, least"] / times["tiled, moved"] < 2.1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: experiments.form_row("other", 64, 32, 65_536), "form"),
        (lambda: experiments.largest_query_block(1024, 64), "chip_bytes"),
        (lambda: experiments.square_block(64, 64), "chip_bytes"),
        (lambda: experiments.ordered_bytes("other", 8, 8, 8, 8), "order"),
        (lambda: experiments.block_shapes(65_536, 64, choices=["other"]), "choice"),
        (lambda: experiments.held_bytes(0, 1, 1), "query_block"),
        (lambda: experiments.step_by_step_bytes(1, 1, 1, 1, 1, 0), "key_block"),
        (lambda: experiments.launches("tiled", 32, 16, 16, 16, item=3), "item"),
        (lambda: experiments.roofline_points(100), "n"),
        (lambda: experiments.work_of("naive", "most", 128, 32), "form, count"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=f"{said}: expected"):
        call()
