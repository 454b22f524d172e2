"""The roofline by hand: the table, the four walls, and the mistakes that people make with it."""

import dataclasses
import json
import math
from types import MappingProxyType

import kernels_under_test as kernels
import pytest
import torch
import yaml
from glassbox import machine, paths
from glassbox.machine import GPUS, gpus, predict
from glassbox.machine.gpus import Measured, plain, quantity
from glassbox.machine.roofline import WALLS, Prediction, Walls, Work, floor

NAMES = ("T4", "L4", "A100", "RTX 4090", "H100", "H200", "B200")
NUMBERS = ("memory", "bandwidth", "l2", "shared_memory_per_block", "boost_clock")
COUNTS = ("sms", "special_per_sm_and_clock", "compute_capability")
# What one SM does per clock: fp32 lanes x 2, and fp16 FLOP of its tensor cores, accumulated in fp32.
PER_CLOCK = {
    "T4": (128, 1024),
    "L4": (256, 1024),
    "A100": (128, 2048),
    "RTX 4090": (256, 512),
    "H100": (256, 4096),
    "H200": (256, 4096),
    "B200": (256, 8192),
}
RMS_NORM = 2 * 16384 * 4096 * 2  # bytes: one bf16 matrix read, one written


def measured(name: str, copy: float | None = 4.3e12, **matmul: float) -> gpus.Gpu:
    """Return a GPU with ceilings that somebody might have recorded."""
    return dataclasses.replace(GPUS[name], measured=Measured(copy, MappingProxyType(matmul), ("fake.json",)))


UNMEASURED = dataclasses.replace(GPUS["L4"], measured=None)
COPIED = measured("H200")


# ---- the table


def test_the_table_has_the_seven_gpus():
    assert tuple(GPUS) == NAMES and machine.GPUS is GPUS


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source_and_was_checked(name):
    gpu = GPUS[name]
    assert set(gpu.facts) == {*NUMBERS, *COUNTS, *gpu.peaks}
    for fact in gpu.facts.values():
        assert fact.value > 0 and fact.printed and fact.source.title and fact.seen
        assert all(source.url.startswith("https://") for source in (fact.source, *fact.seen))


def complaints(gpu: gpus.Gpu) -> list[str]:
    """Return what does not fit the architecture: rates are SMs x lanes x clock, and each halving doubles."""
    lanes, tensor = PER_CLOCK[gpu.name]
    clock = gpu.sms * gpu.boost_clock_hz
    halved = {"tf32": 2, "bf16": 1, "fp8": 0.5, "int8": 0.25 if gpu.name == "RTX 4090" else 0.5}
    expected = {"fp32": (clock * lanes, 0.01), "fp16": (clock * tensor, 0.1)}
    expected |= {dtype: (gpu.peaks["fp16"] / scale, 0.01) for dtype, scale in halved.items()}
    wrong = [
        dtype
        for dtype, rate in gpu.peaks.items()
        if not math.isclose(rate, expected[dtype][0], rel_tol=expected[dtype][1])
    ]
    return wrong + (["ridge"] if not 100 < gpu.peaks["fp16"] / gpu.memory_bytes_per_second < 420 else [])


