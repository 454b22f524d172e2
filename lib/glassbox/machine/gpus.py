"""What each GPU can do at most: `data/gpus.yaml` with a source per number, and ceilings measured on a card.

Units: bytes, seconds, FLOP (for int8: operations), and these per second. Every peak is dense.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import yaml

from glassbox import paths
from glassbox.arguments import bad_value, expect_choice, expect_positive

DTYPES = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8")
UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "MHz": 1e6, "GB": 1e9, "GB/s": 1e9, "TB/s": 1e12}
UNITS |= {"TFLOP/s": 1e12, "TOP/s": 1e12}
WITH_UNIT = {
    "memory": "GB",
    "bandwidth": "GB/s TB/s",
    "l2": "MiB",
    "shared_memory_per_block": "KiB",
    "boost_clock": "MHz",
}
PLAIN = ("sms", "special_per_sm_and_clock", "compute_capability")
MATMUL = re.compile(r"matmul_(\w+)_flop_per_s")


@dataclass(frozen=True)
class Source:
    """Where something is written."""

    title: str
    url: str


@dataclass(frozen=True)
class Fact:
    """One number: as its source prints it, in plain units (`value`), and where it was checked (`seen`).

    Convention: `value` is dense; where the source prints the rate with 2:4 sparsity, it is half of `printed`.
    """

    value: float
    printed: str
    sparse: bool
    source: Source
    seen: tuple[Source, ...]
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """The best ceilings that were recorded on a card: bytes/s of a copy, FLOP/s of a matmul by dtype.

    Convention: a copy counts the bytes it reads and the bytes it writes. `files` names the records.
    """

    copy_bytes_per_second: float | None
    matmul: Mapping[str, float]
    files: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Gpu:
    """One GPU's limits, with the source of each number in `facts`.

    `peaks` maps each dtype it has to its dense rate in FLOP/s (int8: operations/s): "fp32" on the vector
    units, the others on the tensor cores. `measured` is None until a benchmark has recorded ceilings.
    """

    name: str
    full_name: str
    driver_names: tuple[str, ...]
    architecture: str
    compute_capability: str
    memory_bytes: float
    memory_bytes_per_second: float
    l2_bytes: float
    shared_memory_per_block_bytes: float
    sms: int
    boost_clock_hz: float
    special_per_sm_and_clock: int
    peaks: Mapping[str, float]
    facts: Mapping[str, Fact]
    measured: Measured | None = None

    @property
    def special_per_second(self) -> float:
        """Special functions (exp, log, reciprocal, ...) per second: SMs x 16 x boost clock."""
        return self.sms * self.special_per_sm_and_clock * self.boost_clock_hz

    def peak(self, dtype: str) -> float:
        """Return the dense rate of `dtype` in FLOP/s. Raises: ValueError for a dtype that the GPU lacks."""
        expect_choice("dtype", dtype, DTYPES)
        if dtype not in self.peaks:
            raise bad_value("dtype", f"one that {self.name} has: {', '.join(self.peaks)}", dtype)
        return self.peaks[dtype]

    def __repr__(self) -> str:
        best = "bf16" if "bf16" in self.peaks else "fp16"
        rate, peak = quantity(self.memory_bytes_per_second, "B/s"), quantity(self.peaks[best], "FLOP/s")
        return f"Gpu({self.full_name}: {rate}, {peak} {best}, {self.sms} SMs)"


class Table(Mapping):
    """The GPUs by name, read at the first look."""

    @cached_property
    def _gpus(self) -> dict[str, Gpu]:
        return read(paths.data("gpus.yaml"), paths.root() / "data" / "benchmarks")

    def __getitem__(self, name: str) -> Gpu:
        return self._gpus[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._gpus)

    def __len__(self) -> int:
        return len(self._gpus)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.values()))


GPUS: Mapping[str, Gpu] = Table()


def find(gpu: str | Gpu) -> Gpu:
    """Return the GPU of that name. Raises: ValueError that names the known ones."""
    if isinstance(gpu, Gpu):
        return gpu
    expect_choice("gpu", gpu, tuple(GPUS))
    return GPUS[gpu]


def read(table: Path, benchmarks: Path) -> dict[str, Gpu]:
    """Return the GPUs of a table, with the ceilings that the records in a folder hold.

    Raises: ValueError that names the GPU and the entry: missing, without a source or with the wrong unit.
    """
    raw = yaml.safe_load(table.read_text(encoding="utf-8"))
    sources, seen = ({key: Source(**each) for key, each in raw[part].items()} for part in ("sources", "seen"))
    records = _records(benchmarks)
    return {name: _gpu(name, entry, sources, seen, records) for name, entry in raw["gpus"].items()}


def _gpu(name: str, entry: dict, sources, seen, records) -> Gpu:
    def fact(key: str, units: str, given: dict) -> Fact:
        return _fact(f"{name}.{key}", units, given.get(key), sources, seen)

    facts = {key: fact(key, units, entry) for key, units in WITH_UNIT.items()}
    facts |= {key: fact(key, "", entry) for key in PLAIN}
    rates = {dtype: fact(dtype, "TFLOP/s TOP/s", entry["peaks"]) for dtype in entry["peaks"]}
    if not {"fp32", "fp16"} <= rates.keys() <= set(DTYPES):
        raise bad_value(f"{name}.peaks", f"fp32, fp16 and others of {', '.join(DTYPES)}", list(rates))
    return Gpu(
        name=name,
        full_name=entry["full_name"],
        driver_names=tuple(entry["driver_names"]),
        architecture=entry["architecture"],
        compute_capability=facts["compute_capability"].printed,
        memory_bytes=facts["memory"].value,
        memory_bytes_per_second=facts["bandwidth"].value,
        l2_bytes=facts["l2"].value,
        shared_memory_per_block_bytes=facts["shared_memory_per_block"].value,
        sms=int(facts["sms"].value),
        boost_clock_hz=facts["boost_clock"].value,
        special_per_sm_and_clock=int(facts["special_per_sm_and_clock"].value),
        peaks=MappingProxyType({dtype: each.value for dtype, each in rates.items()}),
        facts=MappingProxyType(facts | rates),
        measured=_measured({name, *entry["driver_names"]}, records),
    )


def _fact(where: str, units: str, given: dict | None, sources, seen) -> Fact:
    if not isinstance(given, dict) or not {"is", "source"} <= given.keys():
        raise bad_value(where, "an entry with `is` and `source`", given)
    number, _, unit = str(given["is"]).partition(" ")
    if unit not in (units.split() or [""]):
        raise bad_value(where, f"a number with the unit {units or 'none'}", given["is"])
    sparse = bool(given.get("sparse", False))
    return Fact(
        value=float(number) * UNITS[unit] / (2 if sparse else 1),
        printed=str(given["is"]),
        sparse=sparse,
        source=sources[given["source"]],
        seen=tuple(seen[key] for key in given.get("seen", ())),
        note=given.get("note", ""),
    )


def _records(folder: Path) -> list[tuple[str, dict]]:
    """Return the records that name a GPU and ceilings; a folder that is not there holds none."""
    files = sorted(folder.glob("*.json"))
    records = [(path.name, json.loads(path.read_text(encoding="utf-8"))) for path in files]
    return [(name, record) for name, record in records if "gpu" in record and record.get("ceilings")]


def _measured(names: set[str], records: list[tuple[str, dict]]) -> Measured | None:
    """Return the highest of each ceiling: a floor must hold for the best run that was seen."""
    best: dict[str, float] = {}
    files = [(file, record["ceilings"]) for file, record in records if record["gpu"] in names]
    for file, ceilings in files:
        for key, value in ceilings.items():
            if key == "copy_bytes_per_s" or MATMUL.fullmatch(key):
                expect_positive(f"{file}: {key}", value)
                best[key] = max(float(value), best.get(key, 0.0))
    if not best:
        return None
    matmul = {found[1]: value for key, value in best.items() if (found := MATMUL.fullmatch(key))}
    return Measured(best.get("copy_bytes_per_s"), MappingProxyType(matmul), tuple(file for file, _ in files))


PREFIXES = {1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n"}


def quantity(value: float, unit: str) -> str:
    """Return a number of three significant digits with its unit: "55.9 µs", "4.8 TB/s", "0 FLOP"."""
    if value == 0 or value == float("inf"):
        return f"{value:g} {unit}"
    rounded = float(f"{value:.3g}")
    scale = next((scale for scale in PREFIXES if rounded >= scale), min(PREFIXES))
    return f"{rounded / scale:.3g} {PREFIXES[scale]}{unit}"


def plain(value: float) -> str:
    """Return a number of three significant digits without a unit: "1,370", "0.25"."""
    return f"{float(f'{value:.3g}'):,g}"
