"""The roofline figure: its numbers are those of the prediction, and its labels lie on nothing."""

import math
import re
from itertools import combinations

import pytest
import torch
from glassbox import draw
from glassbox.draw.labels import LETTER, LINE, Box, Sheet
from glassbox.draw.roofs import SIZE
from glassbox.draw.still import ADVICE, browser
from glassbox.machine import GPUS, launch, tl, triton
from glassbox.machine.roofline import floor

ALL = ("T4", "L4", "A100", "RTX 4090", "H100", "H200", "B200")
POINTS = [
    {"name": "RMSNorm", "bytes": 2 * 16384 * 4096 * 2, "elementwise": 4 * 16384 * 4096, "special": 16384},
    {"name": "RMSNorm, unfused", "bytes": 9 * 16384 * 4096 * 2, "elementwise": 4 * 16384 * 4096},
    {"name": "decode attention", "intensity": 8},
    {"name": "softmax", "bytes": 2 * 8192 * 4096 * 2, "elementwise": 4 * 8192 * 4096, "special": 8192 * 4096},
    {"name": "exp in registers", "bytes": 1e6, "elementwise": 1e9, "special": 1e9},
    {"name": "flash attention", "bytes": 1e8, "matrix": 4e11, "elementwise": 1e10, "special": 1e9},
    {"name": "matmul 4096", "bytes": 3 * 2 * 4096**2, "matrix": 2 * 4096**3},
]
SECONDS = {"RMSNorm": 66e-6, "matmul 4096": 175e-6}
TIMED = [
    {**row, "seconds": SECONDS[row["name"]], "gpu": "H200"} if row["name"] in SECONDS else row
    for row in POINTS
]


@pytest.fixture(scope="module")
def shown():
    return draw.roofline(TIMED, ALL, start="H200", title="Seven kernels")


def trace(shown, name):
    return next(each for each in shown.plot.data if each.name == name)


def marks(shown) -> dict:
    drawn = trace(shown, "at most, by the work counted")
    return {row["name"]: point for row, *point in zip(POINTS, drawn.x, drawn.y, strict=True)}


def texts(shown) -> list[str]:
    return [text for each in shown.plot.data if each.mode == "text" for text in each.text]


# ---- the numbers


def test_the_roof_of_an_a100_by_hand(shown):
    roof = trace(shown.at("A100"), "the roof of this GPU")
    slope, ridge, end = zip(roof.x, roof.y, strict=True)
    assert ridge == (153, 312) and end[1] == 312
    assert slope[1] / slope[0] == pytest.approx(2.039)
    dashed = trace(shown.at("A100"), "without matrix units")
    assert dashed.y == (19.5, 19.5) and dashed.x[0] == pytest.approx(19.5 / 2.039, rel=1e-3)


@pytest.mark.parametrize("gpu", ALL)
def test_points_stand_at_what_the_floor_allows(shown, gpu):
    dtype = "fp16" if gpu == "T4" else "bf16"
    at = marks(shown.at(gpu))
    for row in POINTS:
        if "intensity" not in row:
            amounts = {key: value for key, value in row.items() if key != "name"}
            found = floor(**amounts, gpu=gpu, dtype=dtype)
            assert at[row["name"]] == pytest.approx([found.intensity, found.flop_per_second / 1e12], rel=1e-3)
    bandwidth, peak = GPUS[gpu].memory_bytes_per_second / 1e12, GPUS[gpu].peaks[dtype] / 1e12
    assert at["decode attention"] == pytest.approx([8, 8 * bandwidth], rel=1e-3)
    assert all(y <= min(x * bandwidth, peak) * 1.001 for x, y in at.values())
    assert at["exp in registers"][1] < peak / 5  # under the roof: another unit decides


def test_the_check_of_the_roof_sees_a_point_above_it(shown):
    at = marks(shown.at("A100"))["matmul 4096"]
    assert not at[1] <= GPUS["T4"].peaks["fp16"] / 1e12 * 1.001