@pytest.mark.parametrize("name", NAMES)
def test_the_peaks_follow_from_the_architecture(name):
    assert complaints(GPUS[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_sparse_peaks_are_seen(name):
    gpu = GPUS[name]
    sparse = {dtype: rate * (1 if dtype == "fp32" else 2) for dtype, rate in gpu.peaks.items()}
    assert "fp16" in complaints(dataclasses.replace(gpu, peaks=sparse))
    one = dict(gpu.peaks) | {"int8": 2 * gpu.peaks["int8"]}
    assert complaints(dataclasses.replace(gpu, peaks=one)) == ["int8"]


@pytest.mark.parametrize("scale", [8, 1 / 8, 1000])
def test_bits_for_bytes_and_a_wrong_prefix_are_seen(scale):
    for gpu in GPUS.values():
        wrong = dataclasses.replace(gpu, memory_bytes_per_second=gpu.memory_bytes_per_second * scale)
        assert "ridge" in complaints(wrong)


def test_types_that_a_gpu_lacks_are_not_listed():
    assert set(GPUS["T4"].peaks) == {"fp32", "fp16", "int8"}
    assert "fp8" not in GPUS["A100"].peaks
    assert GPUS["RTX 4090"].peaks["fp16"] == 165.2e12  # accumulated in fp32


def test_units_are_what_they_say():
    h200 = GPUS["H200"]
    assert (h200.memory_bytes, h200.memory_bytes_per_second) == (141e9, 4.8e12)
    assert (h200.l2_bytes, h200.shared_memory_per_block_bytes) == (60 * 2**20, 232_448)
    assert h200.special_per_second == 132 * 16 * 1.98e9
    assert h200.compute_capability == "9.0" and GPUS["B200"].compute_capability == "10.0"
    assert repr(h200) == "Gpu(NVIDIA H200 (SXM): 4.8 TB/s, 989 TFLOP/s bf16, 132 SMs)"


@pytest.fixture
def table(tmp_path):
    """Return a function that reads the table after a change to one of its entries."""
    raw = yaml.safe_load(paths.data("gpus.yaml").read_text(encoding="utf-8"))

    def change(name: str, key: str, given: dict | None) -> gpus.Gpu:
        entry = raw["gpus"][name]
        (entry["peaks"] if key in entry["peaks"] else entry)[key] = given
        path = tmp_path / "gpus.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return gpus.read(path, tmp_path)[name]

    return change


@pytest.mark.parametrize(
    "key, given, message",
    [
        ("bandwidth", {"is": "4.8 TB", "source": "h200"}, "H200.bandwidth: .* GB/s TB/s; came '4.8 TB'"),
        (
            "bandwidth",
            {"is": "4.8 TiB/s", "source": "h200"},
            "H200.bandwidth: expected a number with the unit",
        ),
        ("bandwidth", {"is": "38.4 Tbit/s", "source": "h200"}, "H200.bandwidth: expected a number with"),
        ("l2", {"is": "50 MB", "source": "h200"}, "H200.l2: expected a number with the unit MiB"),
        ("bf16", {"is": "989", "source": "h200"}, "H200.bf16: expected a number with the unit TFLOP/s"),
        ("sms", {"is": 132}, "H200.sms: expected an entry with `is` and `source`"),
        ("boost_clock", None, "H200.boost_clock: expected an entry"),
    ],
)
def test_an_entry_without_source_or_unit_is_refused(table, key, given, message):
    with pytest.raises(ValueError, match=message):
        table("H200", key, given)


def test_a_sparse_figure_is_halved(table):
    given = {"is": "1979 TFLOP/s", "sparse": True, "source": "h200"}
    assert table("H200", "bf16", given).peaks["bf16"] == 989.5e12
    assert table("H200", "bf16", given | {"sparse": False}).peaks["bf16"] == 1979e12


# ---- ceilings measured on a card


def record(folder, name: str, gpu: str, **ceilings: float) -> None:
    (folder / name).write_text(json.dumps({"gpu": gpu, "ceilings": ceilings}), encoding="utf-8")


def test_recorded_ceilings_are_found_by_the_drivers_name(tmp_path):
    record(tmp_path, "a.json", "NVIDIA H200", copy_bytes_per_s=4.2e12, matmul_bf16_flop_per_s=700e12)
    record(tmp_path, "b.json", "H200", copy_bytes_per_s=4.3e12, clock_mhz=1980)
    record(tmp_path, "c.json", "NVIDIA H200 NVL", copy_bytes_per_s=9e12)
    (tmp_path / "d.json").write_text('{"gpu": "NVIDIA H200"}', encoding="utf-8")
    found = gpus.read(paths.data("gpus.yaml"), tmp_path)
    assert found["H200"].measured == Measured(4.3e12, {"bf16": 700e12}, ("a.json", "b.json"))
    assert found["H100"].measured is None


def test_a_folder_without_records_measures_nothing(tmp_path):
    found = gpus.read(paths.data("gpus.yaml"), tmp_path / "nowhere")
    assert [gpu.measured for gpu in found.values()] == [None] * len(NAMES)


def test_a_recorded_ceiling_of_zero_is_refused(tmp_path):
    record(tmp_path, "a.json", "H200", copy_bytes_per_s=0)
    with pytest.raises(ValueError, match=r"a\.json: copy_bytes_per_s: expected a finite number > 0"):
        gpus.read(paths.data("gpus.yaml"), tmp_path)


# ---- by hand


def test_rms_norm_on_a_measured_h200_takes_62_microseconds():
    by_hand = floor(bytes=RMS_NORM, gpu=measured("H200"), ceilings="measured")
    assert by_hand.seconds == pytest.approx(62.4e-6, rel=1e-3) and by_hand.binds == "memory"


def test_the_measured_ridge_of_an_h200_is_184():
    gpu = measured("H200", bf16=790e12)
    assert floor(matrix=1e12, bytes=1, gpu=gpu, ceilings="measured").ridge == pytest.approx(183.7, abs=0.1)
    assert floor(bytes=1, gpu=gpu, ceilings="measured").ridge == pytest.approx(183.7, abs=0.1)


# bytes, matrix, elementwise, special -> H200 bf16: seconds by 4.8e12, 989.4e12, 66.9e12, 4.18176e12
CASES = {
    "memory": ((4.8e9, 1e9, 1e9, 1e6), 1e-3),
    "matrix": ((1e6, 989.4e9, 1e9, 1e6), 1e-3),
    "elementwise": ((1e6, 1e9, 66.9e9, 1e6), 1e-3),
    "special": ((1e6, 1e9, 1e9, 4.18176e9), 1e-3),
}


def constructed(wall: str, gpu: gpus.Gpu | str = "H200") -> Prediction:
    amounts, _ = CASES[wall]
    return floor(**dict(zip(Work._fields[1:], amounts, strict=True)), gpu=gpu)


@pytest.mark.parametrize("wall", WALLS)
def test_each_wall_can_bind(wall):
    found = constructed(wall)
    assert found.binds == wall and found.seconds == pytest.approx(CASES[wall][1], rel=1e-3)
    assert found.share[wall] == 1 and all(0 < part <= 1 for part in found.share.values())
    assert (wall == "memory") == (found.intensity < found.ridge)
    assert found.flop_per_second == pytest.approx(CASES[wall][0][1] / CASES[wall][1], rel=1e-3)


def with_sparse_peaks(gpu):
    return dataclasses.replace(gpu, peaks={dtype: 2 * rate for dtype, rate in gpu.peaks.items()})


def with_binary_gigabytes(gpu):
    return dataclasses.replace(gpu, memory_bytes_per_second=gpu.memory_bytes_per_second * 1.024**4)


def with_bits_for_bytes(gpu):
    return dataclasses.replace(gpu, memory_bytes_per_second=gpu.memory_bytes_per_second / 8)


def with_one_special_unit_per_lane(gpu):
    return dataclasses.replace(gpu, special_per_sm_and_clock=128)


@pytest.mark.parametrize(
    "mistake, wall",
    [
        (with_sparse_peaks, "matrix"),
        (with_sparse_peaks, "elementwise"),
        (with_binary_gigabytes, "memory"),
        (with_bits_for_bytes, "memory"),
        (with_one_special_unit_per_lane, "special"),
    ],
)
def test_the_hand_computed_seconds_see_a_planted_mistake(mistake, wall):
    found = constructed(wall, mistake(GPUS["H200"]))
    assert found.seconds != pytest.approx(CASES[wall][1], rel=1e-3)


def test_an_fp32_matmul_shares_the_vector_units_with_the_rest():
    found = floor(matrix=66.9e9, elementwise=66.9e9, bytes=1, dtype="fp32")
    assert found.seconds == pytest.approx(2e-3) and found.binds == "matrix"
    assert floor(elementwise=66.9e9, dtype="fp32").seconds == pytest.approx(1e-3)
    assert floor(matrix=66.9e9, elementwise=66.9e9, dtype="bf16").seconds == pytest.approx(1e-3)


def test_work_without_bytes_or_without_flops():
    assert floor(matrix=1e12).intensity == math.inf
    copy = floor(bytes=4.8e12)
    assert (copy.seconds, copy.intensity, copy.flop_per_second) == (1, 0, 0)


# ---- metered launches


@pytest.fixture(scope="module")
def reports():
    """A vector add of 4,096 floats, read and written once; and a matmul whose tiles are read four times."""
    _, add = kernels.add(torch.ones(4096), torch.ones(4096), block=1024)
    _, matmul = kernels.matmul(torch.ones(64, 64), torch.ones(64, 64), block=(16, 16, 16))
    return [add, matmul]


def test_a_metered_launch_by_hand(reports):
    found = predict(reports[0], "A100")
    assert found.work == ("vector_add", 3 * 4096 * 4, 0, 4096, 0)
    assert found.seconds == pytest.approx(3 * 4096 * 4 / 2.039e12) and found.binds == "memory"
    assert found.intensity == pytest.approx(1 / 12)


def test_compulsory_bytes_count_each_element_once(reports):
    once, every = (predict(reports[1], bytes=which) for which in ("compulsory", "moved"))
    assert once.work.bytes == 3 * 64 * 64 * 4 and once.work.matrix == 2 * 64**3
    assert every.work.bytes == (4 + 4 + 1) * 64 * 64 * 4 == reports[1].bytes_moved
    assert every.seconds == pytest.approx(3 * once.seconds)


def test_launches_run_one_after_the_other(reports):
    both = predict(reports, "T4", "fp16")
    each = [predict(report, "T4", "fp16") for report in reports]
    assert both.seconds == pytest.approx(sum(one.seconds for one in each))
    assert both.walls == pytest.approx(
        [sum(parts) for parts in zip(*(one.walls for one in each), strict=True)]
    )
    assert both.work.name == "vector_add, matmul_tile" and len(both.launches) == 2


def test_a_sum_of_floors_is_not_the_floor_of_the_sum():
    memory, matrix = (constructed(wall) for wall in ("memory", "matrix"))
    both = dataclasses.replace(memory, launches=memory.launches + matrix.launches)
    assert both.seconds == pytest.approx(2e-3, rel=1e-3)
    assert max(both.walls) == pytest.approx(1e-3, rel=2e-3)
    thrice = dataclasses.replace(memory, launches=memory.launches + 2 * matrix.launches)
    assert thrice.binds == "matrix"


def test_a_prediction_is_readable_and_rounded():
    found = floor(bytes=RMS_NORM, elementwise=4 * 16384 * 4096, special=16384, name="rms_norm <bf16>")
    assert repr(found).splitlines() == [
        "rms_norm <bf16> on H200 (bf16, datasheet ceilings): at least 55.9 µs, memory binds",
        "  memory         55.9 µs       100 %   268 MB at 4.8 TB/s",
        "  matrix             0 s         0 %   0 FLOP at 989 TFLOP/s",
        "  elementwise    4.01 µs      7.17 %   268 MFLOP at 66.9 TFLOP/s",
        "  special        3.92 ns   0.00701 %   16.4 kFLOP at 4.18 TFLOP/s",
        "  1 FLOP per byte; memory and computing meet at 13.9",
    ]
    page = found._repr_html_()
    assert "rms_norm &lt;bf16&gt;" in page and page.count("<tr>") == 5


@pytest.mark.parametrize(
    "value, text",
    [(0, "0 s"), (1, "1 s"), (5.592e-5, "55.9 µs"), (999.6, "1 ks"), (9.996e-4, "1 ms"), (3e-12, "0.003 ns")],
)
def test_quantities_have_three_digits(value, text):
    assert quantity(value, "s") == text


def test_plain_numbers_have_three_digits():
    assert [plain(value) for value in (1365.3, 0.083333, math.inf)] == ["1,370", "0.0833", "inf"]


# ---- what is refused


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"gpu": "H800"}, "gpu: expected one of 'T4', 'L4', .* 'B200'; came 'H800'"),
        ({"gpu": "T4"}, "dtype: expected one that T4 has: fp32, fp16, int8; came 'bf16'"),
        ({"gpu": "A100", "dtype": "fp8"}, "dtype: expected one that A100 has: fp32, tf32, fp16, bf16, int8"),
        ({"dtype": "float16"}, "dtype: expected one of 'fp32', 'tf32'.*; came 'float16'"),
        ({"ceilings": "guessed"}, "ceilings: expected one of 'datasheet', 'measured'"),
        ({"gpu": UNMEASURED, "ceilings": "measured"}, "ceilings: .* no copy on L4 was recorded"),
        (
            {"gpu": COPIED, "ceilings": "measured"},
            "ceilings: .* no bf16 matmul on H200 was recorded",
        ),
        ({"gpu": measured("H200", None, bf16=7e14), "ceilings": "measured"}, "ceilings: .* no copy on H200"),
        ({"bytes": -1}, "bytes: expected a finite number >= 0"),
        ({"matrix": math.nan}, "matrix: expected a finite number >= 0"),
        ({"bytes": 0, "matrix": 0}, "bytes: expected at least one byte or one FLOP"),
    ],
)
def test_bad_numbers_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        floor(**{"bytes": 1, "matrix": 1, **changed})


def test_bad_reports_are_refused(reports):
    _, unmetered = kernels.add(torch.ones(4), torch.ones(4), meter=False)
    with pytest.raises(ValueError, match="report: expected a metered launch; came 'vector_add launched with"):
        predict(unmetered)
    with pytest.raises(ValueError, match="report: expected at least one launch"):
        predict([])
    with pytest.raises(TypeError, match="report: expected a Report of a simulated launch, or a list of them"):
        predict([reports[0], None])
    with pytest.raises(ValueError, match="bytes: expected one of 'compulsory', 'moved'; came 'all'"):
        predict(reports[0], bytes="all")


def test_walls_are_named_in_one_order():
    assert WALLS == Walls._fields == ("memory", "matrix", "elementwise", "special")
