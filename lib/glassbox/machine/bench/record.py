"""Recorded measurements: one JSON for each operation and GPU, with where it comes from, or it is not read."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glassbox.machine.gpus import GPUS
from glassbox.paths import root

SCHEMA = 1
FOLDER = "benchmarks"
KEYS = {
    "": {"schema", "operation", "direction", "gpu", "ceilings", "device", "provenance", "protocol", "rows"},
    "ceilings": {"copy_bytes_per_s", "matmul_bf16_flop_per_s"},
    "device": {"architecture", "peak_bytes_per_s", "driver", "power_cap_w", "start", "end"},
    "provenance": {"date", "command", "commit", "dirty", "python", "torch", "cuda", "triton", "peers"},
}  # fmt: skip
ROW = {"peer", "case", "dtype", "headline"}
OUTCOMES = {"median_ms", "absent", "refused"}
TIMED = {"p20_ms", "p80_ms", "repetitions", "host_bound", "bytes", "bytes_per_s", "share", "error_ratio"}


@dataclass(frozen=True)
class Record:
    """One operation on one GPU. Each row is a flat dict: peer, sizes, dtype, and median_ms or why not."""

    operation: str
    direction: str
    gpu: str
    ceilings: dict
    device: dict
    provenance: dict
    rows: tuple[dict, ...]

    def timed(self, peer: str = "ours", **sizes: object) -> list[dict]:
        """Return a peer's rows that have a time, of the cases with those sizes (and dtype)."""
        return [
            row
            for row in self.rows
            if row["peer"] == peer and "median_ms" in row and all(row.get(k) == v for k, v in sizes.items())
        ]

    def made(self) -> str:
        """Return in one line where and when this was measured."""
        at = self.provenance
        return f"{self.gpu}, driver {self.device['driver']}, torch {at['torch']}, {at['date'][:10]}"


def file_name(operation: str, gpu: str) -> str:
    """Return the name of a record: rms_norm_forward.nvidia_h200.json."""
    return f"{operation}.{re.sub(r'[^a-z0-9]+', '_', gpu.lower()).strip('_')}.json"


def write(record: dict, folder: Path | None = None) -> Path:
    """Check a record and write it, one row to a line; by default to data/benchmarks."""
    check(record, record.get("operation", "record"))
    folder = folder or root() / "data" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(record["operation"], record["gpu"])
    head = json.dumps({k: v for k, v in record.items() if k != "rows"}, indent=1, allow_nan=False)[:-2]
    body = ",\n".join("  " + json.dumps(row, allow_nan=False) for row in record["rows"])
    path.write_text(f'{head},\n "rows": [\n{body}\n ]\n}}\n', encoding="utf-8", newline="\n")
    return path


def read(path: Path) -> Record:
    """Return a record. Raises: ValueError if it does not say what a record must."""
    made = json.loads(path.read_text(encoding="utf-8"))
    check(made, path.name)
    fields = ("operation", "direction", "gpu", "ceilings", "device", "provenance")
    return Record(**{name: made[name] for name in fields}, rows=tuple(made["rows"]))


def recorded(operation: str, gpu: str | None = None, folder: Path | None = None) -> Record | None:
    """Return what was measured of an operation, None if nothing was.

    Convention: `gpu` is the driver's name, or the course's ("H200"); without it the newest record answers.
        `not_yet_measured` is what to say for None.
    Raises: ValueError if a record does not say what it must.
    """
    folder = folder or root() / "data" / FOLDER
    names = () if gpu is None else (gpu, *(GPUS[gpu].driver_names if gpu in GPUS else ()))
    patterns = [file_name(operation, name) for name in names] or [f"{operation}.*.json"]
    found = [read(path) for pattern in patterns for path in sorted(folder.glob(pattern))]
    return max(found, key=lambda record: record.provenance["date"], default=None)


def not_yet_measured(operation: str, gpu: str | None = None) -> str:
    """Return what a notebook says where there is no record."""
    where = f"on {gpu}" if gpu else "on any GPU"
    return f"{operation}: not yet measured {where}; on a machine with one: glassbox bench {operation}"


def check(record: dict, name: str) -> None:
    """Refuse a record that leaves out where it comes from, or claims more than the memory can do."""
    if record.get("schema") != SCHEMA:
        raise ValueError(f"{name}: expected schema {SCHEMA}; came {record.get('schema')!r}")
    for part, wanted in KEYS.items():
        _expect(record if not part else record[part], wanted, f"{name} {part}".strip())
    for number, row in enumerate(record["rows"]):
        _check_row(row, record["device"]["peak_bytes_per_s"], f"{name} row {number}")


def _check_row(row: dict, peak: float | None, name: str) -> None:
    _expect(row, ROW, name)
    outcomes = sorted(OUTCOMES & row.keys())
    if len(outcomes) != 1:
        raise ValueError(f"{name}: expected one of {', '.join(sorted(OUTCOMES))}; came {outcomes}")
    if "median_ms" not in row:
        return
    _expect(row, TIMED, name)
    if not 0 < row["p20_ms"] <= row["median_ms"] <= row["p80_ms"]:
        raise ValueError(f"{name}: expected 0 < p20 <= median <= p80")
    if peak and row["bytes_per_s"] > peak and "flag" not in row:
        raise ValueError(f"{name}: {row['bytes_per_s']:.3g} B/s is above the memory's peak of {peak:.3g}")


def _expect(part: dict, wanted: Sequence[str] | set[str], name: str) -> None:
    if missing := sorted(set(wanted) - part.keys()):
        raise ValueError(f"{name} does not say: {', '.join(missing)}")