def test_a_measurement_is_drawn_on_its_own_gpu_only(shown):
    timed = trace(shown, "measured (share of that)")
    assert timed.y == pytest.approx((4 * 16384 * 4096 / 66e-6 / 1e12, 2 * 4096**3 / 175e-6 / 1e12), rel=1e-3)
    assert {"RMSNorm (85%)", "matmul 4096 (79%)"} <= set(texts(shown))
    assert not trace(shown.at("A100"), "measured (share of that)").y
    assert not any("%" in text for text in texts(shown.at("A100")))


@triton.jit
def _double(x_ptr, y_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at) * 2)


def test_a_metered_launch_is_placed():
    report = launch(_double, 1, torch.ones(64), torch.empty(64), BLOCK=64)
    shown = draw.roofline([{"name": "double", "report": report}], ["L4"])
    assert trace(shown, "at most, by the work counted").x == (0.125,)
    assert shown.states == () and shown.task == ""
    assert "double (0.125 FLOP per byte, at most 37.5 GFLOP/s)" in shown.says


def test_the_finding_names_every_point_and_its_wall():
    says = draw.roofline(TIMED).says
    start = (
        "On the H200 memory (4.8 TB/s) and the matrix units (989 TFLOP/s, bf16) meet at 206 FLOP per byte."
    )
    assert says.startswith(start)
    _, memory, matrix, special = re.split(" decides?: ", says)
    assert "RMSNorm (1 FLOP per byte, at most 4.8 TFLOP/s, measured 85% of it)" in memory
    assert "softmax" in memory and "matmul 4096 (1,370" in matrix and "exp in registers" in special


def test_a_gpu_without_bf16_is_drawn_with_fp16(shown):
    assert "65 TFLOP/s fp16" in texts(shown.at("T4"))
    assert "989 TFLOP/s bf16" in texts(shown)


def test_without_tensor_cores_there_is_one_roof():
    shown = draw.roofline(POINTS, dtype="fp32")
    assert trace(shown, "the roof of this GPU").y[-1] == 66.9
    assert not trace(shown, "without matrix units").x and texts(shown).count("66.9 TFLOP/s fp32") == 1


# ---- the labels


@pytest.mark.parametrize("gpu", ALL)
def test_every_state_says_what_is_what(shown, gpu):
    found = texts(shown.at(gpu))
    assert {"memory-bound", "compute-bound"} <= set(found)
    assert any(text.startswith("ridge at ") for text in found)
    for row in POINTS:
        assert any(text.startswith(row["name"]) for text in found), row["name"]


def boxes(plot) -> list[tuple[str, Box]]:
    """Return where the labels lie, at the narrowest size that they are made for."""
    layout = plot.layout
    sheet = Sheet(layout.xaxis.range, layout.yaxis.range, SIZE)
    found = []
    for each in plot.data:
        if each.mode == "text":
            for x, y, text, place in zip(each.x, each.y, each.text, each.textposition, strict=True):
                across, up = sheet.spot(x, y)
                width = LETTER * len(text)
                left = across - {"right": 0, "left": width, "center": width / 2}[place.split()[1]]
                found.append((text, Box(left, up - LINE / 2, left + width, up + LINE / 2)))
    return found


def overlaps(plot) -> list[tuple[str, str]]:
    """Return the labels that share more than a pixel."""
    inner = [(text, Box(b.left + 1, b.low + 1, b.right - 1, b.high - 1)) for text, b in boxes(plot)]
    return [(one, other) for (one, a), (other, b) in combinations(inner, 2) if a.meets(b)]


@pytest.mark.parametrize("gpu", ALL)
def test_no_label_lies_on_another(shown, gpu):
    assert overlaps(shown.at(gpu).plot) == []


def test_an_overlap_of_labels_is_seen(shown):
    plot = shown.at("H200").plot
    names = next(each for each in plot.data if each.mode == "text")
    names.x, names.y = (names.x[1], *names.x[1:]), (names.y[1], *names.y[1:])
    assert overlaps(plot)


@pytest.fixture
def sheet():
    return Sheet((0, 3), (0, 3), (300, 300))


def test_a_label_stands_beside_its_point(sheet):
    label = sheet.put("name", 10, 10)
    assert (label.side, label.lead) == ("right", None) and label.y == pytest.approx(10)
    assert sheet.spot(label.x, label.y)[0] == pytest.approx(109)
    assert sheet.put("name", 10, 10).side == "left"


def test_a_label_leaves_a_line_and_then_leads_to_its_point(sheet):
    for power in range(8, 13):
        sheet.take_line([(1, 10 ** (power / 10)), (1000, 10 ** (power / 10))])
    assert sheet.put("name", 10, 10).lead == (10, 10)


def test_a_faint_line_is_crossed_before_a_label_goes_far(sheet):
    for power in range(8, 13):
        sheet.take_line([(1, 10 ** (power / 10)), (1000, 10 ** (power / 10))], faint=True)
    assert sheet.put("spare", 10, 10, spare=True) is None
    assert sheet.put("name", 10, 10).lead is None


def test_a_label_stays_inside_and_off_other_markers(sheet):
    sheet.take_point(10, 10)
    sheet.take_point(14, 10)
    assert sheet.put("name", 10, 10).side == "left"
    assert sheet.put("at the edge", 990, 100).side == "left"
    assert sheet.put("x" * 60, 10, 100) is None


needs_browser = pytest.mark.skipif(browser() is None, reason=ADVICE)


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("gpu, width", [("H200", 700), ("H200", 1000), ("L4", 820)])
def test_no_words_overlap_in_a_browser(shown, gpu, width):
    live = pytest.importorskip("test_draw_live")
    parts = {"label": ".textpoint", "legend": ".legend", "x title": ".xtitle", "slider": ".slider-container"}
    with live.playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser(), args=live.FLAGS)
        page = chromium.new_page(viewport={"width": 1100, "height": 900})
        page.set_content('<body style="margin:0"><div id="plot"></div></body>')
        page.add_script_tag(path=live.PLOTLY_JS)
        live.draw(page, shown.at(gpu), width)
        found = page.evaluate(live.BOXES, parts)
        chromium.close()
    assert len([box for box in found if box[0] == "label"]) == len(texts(shown.at(gpu)))
    assert live.overlaps(found) == []


# ---- the contract and what is refused


def test_the_figure_is_small_and_the_same_twice(shown):
    again = draw.roofline(TIMED, ALL, start="H200", title="Seven kernels")
    assert again.plot.to_json() == shown.plot.to_json() and len(shown.plot.to_json()) < 60_000
    assert shown.states == ALL and len(shown.plot.layout.sliders) == 1


def test_the_last_gpu_is_shown_first_and_axes_hold_every_state():
    shown = draw.roofline(POINTS, ("T4", "A100"))
    assert shown.plot.layout.sliders[0].active == 1
    low, high = shown.plot.layout.yaxis.range
    for gpu in ("T4", "A100"):
        for x, y in marks(shown.at(gpu)).values():
            assert low < math.log10(y) < high and shown.plot.layout.xaxis.range[0] < math.log10(x)


def row(**changed):
    return [{"name": "work", "bytes": 1e6, "matrix": 1e6, **changed}]


@pytest.mark.parametrize(
    "points, options, message",
    [
        ([{"bytes": 1}], {}, "name: expected a column of the rows"),
        ([{"name": "work"}], {}, "points: expected rows with 'report', 'intensity' or some of 'bytes'"),
        (row(matrix=0), {}, "points: expected work that moves bytes and computes"),
        (row(bytes=0), {}, "points: expected work that moves bytes and computes"),
        (row(seconds=1.0), {}, "points: expected with 'seconds' also 'gpu'"),
        (row(seconds=0.0, gpu="H200"), {}, "seconds: expected a finite number > 0"),
        (row(seconds=1.0, gpu="H800"), {}, "gpu: expected one of 'T4'"),
        (row(), {"gpus": ()}, "gpus: expected at least one GPU"),
        (row(), {"gpus": ("H800",)}, "gpu: expected one of 'T4'"),
        (row(), {"start": "B200"}, "start: expected one of 'T4', 'A100', 'H200'; came 'B200'"),
        (row(), {"dtype": "fp8"}, "dtype: expected one that T4 has"),
        (row(), {"bytes": "all"}, "bytes: expected one of 'compulsory', 'moved'"),
    ],
)
def test_bad_points_are_refused(points, options, message):
    with pytest.raises(ValueError, match=message):
        draw.roofline(points, **options)
